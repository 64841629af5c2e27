"""Two settlements: a thousand random markets against formulas that are written down anew, and small ones by hand."""

from collections import Counter
from decimal import Decimal

import attrs
import numpy as np
import pytest

from gridbus.kernel import HOUR, MINUTE, UsageError
from gridbus.roles.interfaces import LineKind, TransferKind
from gridbus.roles.mo import SupplyCurve, aggregate, allocate, clear
from gridbus.roles.settlement import (
    Books,
    ClearingAccount,
    DeliverySlot,
    FlexibilityOrder,
    ImbalancePrice,
    LossPayer,
    LossPrice,
    Metered,
    Party,
    Receiver,
    SettlementRules,
)
from gridbus.roles.settlement.booking import book_slot, owed

from .conftest import ENTITIES, Case, random_case

MARKETS = 1000
ENERGY = (LineKind.DAY_AHEAD, LineKind.REAL_TIME, LineKind.IMBALANCE, LineKind.PENALTY)
SUPPLY = (LineKind.DAY_AHEAD_SUPPLY, LineKind.REAL_TIME_SUPPLY)


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    generator = np.random.default_rng(20250721)
    return [random_case(generator) for _ in range(MARKETS)]


def booked(case: Case) -> Books:
    books = Books()
    book_slot(books, case.slot, case.metered, case.rules, ENTITIES)
    return books


def imbalance_price(case: Case) -> np.ndarray:
    """The price of each usage point's imbalance, from the words of the rule."""
    slot, deviation = case.slot, imbalance(case)
    price = slot.real_time_price_per_kwh.copy()
    if case.rules.imbalance_price is ImbalancePrice.DUAL:
        short = deviation.sum() > 0
        for k, each in enumerate(deviation.tolist()):
            extra = (case.rules.penalty_multiplier - 1) * abs(price[k])
            if deviation.sum() != 0 and each > 0 and short:
                price[k] += extra
            elif deviation.sum() != 0 and each < 0 and not short:
                price[k] -= extra
    return price


def imbalance(case: Case) -> np.ndarray:
    slot = case.slot
    awarded = (slot.real_time_kw + slot.unbid_kw) * slot.length / HOUR
    return np.where(slot.has_award, case.metered.energy_kwh - awarded, 0.0)


def charge(case: Case) -> np.ndarray:
    """What each usage point pays for its energy."""
    slot, hours = case.slot, case.slot.length / HOUR
    day_ahead, deviation = slot.day_ahead_kw * hours, imbalance(case)
    later = case.metered.energy_kwh - deviation - day_ahead
    charges: np.ndarray = (
        day_ahead * slot.day_ahead_price_per_kwh
        + later * slot.real_time_price_per_kwh
        + deviation * imbalance_price(case)
    )
    return charges


def test_the_markets_are_as_different_as_they_should_be(cases: list[Case]) -> None:
    outcomes = Counter(outcome for case in cases for outcome in case.outcomes)
    assert min(outcomes[name] for name in ("cleared", "at_cap", "at_floor")) > 20
    assert sum(bool((case.metered.energy_kwh < 0).any()) for case in cases) > 100
    assert sum(bool(case.slot.flexibility) for case in cases) > 100
    assert sum(not case.slot.has_award.all() for case in cases) > 100
    for name in ("imbalance_price", "penalties_to", "congestion_rent_to", "losses_paid_by", "loss_price"):
        assert min(Counter(getattr(case.rules, name) for case in cases).values()) > 100


def test_in_every_slot_the_books_sum_to_exactly_zero(cases: list[Case]) -> None:
    for case in cases:
        books = booked(case)
        assert books.unbalanced() == ()
        sides = [(t.payer, -t.amount) for t in books.transfers] + [(t.payee, t.amount) for t in books.transfers]
        assert sum((amount for _, amount in sides), Decimal(0)) == 0
        for account in ClearingAccount:
            left = sum((amount for holder, amount in sides if holder == account), Decimal(0))
            assert left == 0 or account is ClearingAccount.ROUNDING
            assert abs(left) <= case.rules.quantum * len(books.transfers)
        assert all(t.amount == t.amount.quantize(case.rules.quantum) for t in books.transfers)


