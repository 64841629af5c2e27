"""The ``[helics]`` table of a scenario: which HELICS values become which messages, and back.

.. code-block:: toml

    [helics]
    federate = "gridbus.json"   # optional: a standard HELICS federate file
    federates = 3               # this one and two others, if the run starts the broker

    [[helics.inputs]]           # one table for each message that comes in
    message = "weather_reading"
    sender = "weather.{wildcard}"
    values = [
        { key = "weather/*/temperature", into = "temperature_c", unit = "degF" },
        { key = "weather/*/irradiance", into = "irradiance_w_per_m2" },
    ]
    fixed = [{ name = "site", value = "{wildcard}" }, { name = "measured_at", value = "{now}" }]

    [[helics.publications]]     # one table for each field that goes out
    message = "award"
    source = "power_kw"
    key = "gridbus/{resource}/award"
    unit = "W"
    for_each = [{ name = "resource", values = ["h001-hvac", "h002-hvac"] }]
    where = [{ name = "market", value = "retail" }]
"""

from __future__ import annotations

from collections.abc import Iterable

from ..shape import field, value


@value
class FieldValue:
    """A field of a message and a value for it, as text."""

    name: str = field("field of the message")
    value: str = field("its value, as text")


@value
class FieldValues:
    """A field of a message and all values that it may have."""

    name: str = field("field of the message, of type text")
    values: tuple[str, ...] = field("every value that it may have")


@value
class InputValue:
    """A HELICS publication of another federate that fills one field."""

    key: str = field("full name of the publication; one * stands for any text without a /")
    into: str = field("field of the message that takes the value")
    unit: str = field("unit outside, if its federate does not tell; empty: the field's own", default="")


@value
class InputMapping:
    """A message made of HELICS publications of other federates.

    It is sent when one of its values has changed, once all fields without a default have had a value.
    A ``*`` in the keys makes one message for each text that it matches; ``{wildcard}`` is that text.
    """

    message: str = field("message that the values become, such as weather_reading")
    sender: str = field("address in whose name it is sent, such as weather.site or weather.{wildcard}")
    values: tuple[InputValue, ...] = field("publications, each with the field that it fills")
    fixed: tuple[FieldValue, ...] = field(
        "the other fields; {wildcard} and {now}, the instant of the change, are filled in", default=()
    )


@value
class PublicationMapping:
    """A field of a message that becomes a HELICS publication of this federate."""

    message: str = field("message whose value goes out, such as award")
    source: str = field("field of the message that is published")
    key: str = field("full name of the publication; {field} is filled in from the message")
    unit: str = field("unit of the value outside; empty: the field's own", default="")
    for_each: tuple[FieldValues, ...] = field("the values of each {field} of the key", default=())
    where: tuple[FieldValue, ...] = field("only of messages whose fields have these values", default=())


@value
class HelicsSettings:
    """Co-simulation with other federates."""

    federate: str = field("federate JSON file to read; empty: only what is given here", default="")
    name: str = field("name of the federate, unless the federate file gives one", default="gridbus")
    federates: int = field(
        "federates of the federation, this one included, if this run starts the broker", default=1, at_least=1
    )
    port: int = field("port of that broker; 0: a free one", default=0, at_least=0, at_most=65535)
    inputs: tuple[InputMapping, ...] = field("messages that come in", default=())
    publications: tuple[PublicationMapping, ...] = field("values that go out", default=())

    def check(self) -> Iterable[tuple[str, str]]:
        """What is wrong with the mappings: fields, messages and units that are not there or do not fit."""
        from .mapping import Mapping

        return Mapping(self).faults
