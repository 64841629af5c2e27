import attrs


@attrs.define
class Charges:
    venue: object
    account: object

    def publish(self) -> None: ...