def test_charges_are_the_supply_the_congestion_rent_and_the_penalties(cases: list[Case]) -> None:
    for case in cases:
        slot, books = case.slot, booked(case)
        day_ahead = slot.day_ahead_kw * slot.length / HOUR
        later = case.metered.energy_kwh - day_ahead
        supply = day_ahead.sum() * slot.day_ahead_supply_price_per_kwh + later.sum() * slot.supply_price_per_kwh
        rent = day_ahead @ (slot.day_ahead_price_per_kwh - slot.day_ahead_supply_price_per_kwh)
        rent += later @ (slot.real_time_price_per_kwh - slot.supply_price_per_kwh)
        penalties = (imbalance(case) * (imbalance_price(case) - slot.real_time_price_per_kwh)).sum()

        assert penalties >= 0
        assert charge(case).sum() == pytest.approx(supply + rent + penalties, abs=1e-9)
        taken_in = (ClearingAccount.ENERGY, ClearingAccount.IMBALANCE)
        charges = [t.amount for t in books.transfers if t.kind in ENERGY and t.payee in taken_in]
        for wanted, found in (
            (charge(case).sum(), charges),
            (supply, [t.amount for t in books.transfers if t.kind in SUPPLY]),
            (rent, [t.amount for t in books.transfers if t.payee is ClearingAccount.CONGESTION_RENT]),
            (penalties, [t.amount for t in books.transfers if t.payee is ClearingAccount.IMBALANCE]),
        ):
            rounding = float(case.rules.quantum) / 2 * len(found)
            assert float(sum(found)) == pytest.approx(wanted, abs=rounding + 1e-9)


def test_lines_for_all_usage_points_together_are_the_sums_of_those_for_each(cases: list[Case]) -> None:
    for case in cases[:300]:
        each, together = (
            booked(attrs.evolve(case, rules=attrs.evolve(case.rules, itemised=itemised))) for itemised in (True, False)
        )
        for holder in parties(case):
            for kind in ENERGY:
                lines = [t for t in each.transfers if t.payer == holder and t.kind is kind]
                sums = [t for t in together.transfers if t.payer == holder and t.kind is kind]
                assert len(sums) <= 1
                assert sum(t.quantity_kwh for t in sums) == pytest.approx(sum(t.quantity_kwh for t in lines), abs=1e-9)
                rounding = float(case.rules.quantum) / 2 * (len(lines) + 1)
                paid = float(sum(t.amount for t in sums))
                assert paid == pytest.approx(float(sum(t.amount for t in lines)), abs=rounding)


def parties(case: Case) -> set[Party]:
    return {Party("lse", name) for name in case.slot.retailers}


def test_every_usage_point_is_charged_what_the_formula_says(cases: list[Case]) -> None:
    for case in cases:
        if not case.rules.itemised:
            continue
        books = booked(case)
        for name, wanted in zip(case.slot.usage_points, charge(case).tolist(), strict=True):
            lines = [t for t in books.transfers if t.usage_point == name and t.kind in ENERGY]
            assert len(lines) <= 4
            paid = sum(float(t.amount) for t in lines)
            assert paid == pytest.approx(wanted, abs=float(case.rules.quantum) / 2 * len(lines) + 1e-9)


def test_at_a_single_price_charges_collapse_to_the_position_and_the_metered_deviation_from_it(
    cases: list[Case],
) -> None:
    checked = 0
    for case in cases:
        if case.rules.imbalance_price is not ImbalancePrice.SINGLE or not case.rules.itemised:
            continue
        checked += 1
        slot, books = case.slot, booked(case)
        position = slot.day_ahead_kw * slot.length / HOUR
        closed = position * slot.day_ahead_price_per_kwh
        closed += (case.metered.energy_kwh - position) * slot.real_time_price_per_kwh
        for name, wanted in zip(slot.usage_points, closed.tolist(), strict=True):
            paid = sum(float(t.amount) for t in books.transfers if t.usage_point == name and t.kind in ENERGY)
            assert paid == pytest.approx(wanted, abs=1.5 * float(case.rules.quantum) + 1e-9)
    assert checked > 100


