"""A retailer's knowledge of its customers: who they are, what they use, hold and cost; no bus in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan

import attrs
import numpy as np

from ...kernel import DAY, HOUR, Calendar, Duration, Instant, UsageError
from ..interfaces import NO_MARKET, Assignment, MeterRead, Positions
from ..intervals import Intervals
from .billing import ExportRates
from .customers import CustomerBook, Customers
from .forecast import Expected, ForecastErrors, HourlyProfile, LoadForecast
from .procurement import CustomerEnergy, SupplyBook
from .tariff import Tariff, Usage
from .tariff.tariff import MarketRule
from .week import local_hours

_KEPT = 3 * DAY
"""How long what was expected of a slot is kept."""


@attrs.frozen
class Terms:
    """A tariff of the catalogue, and the market of its customers."""

    tariff: Tariff
    market: str


@attrs.define
class Portfolio:
    """Customers, forecast, meters, prices and purchases of one retailer."""

    lse: str
    calendar: Calendar
    catalogue: Mapping[str, Terms]
    profiles: Mapping[str, HourlyProfile]
    forecast: LoadForecast
    customers: Customers = attrs.field(factory=Customers, init=False)
    book: CustomerBook = attrs.field(factory=CustomerBook, init=False)
    supply: SupplyBook = attrs.field(factory=SupplyBook, init=False)
    errors: ForecastErrors = attrs.field(init=False)
    _rates: dict[str, ExportRates] = attrs.field(init=False)
    _estimates: dict[tuple[str, str, Instant], dict[str, float]] = attrs.field(factory=dict, init=False)
    """Load that was not bid, by market, series and slot, until the slot is cleared [kW]."""
    _expected: dict[tuple[str, str], Intervals[Expected]] = attrs.field(factory=dict, init=False)
    _tenants: dict[str, str] = attrs.field(factory=dict, init=False)
    """Usage point to the customer that its forecast is of."""

    def __attrs_post_init__(self) -> None:
        self.errors = ForecastErrors(self.forecast.customer_class)
        self._rates = {name: ExportRates(terms.tariff, self.calendar) for name, terms in self.catalogue.items()}

    # Customers

    def take(self, assignment: Assignment) -> None:
        """Enter a contract, or the end of one.

        Raises:
            UsageError: its tariff is not in the catalogue, or is one of another market.
        """
        terms = self.catalogue.get(assignment.tariff)
        if terms is None:
            there = ", ".join(self.catalogue)
            raise UsageError(
                f"{assignment.usage_point} is enrolled on the tariff {assignment.tariff}, which {self.lse} does not "
                f"have: enrol it on one of {there}, or add it to [[lse.{self.lse}.tariffs]]"
            )
        if terms.market != assignment.market:
            raise UsageError(
                f"{assignment.usage_point} is enrolled on the tariff {assignment.tariff} of {self.lse} with the market "
                f"{assignment.market}, but the market of that tariff is {terms.market}"
            )
        self.customers.take(assignment)

    def begin(self, usage_point: str, now: Instant) -> None:
        """A contract begins: nothing is known of a new customer but his class."""
        contract = self.customers.contract(usage_point, now)
        if contract is not None and self._tenants.get(usage_point) != contract.customer:
            self._tenants[usage_point] = contract.customer
            self.forecast.enrol(usage_point, contract.customer_class)

    # Forecast

    def estimate(
        self, market: str, product: str, now: Instant, start: Instant, length: Duration
    ) -> tuple[tuple[str, ...], tuple[float, ...]]:
        """The customers in a market, or in none, and what each is expected to use beyond what is awarded [kW]."""
        usage_points = self.customers.at(start, market)
        power_kw = self._load_kw(usage_points, start, length)
        self.errors.expect(product, now, start, length, usage_points, power_kw)
        if market != NO_MARKET:
            self._estimates[market, product, start] = dict(zip(usage_points, power_kw, strict=True))
        return usage_points, power_kw

    def expected_kw(self, market: str, start: Instant, length: Duration) -> float:
        """All that the customers in a market are expected to use, with what they hold already [kW]."""
        usage_points = self.customers.at(start, market)
        held = sum(self.book.position_kwh(name, start, start + length) for name in usage_points) * HOUR / length
        return sum(self._load_kw(usage_points, start, length)) + held

    def _load_kw(self, usage_points: Sequence[str], start: Instant, length: Duration) -> tuple[float, ...]:
        """Load beyond awards; of one who has not come yet, what is usual in his class."""
        return tuple(
            self.forecast.expected_kw(name, start, length)
            if self._is_tenant(name, start)
            else self.forecast.class_kw(self._class(name, start), start, length)
            for name in usage_points
        )

    def _is_tenant(self, usage_point: str, instant: Instant) -> bool:
        """Whether the customer of an instant is the one whose forecast there is."""
        contract = self.customers.contract(usage_point, instant)
        return contract is not None and self._tenants.get(usage_point) == contract.customer

    def _class(self, usage_point: str, instant: Instant) -> str:
        contract = self.customers.contract(usage_point, instant)
        return "" if contract is None else contract.customer_class

    def positions(self, positions: Positions) -> None:
        """Enter what customers hold for a slot."""
        self.book.positions(positions)
        self._expect(positions)
        for usage_point, power_kw in zip(positions.usage_points, positions.power_kw, strict=True):
            if usage_point in self._tenants:
                self.forecast.award(usage_point, positions.slot_start, positions.slot_length, power_kw)

    def _expect(self, positions: Positions) -> None:
        """Keep what is expected of those with awards, for as long as a statement may be contested."""
        key = positions.market, positions.product
        unbid_kw = self._estimates.pop((*key, positions.slot_start), {})
        rows = zip(positions.usage_points, positions.power_kw, strict=True) if positions.commitment else ()
        power_kw = {name: kw + unbid_kw.get(name, 0.0) for name, kw in rows}
        expected = self._expected.setdefault(key, Intervals())
        expected.enter(positions.slot_start, positions.slot_length, Expected(tuple(power_kw), sum(power_kw.values())))
        expected.forget(positions.slot_start - _KEPT)

    def expected(self, market: str, product: str, start: Instant) -> Expected | None:
        """What was expected in a slot; None where that is not known, or forgotten."""
        held = self._expected.get((market, product), Intervals()).at(start)
        return None if held is None else held.value

    # Meters

    def read(self, read: MeterRead, revision: int) -> bool:
        """Enter a meter read; returns whether it revises an earlier one."""
        before = self.book.read(read.usage_point, read.start, read.duration, read.energy_kwh, revision)
        reads = self.book.reads(read.usage_point)
        if before is None or reads is None:
            return False
        if isnan(before):
            reads.award(read.start, self._learn(read))
            self.supply.read(self._energy(read, read.energy_kwh, reads.awarded(read.start)))
            return False
        awarded_kwh = reads.awarded(read.start)
        replaced = self._energy(read, before, awarded_kwh)
        self.supply.read(self._energy(read, read.energy_kwh, awarded_kwh), replaced)
        return True

    def _learn(self, read: MeterRead) -> float:
        """Learn from a read; returns what markets had awarded [kWh]. One of another customer's time teaches nothing."""
        if not self._is_tenant(read.usage_point, read.start):
            return 0.0
        power_kw = self.forecast.read(read.usage_point, read.start, read.duration, read.energy_kwh)
        self.errors.read(read.usage_point, read.start, read.duration, power_kw)
        return read.energy_kwh - power_kw * read.duration / HOUR

    def _energy(self, read: MeterRead, energy_kwh: float, awarded_kwh: float) -> CustomerEnergy:
        name, start = read.usage_point, read.start
        contract, paid = self.customers.contract(name, start), 0.0
        if contract is not None and energy_kwh < 0.0:
            paid = self._rates[contract.tariff].paid(
                start,
                energy_kwh,
                position_kwh=self.book.position_kwh(name, start, start + read.duration),
                day_ahead_per_kwh=self.book.day_ahead_price(name, contract.market, start),
                real_time_per_kwh=self.book.real_time_price(name, contract.market, start),
            )
        return CustomerEnergy(name, start, energy_kwh, awarded_kwh, paid)

    # Bills

    def usage(self, contract: Assignment, start: Instant, end: Instant) -> Usage:
        """What a bill for a period asks for; the baseline of a subscription is the profile of the class."""
        usage = self.book.usage(contract.usage_point, contract.market, start, end)
        if self.catalogue[contract.tariff].tariff.market_rule is not MarketRule.SUBSCRIPTION:
            return usage
        profile = self.profiles.get(contract.customer_class, self.profiles[""])
        baseline = [profile.over(local_hours(self.calendar, int(each), usage.duration)) for each in usage.start]
        return attrs.evolve(usage, baseline_kw=np.array(baseline))
