"""The register: at most one retailer at any instant, whose contract it is, who else may see data, what is refused."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridbus.kernel import MINUTE, Port
from gridbus.kernel.testing import run_components
from gridbus.roles.interfaces import (
    METER_DATA,
    NO_CHOICE,
    NOBODY,
    SWITCHING,
    Assignment,
    Consent,
    ConsentChange,
    Enrolment,
    MoveIn,
    MoveOut,
    ReasonCode,
    RegistryAnswer,
    RegistryRequest,
    SwitchRequest,
    TariffPublished,
)
from gridbus.roles.register import Refused, Register, Request, Supply
from gridbus.roles.registry import Registry

LAST_RESORT = Supply("public", "default")
LAST = 24


def enrolment(start: int = 0, lse: str = "green", **changes: Any) -> Enrolment:
    fields: dict[str, Any] = {"usage_point": "h1", "tariff": "flat", "market": "none", "transformer": "t1"}
    return Enrolment(lse=lse, effective_from=start, **(fields | changes))


def switch(start: int, lse: str = "simple", tariff: str = "flat", usage_point: str = "h1") -> SwitchRequest:
    return SwitchRequest(usage_point=usage_point, lse=lse, tariff=tariff, market="none", effective_from=start)


def move_in(start: int, customer: str = "bob", lse: str = "simple", usage_point: str = "h1") -> MoveIn:
    return MoveIn(usage_point=usage_point, customer=customer, effective_from=start, lse=lse, tariff="flat")


def move_out(start: int, usage_point: str = "h1") -> MoveOut:
    return MoveOut(usage_point=usage_point, effective_from=start)


def consent(start: int, *, to: int | None = None, granted: bool = True, scope: str = METER_DATA) -> ConsentChange:
    return ConsentChange(
        usage_point="h1", third_party="app", scope=scope, granted=granted, valid_from=start, valid_to=to
    )


def register(*requests: Request, last_resort: Supply | None = None) -> Register:
    made = Register(last_resort)
    for each in requests:
        made.enter(each, 0)
    return made


def refused(of: Register, request: Request, now: int = 0, *, by_customer: bool = True) -> list[tuple[ReasonCode, str]]:
    with pytest.raises(Refused) as caught:
        of.enter(request, now, by_customer=by_customer)
    return [(reason.code, reason.path) for reason in caught.value.reasons]


# Whatever is asked for, in whatever order

STARTS = st.integers(0, LAST - 2)
LSES = st.sampled_from(["green", "simple", NO_CHOICE])
PLACES = st.sampled_from(["h1", "h2"])
REQUESTS: st.SearchStrategy[Request] = st.one_of(
    st.builds(enrolment, STARTS, LSES, usage_point=PLACES),
    st.builds(switch, STARTS, LSES, usage_point=PLACES),
    st.builds(move_in, STARTS, st.sampled_from(["bob", "eve"]), LSES, PLACES),
    st.builds(move_out, STARTS, PLACES),
    st.builds(consent, STARTS, to=STARTS | st.none(), granted=st.booleans(), scope=st.sampled_from(["meter-data"])),
    st.builds(consent, STARTS, scope=st.just(SWITCHING)),
)
DAYS = st.lists(st.tuples(REQUESTS, st.integers(0, 2), st.booleans()), max_size=30)
RESORTS = st.sampled_from([None, LAST_RESORT])


@given(day=DAYS, last_resort=RESORTS)
def test_never_two_retailers_at_one_instant_and_who_follows_the_announcements_knows_what_the_register_knows(
    day: list[tuple[Request, int, bool]], last_resort: Supply | None
) -> None:
    made, heard, now = Register(last_resort), {}, 0
    for request, later, by_customer in day:
        now += later
        before = copy.deepcopy(made)
        try:
            entries = made.enter(request, now, by_customer=by_customer)
        except Refused:
            assert made == before
            continue
        heard |= {(e.usage_point, e.effective_from): e for e in entries if isinstance(e, Assignment)}
    for usage_point in ("h1", "h2"):
        for instant in range(LAST):
            in_force = [a for a in made if a.usage_point == usage_point and a.covers(instant)]
            assert len(in_force) <= 1
            assert made.at(usage_point, instant) == (in_force[0] if in_force else None)
            assert in_force == [a for a in heard.values() if a.usage_point == usage_point and a.covers(instant)]


@given(day=DAYS, last_resort=RESORTS)
def test_what_has_been_in_force_is_never_rewritten(
    day: list[tuple[Request, int, bool]], last_resort: Supply | None
) -> None:
    made, now = Register(last_resort), 0
    for request, later, by_customer in day:
        now += later
        passed = {(name, t): _supply(made, name, t) for name in ("h1", "h2") for t in range(now)}
        seen = {t: made.may("app", METER_DATA, "h1", t) for t in range(now)}
        try:
            made.enter(request, now, by_customer=by_customer)
        except Refused:
            continue
        assert passed == {(name, t): _supply(made, name, t) for name, t in passed}
        assert seen == {t: made.may("app", METER_DATA, "h1", t) for t in seen}


def _supply(made: Register, usage_point: str, instant: int) -> tuple[str, str, str] | None:
    held = made.at(usage_point, instant)
    return None if held is None else (held.lse, held.tariff, held.customer)


@given(day=DAYS, last_resort=RESORTS)
def test_with_a_provider_of_last_resort_a_usage_point_is_supplied_from_its_enrolment_on(
    day: list[tuple[Request, int, bool]], last_resort: Supply | None
) -> None:
    made, now, first = Register(last_resort), 0, None
    for request, later, by_customer in day:
        now += later
        try:
            made.enter(request, now, by_customer=by_customer)
        except Refused:
            continue
        if isinstance(request, Enrolment) and request.usage_point == "h1":
            first = request.effective_from
    if last_resort is not None and first is not None:
        assert all(made.at("h1", instant) is not None for instant in range(first, LAST))


@given(day=DAYS, last_resort=RESORTS)
def test_a_third_party_may_see_only_what_a_customer_who_lived_there_has_consented_to(
    day: list[tuple[Request, int, bool]], last_resort: Supply | None
) -> None:
    made, now, granted = Register(last_resort), 0, []
    for request, later, by_customer in day:
        now += later
        try:
            made.enter(request, now, by_customer=by_customer)
        except Refused:
            continue
        if isinstance(request, ConsentChange) and request.scope == METER_DATA and request.granted:
            granted.append((request.valid_from, _tenant(made, request.valid_from)))
    for instant in range(LAST):
        if made.may("app", METER_DATA, "h1", instant):
            assert any(start <= instant and tenant == _tenant(made, instant) for start, tenant in granted)
            assert _tenant(made, instant) not in (None, NOBODY)


def _tenant(made: Register, instant: int) -> str | None:
    held = made.at("h1", instant)
    return None if held is None else held.customer


# Switching


def test_a_switch_ends_the_old_assignment_where_the_new_one_begins() -> None:
    old, new = register(enrolment(customer_class="small business", customer="ann")).enter(switch(7), 0)
    assert isinstance(old, Assignment)
    assert isinstance(new, Assignment)
    assert (old.lse, old.effective_from, old.effective_to) == ("green", 0, 7)
    assert (new.lse, new.effective_from, new.effective_to) == ("simple", 7, None)
    assert (new.transformer, new.customer_class, new.customer) == ("t1", "small business", "ann")


def test_a_retailer_switches_only_with_the_customers_consent() -> None:
    made = register(enrolment())
    asked = SwitchRequest(usage_point="h1", lse="app", tariff="flat", market="none", effective_from=9)
    assert refused(made, asked, by_customer=False) == [(ReasonCode.NOT_AUTHORISED, "lse")]
    made.enter(consent(2, to=4, scope=SWITCHING), 0)
    assert refused(made, asked, 1, by_customer=False) == [(ReasonCode.NOT_AUTHORISED, "lse")]
    assert refused(made, asked, 4, by_customer=False) == [(ReasonCode.NOT_AUTHORISED, "lse")]
    assert len(made.enter(asked, 3, by_customer=False)) == 2


def test_the_same_request_again_is_entered_once() -> None:
    made = register(enrolment())
    assert made.enter(enrolment(), 0) == ()
    assert len(made.enter(switch(7), 0)) == 2
    assert made.enter(switch(7), 0) == ()


@pytest.mark.parametrize("start", [3, 5])
def test_a_switch_that_does_not_begin_after_the_last_is_refused(start: int) -> None:
    assert refused(register(enrolment(5)), switch(start)) == [(ReasonCode.INTERVAL_CONFLICT, "effective_from")]


def test_a_tariff_that_the_retailer_does_not_offer_is_refused_with_what_it_offers() -> None:
    made = register()
    made.offer("green", "flat", "none")
    made.offer("green", "time-of-use", "none")
    assert refused(made, enrolment(tariff="flta")) == [(ReasonCode.UNKNOWN_REFERENCE, "tariff")]
    assert refused(made, enrolment(market="retail")) == [(ReasonCode.UNKNOWN_REFERENCE, "market")]
    assert refused(made, enrolment(lse="gren")) == [(ReasonCode.UNKNOWN_REFERENCE, "lse")]
    with pytest.raises(Refused, match="green has no tariff flta; it has flat, time-of-use"):
        made.enter(enrolment(tariff="flta"), 0)
    assert len(made.enter(enrolment(tariff="time-of-use"), 0)) == 1


def test_all_reasons_come_at_once() -> None:
    made = register(enrolment())
    made.offer("green", "flat", "none")
    assert refused(made, switch(3, tariff="gold"), 5, by_customer=False) == [
        (ReasonCode.PERIOD_MISMATCH, "effective_from"),
        (ReasonCode.UNKNOWN_REFERENCE, "lse"),
        (ReasonCode.NOT_AUTHORISED, "lse"),
    ]


@pytest.mark.parametrize("request_", [switch(3), move_in(3), move_out(3), consent(3)])
def test_an_unknown_usage_point_is_refused(request_: Request) -> None:
    assert (ReasonCode.UNKNOWN_REFERENCE, "usage_point") in refused(register(), request_)


# Moving


def test_without_a_provider_of_last_resort_an_empty_home_has_no_retailer() -> None:
    made = register(enrolment())
    (left,) = made.enter(move_out(5), 0)
    assert isinstance(left, Assignment)
    assert left.effective_to == 5
    assert made.at("h1", 5) is None
    assert refused(made, switch(8)) == [(ReasonCode.NOT_AUTHORISED, "usage_point")]
    assert refused(made, move_in(4)) == [(ReasonCode.INTERVAL_CONFLICT, "effective_from")]
    assert refused(made, move_in(8, lse=NO_CHOICE)) == [(ReasonCode.UNKNOWN_REFERENCE, "lse")]
    (new,) = made.enter(move_in(8), 0)
    assert isinstance(new, Assignment)
    assert (new.customer, new.lse, new.transformer, new.effective_from) == ("bob", "simple", "t1", 8)


def test_the_provider_of_last_resort_supplies_an_empty_home_and_whoever_chooses_nobody() -> None:
    made = register(enrolment(), move_out(5), last_resort=LAST_RESORT)
    vacant = made.at("h1", 5)
    assert vacant is not None
    assert (vacant.lse, vacant.tariff, vacant.customer, vacant.transformer) == ("public", "default", NOBODY, "t1")
    made.enter(move_in(9, lse=NO_CHOICE), 0)
    held = made.at("h1", 9)
    assert held is not None
    assert (held.lse, held.tariff, held.customer) == ("public", "default", "bob")


def test_where_one_moves_in_as_the_other_moves_out_the_provider_of_last_resort_supplies_no_instant() -> None:
    made = register(enrolment(), move_out(5), last_resort=LAST_RESORT)
    void, new = made.enter(move_in(5), 0)
    assert isinstance(void, Assignment)
    assert isinstance(new, Assignment)
    assert (void.lse, void.effective_from, void.effective_to) == ("public", 5, 5)
    assert [a.lse for a in made] == ["green", "simple"]


def test_nobody_moves_in_where_somebody_lives() -> None:
    assert refused(register(enrolment()), move_in(5)) == [(ReasonCode.INTERVAL_CONFLICT, "usage_point")]


@pytest.mark.parametrize("customer", ["", NOBODY])
def test_somebody_has_to_move_in(customer: str) -> None:
    made = register(enrolment(), move_out(5))
    assert refused(made, move_in(8, customer=customer)) == [(ReasonCode.OUT_OF_BOUNDS, "customer")]


# Consent


def test_nobody_but_the_own_retailer_gets_data_without_a_consent_in_force() -> None:
    made = register(enrolment(), switch(10), consent(2, to=8))
    own = [instant for instant in range(LAST) if made.may("green", METER_DATA, "h1", instant)]
    assert own == list(range(10))
    assert [instant for instant in range(LAST) if made.may("app", METER_DATA, "h1", instant)] == [2, 3, 4, 5, 6, 7]
    assert not made.may("app", SWITCHING, "h1", 3)
    assert not made.may("green", SWITCHING, "h1", 3)
    made.enter(consent(4, granted=False), 3)
    assert [instant for instant in range(LAST) if made.may("app", METER_DATA, "h1", instant)] == [2, 3]


def test_a_consent_ends_with_the_contract_of_who_gave_it() -> None:
    made = register(enrolment(), consent(0))
    *_, withdrawn = made.enter(move_out(5), 2)
    assert isinstance(withdrawn, Consent)
    assert (withdrawn.granted, withdrawn.valid_from) == (False, 5)
    made.enter(move_in(5), 2)
    (given,) = made.enter(consent(3), 3)
    assert isinstance(given, Consent)
    assert given.valid_to == 5
    assert [instant for instant in range(LAST) if made.may("app", METER_DATA, "h1", instant)] == list(range(5))


def test_what_is_no_longer_consented_to_is_not_withdrawn_again_when_the_customer_leaves() -> None:
    made = register(
        enrolment(), consent(0, to=3), consent(0, scope=SWITCHING), consent(2, granted=False, scope=SWITCHING)
    )
    assert [type(entry) for entry in made.enter(move_out(5), 0)] == [Assignment]


def test_a_consent_outlasts_a_switch_and_ends_with_the_next_departure() -> None:
    made = register(enrolment(), switch(4), switch(6, lse="green"), move_out(9), consent(2))
    assert [instant for instant in range(LAST) if made.may("app", METER_DATA, "h1", instant)] == list(range(2, 9))


def test_a_faulty_consent_is_refused_with_all_reasons() -> None:
    made = register(enrolment(6))
    assert refused(made, consent(1, to=1, scope="everything"), 2) == [
        (ReasonCode.OUT_OF_BOUNDS, "scope"),
        (ReasonCode.PERIOD_MISMATCH, "valid_from"),
        (ReasonCode.PERIOD_MISMATCH, "valid_to"),
        (ReasonCode.NOT_AUTHORISED, "usage_point"),
    ]


# The component


def run_registry(main: Callable[[Port], Any], **settings: Any) -> Any:
    ((address, registry),) = Registry(**settings).components("main", None)  # type: ignore[arg-type]
    return run_components({address: registry, "agent.h1": main}, stop=3 * MINUTE)


def test_the_registry_announces_who_is_in_force_and_answers_every_request() -> None:
    async def customer(port: Port) -> None:
        port.publish(enrolment())
        await port.sleep_until(MINUTE)
        port.publish(switch(0))
        port.publish(switch(2 * MINUTE))
        port.publish(consent(MINUTE))

    log = run_registry(customer)
    assert [(a.lse, a.effective_from, a.effective_to) for a in log.of(Assignment)] == [
        ("green", 0, None),
        ("green", 0, 2 * MINUTE),
        ("simple", 2 * MINUTE, None),
    ]
    assert [(c.third_party, c.granted) for c in log.of(Consent)] == [("app", True)]
    assert [(r.request, r.lse, r.accepted) for r in log.of(RegistryAnswer)] == [
        (RegistryRequest.ENROLMENT, "green", True),
        (RegistryRequest.SWITCH, "simple", False),
        (RegistryRequest.SWITCH, "simple", True),
        (RegistryRequest.CONSENT, NO_CHOICE, True),
    ]


def test_a_retailer_without_consent_is_answered_and_switches_nobody() -> None:
    answers: list[RegistryAnswer] = []

    async def retailer(port: Port) -> None:
        await port.sleep_until(MINUTE)
        answers.append(await port.request(switch(2 * MINUTE), RegistryAnswer))

    async def customer(port: Port) -> None:
        port.publish(enrolment())

    ((address, registry),) = Registry().components("main", None)  # type: ignore[arg-type]
    log = run_components({address: registry, "agent.h1": customer, "lse.simple": retailer}, stop=3 * MINUTE)
    assert [(answer.accepted, [r.code for r in answer.reasons]) for answer in answers] == [
        (False, [ReasonCode.NOT_AUTHORISED])
    ]
    assert [a.lse for a in log.of(Assignment)] == ["green"]


def test_the_provider_of_last_resort_is_a_setting() -> None:
    async def customer(port: Port) -> None:
        port.publish(enrolment(lse=NO_CHOICE))

    log = run_registry(customer, last_resort="public", last_resort_tariff="default")
    assert [(a.lse, a.tariff, a.customer) for a in log.of(Assignment)] == [("public", "default", "h1")]


def test_what_a_retailer_publishes_in_the_round_of_an_enrolment_is_known_to_the_registry() -> None:
    async def retailer(port: Port) -> None:
        port.publish(TariffPublished(lse="green", tariff="gold", description="dear"))

    async def customer(port: Port) -> None:
        port.publish(enrolment())

    ((address, registry),) = Registry().components("main", None)  # type: ignore[arg-type]
    log = run_components({address: registry, "agent.h1": customer, "lse.green": retailer}, stop=1)
    (answer,) = log.of(RegistryAnswer)
    assert [reason.text for reason in answer.reasons] == ["green has no tariff flat; it has gold"]


def test_a_provider_of_last_resort_needs_a_tariff() -> None:
    assert [key for key, _ in Registry(last_resort="public").check()] == ["last_resort_tariff"]
    assert list(Registry(last_resort="public", last_resort_tariff="default").check()) == []
    settings = Registry(last_resort="public", last_resort_tariff="default", last_resort_market="retail")
    assert list(settings.references()) == [("last_resort", "lse.public"), ("last_resort_market", "mo.retail")]