def test_a_line_is_its_quantity_times_its_price(cases: list[Case]) -> None:
    for case in cases[:200]:
        for transfer in booked(case).transfers:
            if transfer.quantity_kwh:
                exact = transfer.quantity_kwh * transfer.price_per_kwh
                assert float(transfer.amount) == pytest.approx(exact, abs=float(case.rules.quantum) / 2 + 1e-12)


def test_rent_and_penalties_go_to_whom_they_should(cases: list[Case]) -> None:
    for case in cases:
        books, rules = booked(case), case.rules
        receivers = {
            Receiver.DO: {ENTITIES.do},
            Receiver.LSE: parties(case),
            Receiver.NOBODY: {ENTITIES.mo},
        }
        for account, receiver in (
            (ClearingAccount.CONGESTION_RENT, rules.congestion_rent_to),
            (ClearingAccount.IMBALANCE, rules.penalties_to),
        ):
            paid = {t.payee for t in books.transfers if t.payer is account} - {ClearingAccount.ROUNDING}
            assert paid <= receivers[receiver]
        fees = sum(t.amount for t in books.transfers if t.kind is LineKind.MARKET_FEE)
        kept = sum(t.amount for t in books.transfers if isinstance(t.payer, ClearingAccount) and t.payee == ENTITIES.mo)
        assert books.balance(ENTITIES.mo) == fees + kept


def one_slot(**changes: object) -> DeliverySlot:
    """2 kW day-ahead at 0.10, then 3 kW in real time at 0.20, supply at 0.08 and 0.15, for an hour."""
    fields: dict[str, object] = {
        "start": 0,
        "length": HOUR,
        "usage_points": ("h1",),
        "retailers": ("green",),
        "day_ahead_kw": np.array([2.0]),
        "day_ahead_price_per_kwh": np.array([0.10]),
        "day_ahead_supply_price_per_kwh": 0.08,
        "real_time_kw": np.array([3.0]),
        "real_time_price_per_kwh": np.array([0.20]),
        "supply_price_per_kwh": 0.15,
        "has_award": np.array([True]),
    }
    return DeliverySlot(**(fields | changes))  # type: ignore[arg-type]


def amounts(slot: DeliverySlot, energy_kwh: list[float], rules: SettlementRules, **losses: float) -> dict[str, Decimal]:
    """What lse.green pays, by kind."""
    books = Books()
    estimated = np.zeros(len(energy_kwh), dtype=bool)
    book_slot(books, slot, Metered(np.array(energy_kwh), estimated, losses), rules, ENTITIES)
    assert books.unbalanced() == ()
    kinds = {kind: books.balance(Party("lse", "green"), kind=kind) for kind in LineKind}
    return {kind.value: -amount for kind, amount in kinds.items() if amount}


def test_one_slot_by_hand() -> None:
    found = amounts(one_slot(), [3.5], SettlementRules(fee_per_kwh=0.001))
    assert found == {
        "day-ahead energy": Decimal("0.2"),
        "real-time energy": Decimal("0.2"),
        "imbalance": Decimal("0.1"),
        "day-ahead supply": Decimal("-0.16"),
        "real-time supply": Decimal("-0.225"),
        # Awarded day-ahead and in real time: 2 and 3 kWh.
        "market fee": Decimal("0.005"),
    }
    # The rent is what is left: 2 kWh x 0.02 and 1.5 kWh x 0.05.
    assert sum(found.values()) - found["market fee"] == Decimal("0.115")


