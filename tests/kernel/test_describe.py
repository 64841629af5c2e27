"""The contract in print, and as AsyncAPI."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from types import ModuleType
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbus.kernel import Duration, Instant, UsageError, encode, field, message, value
from gridbus.kernel.codec import structured
from gridbus.kernel.describe import asyncapi, contract_text, json_schema
from gridbus.kernel.message import declaration_of
from gridbus.kernel.plugins import contract, message_class
from gridbus.kernel.shape import structure_of


class Phase(Enum):
    A = "a"
    B = "b"


@value
class Step:
    """A step of a curve."""

    power_kw: float = field("power of the step", unit="kW", at_least=-100)
    price_per_kwh: Decimal = field("price of the step", unit="$/kWh")


@message(
    topic="bid.{market}.{meter}",
    senders=["meter.{meter}"],
    receivers=["market.{market}", "*.*"],
    retain=True,
    mirrors="IEC 62325",
)
class Bid:
    """A bid. With more to say."""

    market: str = field("market that the bid is for")
    meter: str = field("meter that bids")
    begin: Instant = field("begin of the interval")
    length: Duration = field("length of the interval")
    steps: tuple[Step, ...] = field("steps of the curve")
    shares: tuple[float, ...] = field("shares", at_least=0, at_most=1)
    date: datetime = field("date")
    firm: bool = field("whether it is firm", default=False)
    phase: Phase = field("phase", default=Phase.A)
    count: int = field("number of units", unit="1", above=0, default=1)
    limit_kw: float | None = field("limit", unit="kW", at_least=0, default=None)
    best: Step | None = field("best step", default=None)


@message(topic="award.{meter}", senders=["market.*"], receivers=["meter.{meter}"])
class Award:
    """An award."""

    meter: str = field("meter")


CONTRACT = [declaration_of(Bid), declaration_of(Award)]


def test_the_text_names_topics_parties_fields_and_units():
    text = contract_text(CONTRACT)

    assert text.splitlines() == [
        "bid  A bid. With more to say.",
        "    topic      bid.{market}.{meter}  (last value retained)",
        "    from       meter.{meter}",
        "    to         market.{market}, *.*",
        "    mirrors    IEC 62325",
        "    . market: text  market that the bid is for",
        "    . meter: text  meter that bids",
        "    . begin: instant  begin of the interval",
        "    . length: duration  length of the interval",
        "    . steps: list of Step  steps of the curve",
        "        . power_kw: number [kW]  power of the step",
        "        . price_per_kwh: decimal [$/kWh]  price of the step",
        "    . shares: list of number  shares",
        "    . date: date with zone  date",
        "    . firm: true or false  whether it is firm, has a default",
        "    . phase: a | b  phase, has a default",
        "    . count: integer [1]  number of units, has a default",
        "    . limit_kw: number or nothing [kW]  limit, has a default",
        "    . best: Step or nothing  best step, has a default",
        "        . power_kw: number [kW]  power of the step",
        "        . price_per_kwh: decimal [$/kWh]  price of the step",
        "",
        "award  An award.",
        "    topic      award.{meter}",
        "    from       market.*",
        "    to         meter.{meter}",
        "    . meter: text  meter",
    ]


# AsyncAPI


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for inner in node.values():
            yield from references(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from references(inner)


def test_every_reference_of_the_asyncapi_document_resolves():
    document = asyncapi(CONTRACT)
    found = list(references(document))

    assert len(found) == 2 + 2 * len(document["operations"])
    for reference in found:
        node: Any = document
        for step in reference.removeprefix("#/").split("/"):
            node = node[step]
        assert node


def test_the_asyncapi_document_has_a_channel_and_operations_for_each_message():
    document = asyncapi(CONTRACT)

    assert document["asyncapi"] == "3.0.0"
    assert document["info"].keys() >= {"title", "version"}
    assert document["channels"]["bid"]["address"] == "bid.{market}.{meter}"
    for channel in document["channels"].values():
        assert set(channel["parameters"]) == set(re.findall(r"\{(\w+)\}", channel["address"]))
    sides = {name: (each["action"], each["x-address"]) for name, each in document["operations"].items()}
    assert sides == {
        "meter-send-bid": ("send", "meter.{meter}"),
        "market-receive-bid": ("receive", "market.{market}"),
        "any-receive-bid": ("receive", "*.*"),
        "market-send-award": ("send", "market.*"),
        "meter-receive-award": ("receive", "meter.{meter}"),
    }
    bid = document["components"]["messages"]["bid"]
    assert (bid["x-retained"], bid["x-mirrors"]) == (True, "IEC 62325")
    assert orjson.loads(orjson.dumps(document)) == document


def test_units_and_bounds_are_in_the_schema():
    properties = json_schema(structure_of(Bid))["properties"]

    assert properties["limit_kw"]["x-unit"] == "kW"
    assert properties["steps"]["items"]["properties"]["price_per_kwh"]["x-unit"] == "$/kWh"
    assert properties["steps"]["items"]["properties"]["power_kw"]["minimum"] == -100
    assert properties["shares"]["items"] == {"type": "number", "minimum": 0, "maximum": 1}
    assert properties["count"]["exclusiveMinimum"] == 0


TYPES: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}


KNOWN = {"type", "properties", "required", "additionalProperties", "items", "oneOf", "enum", "pattern"}
KNOWN |= {"format", "minimum", "maximum", "exclusiveMinimum", "description", "x-unit"}


def accepts(schema: dict[str, Any], given: Any) -> bool:
    """As much of JSON schema as the contract uses."""
    assert set(schema) <= KNOWN
    if "oneOf" in schema and sum(accepts(each, given) for each in schema["oneOf"]) != 1:
        return False
    if "type" in schema and not isinstance(given, TYPES[schema["type"]]):
        return False
    if isinstance(given, bool) and schema.get("type") in ("integer", "number"):
        return False
    if isinstance(given, dict) and "properties" in schema:
        properties = schema["properties"]
        inner = all(accepts(properties[key], each) for key, each in given.items() if key in properties)
        return inner and set(schema.get("required", ())) <= set(given) <= set(properties)
    if isinstance(given, list):
        return all(accepts(schema["items"], each) for each in given)
    if isinstance(given, int | float):
        return (
            schema.get("minimum", given) <= given <= schema.get("maximum", given)
            and given > schema.get("exclusiveMinimum", given - 1)
        )  # fmt: skip
    if isinstance(given, str):
        return given in schema.get("enum", [given]) and re.search(schema.get("pattern", ""), given) is not None
    return True


floats = st.floats(0, 1)
decimals = st.decimals(-(10**9), 10**9, allow_nan=False).filter(lambda d: d.adjusted() > -30)
step = st.builds(Step, floats, decimals)
bids = st.builds(
    Bid,
    market=st.just("m"),
    meter=st.just("x"),
    begin=st.integers(0, 10**15),
    length=st.integers(0, 10**15),
    steps=st.lists(step, max_size=2).map(tuple),
    shares=st.lists(floats, max_size=2).map(tuple),
    date=st.just(datetime(2025, 1, 1, tzinfo=UTC)),
    firm=st.booleans(),
    phase=st.sampled_from(Phase),
    count=st.integers(1, 9),
    limit_kw=st.none() | floats,
    best=st.none() | step,
)


@given(bids)
@settings(max_examples=60, deadline=None)
def test_the_schema_accepts_what_the_encoder_writes(bid: Bid):
    assert accepts(json_schema(structure_of(Bid)), orjson.loads(encode(bid)))


EXAMPLE = Bid("m", "x", 0, 1, (Step(1.0, Decimal("0.10")),), (0.5,), datetime(2025, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    "change",
    [
        {"market": 3},
        {"steps": [{"power_kw": 1.0}]},
        {"steps": [{"power_kw": -101, "price_per_kwh": "1"}]},
        {"steps": [{"power_kw": 1, "price_per_kwh": "1e3"}]},
        {"steps": None},
        {"shares": [1.5]},
        {"phase": "c"},
        {"count": 0},
        {"count": 1.5},
        {"limit_kw": "none"},
        {"limit_kw": -1},
        {"extra": 1},
    ],
)
def test_the_schema_refuses_what_the_decoder_refuses(change: dict[str, Any]):
    raw = {**orjson.loads(encode(EXAMPLE)), **change}

    assert not accepts(json_schema(structure_of(Bid)), raw)
    assert structured(Bid, raw)[0] is None


# The contract of what is installed


def module_of(*classes: type) -> ModuleType:
    module = ModuleType("messages")
    for cls in classes:
        setattr(module, cls.__name__, cls)
    return module


def test_the_contract_is_every_installed_message_by_topic(installed: Any):
    installed.add("messages", one=module_of(Bid, Award, Step, Phase), two=module_of(Award))

    assert [d.name for d in contract()] == ["award", "bid", "quarantined"]
    assert message_class("bid") is Bid
    with pytest.raises(UsageError, match=r"no message is called 'bide'; did you mean bid\?"):
        message_class("bide")


def test_two_messages_cannot_share_a_topic(installed: Any):
    @message(topic="award.today", senders=["*.*"], receivers=["*.*"])
    class Today:
        number: int = field("a number")

    installed.add("messages", one=module_of(Award), two=module_of(Today))
    with pytest.raises(UsageError, match=r"today and award could be on one topic: award\.today, award\.\{meter\}"):
        contract()


def test_two_messages_cannot_share_a_name(installed: Any):
    original = Award

    def other() -> type:
        @message(topic="other.{meter}", senders=["*.*"], receivers=["*.*"])
        class Award:
            meter: str = field("meter")

        return Award

    installed.add("messages", one=module_of(original), two=module_of(other()))
    with pytest.raises(UsageError, match="two messages are called award"):
        contract()
