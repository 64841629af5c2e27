"""Who may say and hear what, enforced by the bus from the declarations."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbus.kernel import ComponentError, PermissionDenied, Port, field, message
from gridbus.kernel.testing import run_components


@message(topic="read.{wires}.{meter}", senders=["wires.{wires}"], receivers=["retailer.*", "meter.{meter}"])
class Read:
    """A meter read: its own meter hears it, and any retailer; only the wires company of its name sends it."""

    wires: str = field("wires company")
    meter: str = field("meter")


@message(topic="offer.{market}.{meter}", senders=["meter.{meter}"], receivers=["market.{market}"])
class Offer:
    """An offer: seen by its market only."""

    market: str = field("market")
    meter: str = field("meter")


@message(topic="bill.{meter}", senders=["retailer.*"], receivers=["meter.{meter}"], retain=True)
class Bill:
    """A bill: for one meter."""

    meter: str = field("meter")


@message(topic="notice.{meter}", senders=["*.*"], receivers=["meter.*", "retailer.*"])
class Notice:
    """Has the topic field of a bill, but everybody may hear it."""

    meter: str = field("meter")


@message(topic="claim.{name}", senders=["*.{name}"], receivers=["*.{name}"])
class Claim:
    """Anybody, but only in and to its own name."""

    name: str = field("who")


def published_by(address: str, said: object) -> None:
    async def main(port: Port) -> None:
        port.publish(said)

    run_components({address: main}, stop=1)


def heard_by(address: str, what: Any, published: dict[str, list[object]], **chosen: str) -> list[Any]:
    """What a component hears of what others publish, and what it would hear if it came late."""
    heard: list[Any] = []

    def speaker(said: list[object]) -> Callable[[Port], Any]:
        async def main(port: Port) -> None:
            for each in said:
                port.publish(each)

        return main

    async def listener(port: Port) -> None:
        async for each in port.subscribe(*what if isinstance(what, tuple) else (what,), **chosen):
            heard.append(each)  # noqa: PERF401 - to be seen while the run goes on

    run_components({address: listener} | {a: speaker(said) for a, said in published.items()}, stop=1)
    return heard


def denied(action: Callable[[], object]) -> PermissionDenied:
    with pytest.raises(ComponentError) as caught:
        action()
    assert isinstance(caught.value.__cause__, PermissionDenied)
    return caught.value.__cause__


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("wires.north", Read("north", "m1")),
        ("meter.m1", Offer("retail", "m1")),
        ("retailer.anyone", Bill("m1")),
        ("anything.x", Notice("m1")),
        ("anything.x", Claim("x")),
    ],
)
def test_a_component_says_what_its_role_and_name_allow(address: str, said: object):
    published_by(address, said)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("retailer.north", Read("north", "m1")),
        ("wires.south", Read("north", "m1")),
        ("meter.m2", Offer("retail", "m1")),
        ("market.retail", Offer("retail", "m1")),
        ("meter.m1", Bill("m1")),
        ("anything.y", Claim("x")),
        ("WIRES.north", Read("north", "m1")),
    ],
)
def test_a_component_cannot_say_what_is_not_its_own(address: str, said: object):
    error = denied(lambda: published_by(address, said))

    assert (error.address, error.action, error.message) == (address, "send", type(said).__name__)
    assert error.allowed == type(said).__declaration__.senders  # type: ignore[attr-defined]
    assert address in str(error)


def test_permission_to_say_one_thing_is_checked_for_each_message():
    """Also when the role has sent the class before: the rule is kept, the name is checked each time."""

    async def honest(port: Port) -> None:
        port.publish(Claim("honest"))

    async def liar(port: Port) -> None:
        port.publish(Claim("liar"))
        port.publish(Claim("honest"))

    error = denied(lambda: run_components({"a.honest": honest, "a.liar": liar}, stop=1))

    assert "its name is 'honest'" in str(error)


@pytest.mark.parametrize(
    ("address", "what", "chosen"),
    [
        ("wires.north", Read, {}),
        ("meter.m1", Read, {"meter": "m2"}),
        ("meter.m1", Read, {"meter": "*"}),
        ("market.other", Offer, {"market": "retail"}),
        ("meter.m1", Offer, {}),
        ("retailer.r", Bill, {}),
    ],
)
def test_a_component_cannot_hear_what_is_not_for_it(address: str, what: type, chosen: dict[str, str]):
    error = denied(lambda: heard_by(address, what, {}, **chosen))

    assert (error.address, error.action, error.message) == (address, "hear", what.__name__)


READS: dict[str, list[object]] = {"wires.north": [Read("north", "m1"), Read("north", "m2")]}


def test_a_subscription_is_narrowed_to_the_own_name_where_it_must_be():
    assert heard_by("meter.m1", Read, READS) == [Read("north", "m1")]
    assert heard_by("meter.m1", Read, READS, meter="m1") == [Read("north", "m1")]
    assert heard_by("retailer.r", Read, READS) == READS["wires.north"]
    assert heard_by("retailer.r", Read, READS, meter="m2") == [Read("north", "m2")]


@pytest.mark.parametrize("order", [(Bill, Notice), (Notice, Bill)])
def test_narrowing_one_class_does_not_narrow_another(order: tuple[type, type]):
    said: dict[str, list[object]] = {"retailer.r": [Bill("m1"), Bill("m2"), Notice("m1"), Notice("m2")]}

    assert heard_by("meter.m1", order, said) == [Bill("m1"), Notice("m1"), Notice("m2")]


names = st.sampled_from(["m1", "m2", "m3"])


@given(
    names,
    st.sampled_from([">", "*.*", "bill.>", "*.*.*", "read.north.*", "bill.m2", "bill.m1", "offer.>", "claim.*"]),
)
@settings(max_examples=60, deadline=None)
def test_a_text_pattern_hears_no_more_than_the_role_may(name: str, pattern: str):
    said: dict[str, list[object]] = {
        "wires.north": [Read("north", f"m{n}") for n in (1, 2, 3)],
        "retailer.r": [Bill(f"m{n}") for n in (1, 2, 3)],
        "meter.z": [Offer("retail", "z"), Claim("z")],
    }
    tokens = pattern.split(".")
    open_end = tokens[-1] == ">"

    def topic(each: Any) -> list[str]:
        fields = [getattr(each, f) for f in type(each).__declaration__.topic_fields]
        return [type(each).__name__.lower(), *fields]

    def matched(each: Any) -> bool:
        fits = all(t in ("*", ">", g) for t, g in zip(tokens, topic(each), strict=False))
        return fits and (len(topic(each)) >= len(tokens) if open_end else len(topic(each)) == len(tokens))

    everything = [each for address in sorted(said, key=str) for each in said[address]]
    own = [each for each in everything if matched(each) and isinstance(each, Read | Bill) and each.meter == name]
    assert sorted(map(repr, heard_by(f"meter.{name}", pattern, said))) == sorted(map(repr, own))


def test_a_text_pattern_gets_only_its_own_of_the_retained_values():
    kept: list[object] = []

    async def retailer(port: Port) -> None:
        for name in ("m1", "m2"):
            port.publish(Bill(name))

    async def late(port: Port) -> None:
        await port.sleep_until(1)
        kept.extend(port.subscribe(">").take_waiting())

    run_components({"retailer.r": retailer, "meter.m2": late, "wires.w": late}, stop=2)

    assert kept == [Bill("m2")]


def test_a_request_needs_permission_to_hear_the_reply():
    async def main(port: Port) -> None:
        await port.request(Offer("retail", "m1"), Offer)

    assert denied(lambda: run_components({"meter.m1": main}, stop=1)).action == "hear"


def test_a_reply_cannot_bring_what_is_meant_for_another():
    async def asker(port: Port) -> None:
        await port.request(Notice("m1"), Bill)

    async def careless(port: Port) -> None:
        envelope = await port.subscribe(Notice, meter="m1").receive_envelope()
        port.publish(Bill("m2"), reply_to=envelope)

    refused = denied(lambda: run_components({"meter.m1": asker, "retailer.r": careless}, stop=1))

    assert (refused.address, refused.action, refused.message) == ("meter.m1", "hear", "Bill")