def test_where_awards_are_followed_the_rent_is_the_price_of_congestion_times_what_is_cleared() -> None:
    quantity, price = np.array([[0.0, 20.0], [0.0, 20.0]]), np.array([[0.3, 0.1], [0.3, 0.1]])
    result = clear(aggregate(quantity, price, fixed_kw=4.0), SupplyCurve.flat(0.2), price_cap=1.0, limit_kw=14.0)
    slot = DeliverySlot(
        start=0,
        length=15 * MINUTE,
        usage_points=("h1", "h2", "h3"),
        retailers=("green",) * 3,
        real_time_kw=np.append(allocate(quantity, price, result), 0.0),
        real_time_price_per_kwh=np.full(3, result.price_per_kwh),
        supply_price_per_kwh=0.2,
        has_award=np.array([True, True, False]),
        unbid_kw=np.array([0.0, 0.0, 4.0]),
    )
    books = Books()
    metered = Metered(slot.expected_kw * 0.25, np.zeros(3, dtype=bool))
    book_slot(books, slot, metered, SettlementRules(fee_per_kwh=0.0), ENTITIES)

    assert result.congestion_price_per_kwh == pytest.approx(0.05)
    assert float(books.balance(ENTITIES.do)) == pytest.approx(result.congestion_price_per_kwh * 14.0 * 0.25, abs=1e-6)
    assert owed(books, ENTITIES.mo) == {
        (Party("lse", "green"), TransferKind.CONGESTION_RENT): books.balance(ENTITIES.do),
        (ENTITIES.do, TransferKind.CONGESTION_RENT): -books.balance(ENTITIES.do),
    }


def test_load_that_does_not_bid_has_no_imbalance() -> None:
    slot = one_slot(
        has_award=np.array([False]), real_time_kw=np.zeros(1), day_ahead_kw=np.zeros(1), unbid_kw=np.array([9.0])
    )
    found = amounts(slot, [3.5], SettlementRules(imbalance_price=ImbalancePrice.DUAL))
    assert found == {"real-time energy": Decimal("0.7"), "real-time supply": Decimal("-0.525")}


@pytest.mark.parametrize(
    ("energy_kwh", "penalties"),
    [
        # Two draw more than they were awarded, one less: short, and those two pay half as much again on their part.
        ([4.0, 4.0, 2.5], 2 * 1.0 * 0.1),
        # Long: who draws less than he was awarded gets less back for it.
        ([4.0, 1.0, 1.0], 2 * 2.0 * 0.1),
        ([3.0, 3.0, 3.0], 0.0),
    ],
)
def test_a_dual_price_punishes_what_aggravates(energy_kwh: list[float], penalties: float) -> None:
    slot = one_slot(
        usage_points=("h1", "h2", "h3"),
        retailers=("green",) * 3,
        real_time_kw=np.full(3, 3.0),
        real_time_price_per_kwh=np.full(3, 0.2),
        has_award=np.full(3, True),
        day_ahead_kw=np.zeros(3),
        day_ahead_price_per_kwh=np.zeros(3),
    )
    rules = SettlementRules(imbalance_price=ImbalancePrice.DUAL, penalties_to=Receiver.NOBODY, fee_per_kwh=0.0)
    assert float(amounts(slot, energy_kwh, rules).get("imbalance penalty", 0)) == pytest.approx(penalties)


def test_a_penalty_is_one_at_a_negative_price_too() -> None:
    rules = SettlementRules(imbalance_price=ImbalancePrice.DUAL, penalties_to=Receiver.DO)
    slot = one_slot(real_time_price_per_kwh=np.array([-0.2]))
    for energy_kwh in (2.0, 4.0):
        assert amounts(slot, [energy_kwh], rules)["imbalance penalty"] == Decimal("0.1")


def test_what_devices_trade_behind_one_meter_costs_no_fee() -> None:
    # A battery sells 3 kW to the car behind the same meter: the usage point is awarded nothing.
    slot = one_slot(real_time_kw=np.zeros(1), day_ahead_kw=np.zeros(1))
    assert amounts(slot, [0.0], SettlementRules(fee_per_kwh=0.01)) == {}
    assert amounts(one_slot(), [3.0], SettlementRules(fee_per_kwh=0.01))["market fee"] == Decimal("0.05")


