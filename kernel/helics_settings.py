"""The ``[helics]`` table of a scenario: which HELICS values become which messages, and back."""

from __future__ import annotations

from .shape import field, value


@value
class InputMapping:
    """A HELICS publication of another federate that becomes a typed message here."""

    key: str = field("name of the publication to subscribe to; a * in it is kept as {wildcard} for `fields`")
    message: str = field("message that it becomes, such as weather_reading")
    into: str = field("field of the message that takes the value")
    sender: str = field("address in whose name it is published, such as weather.site")
    unit: str = field("unit of the value outside, where it differs from the field's unit", default="")
    fields: tuple[str, ...] = field("the other fields, each `name = value`; {wildcard} and {now} are filled in", default=())


@value
class PublicationMapping:
    """A typed message that becomes a HELICS publication of this federate."""

    message: str = field("message whose values go out, such as award")
    source: str = field("field of the message that is published")
    key: str = field("name of the publication; {field} is filled in from the message, one publication for each")
    unit: str = field("unit of the value outside, where it differs from the field's unit", default="")


@value
class HelicsSettings:
    """Co-simulation with other federates."""

    federate: str = field("federate JSON file to read; empty: only what is given here", default="")
    name: str = field("name of the federate, unless the federate file gives one", default="gridbus")
    federates: int = field("federates that the broker waits for, if this run starts it", default=1, at_least=1)
    inputs: tuple[InputMapping, ...] = field("values that come in", default=())
    publications: tuple[PublicationMapping, ...] = field("values that go out", default=())