@pytest.mark.parametrize(
    ("price", "amount"), [(LossPrice.SUPPLY, "0.03"), (LossPrice.MARKET, "0.04"), (LossPrice.FIXED, "0.018")]
)
def test_losses_are_bought_at_the_price_that_is_chosen(price: LossPrice, amount: str) -> None:
    rules = SettlementRules(losses_paid_by=LossPayer.DO, loss_price=price, loss_price_per_kwh=0.09)
    assert amounts(one_slot(), [3.0], rules, green=0.2)["losses"] == -Decimal(amount)
    carried = attrs.evolve(rules, losses_paid_by=LossPayer.LSE)
    assert "losses" not in amounts(one_slot(), [3.0], carried, green=0.2)


def test_the_market_price_of_losses_is_the_mean_by_the_energy_exchanged() -> None:
    slot = one_slot(
        usage_points=("h1", "h2"),
        retailers=("green",) * 2,
        real_time_kw=np.zeros(2),
        real_time_price_per_kwh=np.array([0.2, 0.4]),
        has_award=np.full(2, False),
        day_ahead_kw=np.zeros(2),
        day_ahead_price_per_kwh=np.zeros(2),
    )
    rules = SettlementRules(losses_paid_by=LossPayer.DO, loss_price=LossPrice.MARKET)
    # Three quarters of what is exchanged is at 0.4.
    assert amounts(slot, [1.0, -3.0], rules, green=1.0)["losses"] == Decimal("-0.35")


def test_penalties_are_owed_as_imbalance_and_not_as_congestion_rent() -> None:
    books, rules = Books(), SettlementRules(imbalance_price=ImbalancePrice.DUAL, penalties_to=Receiver.DO)
    slot = one_slot(day_ahead_kw=np.zeros(1), supply_price_per_kwh=0.2)
    book_slot(books, slot, Metered(np.array([4.0]), np.zeros(1, dtype=bool)), rules, ENTITIES)
    found = {kind: amount for (party, kind), amount in owed(books, ENTITIES.mo).items() if party != ENTITIES.do}
    assert found[TransferKind.IMBALANCE] == Decimal("0.1")
    assert found[TransferKind.CONGESTION_RENT] == 0


def test_flexibility_is_paid_as_delivered_and_what_is_missing_at_the_penalty() -> None:
    order = FlexibilityOrder("green", ("h1",), baseline_kw=5.0, ordered_kw=2.0, price_per_kwh=0.7)
    found = amounts(one_slot(flexibility=(order,)), [4.0], SettlementRules(flexibility_penalty_per_kwh=1.1))
    assert found["flexibility"] == Decimal("-0.7")
    assert found["flexibility deficiency"] == Decimal("1.1")


def test_rent_is_returned_by_the_energy_exchanged_and_not_by_what_was_paid() -> None:
    slot = one_slot(
        usage_points=("h1", "h2"),
        retailers=("blue", "green"),
        real_time_kw=np.array([3.0, -1.0]),
        real_time_price_per_kwh=np.array([0.25, 0.15]),
        has_award=np.full(2, True),
        day_ahead_kw=np.zeros(2),
        day_ahead_price_per_kwh=np.zeros(2),
    )
    found = amounts(slot, [3.0, -1.0], SettlementRules(congestion_rent_to=Receiver.LSE))
    # 3 kWh x 0.10 of the other retailer's, of which a quarter comes here.
    assert found["congestion rent"] == Decimal("-0.075")


def test_all_faults_of_a_slot_are_told_at_once() -> None:
    order = FlexibilityOrder("blue", ("h9",), 1.0, 1.0, 0.1)
    with pytest.raises(UsageError) as caught:
        one_slot(
            length=0,
            retailers=(),
            real_time_kw=np.array([1.0, 2.0]),
            day_ahead_kw=np.array([np.nan]),
            flexibility=(order,),
        )
    text = str(caught.value)
    for part in ("0 retailers", "length", "real_time_kw has shape", "day_ahead_kw holds", "flexibility of blue, h9"):
        assert part in text
    with pytest.raises(UsageError, match="has_award"):
        one_slot(has_award=np.array([False]))
    with pytest.raises(UsageError, match="twice"):
        one_slot(usage_points=("h1", "h1"))
