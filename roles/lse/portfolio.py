"""A retailer's knowledge of its customers: who they are, what they use, hold and cost; no bus in it.

Customers are known by the places of their usage points, and whatever is told of many of them is done for all at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs
import numpy as np

from ...kernel import HOUR, Calendar, Duration, Instant, UsageError
from ..interfaces import NO_MARKET, Assignment, MeterRead, Positions
from .billing import ExportRates
from .customers import CustomerBook, Customers, Group, UsagePoints
from .customers.contracts import Supplied
from .customers.points import BoolArray, FloatArray, Instants, Places, taken
from .forecast import ExpectedLoads, ForecastErrors, HourlyProfile, LoadForecast
from .procurement import CustomerEnergy, SupplyBook
from .tariff import Tariff, Usage
from .tariff.tariff import MarketRule
from .week import local_hours


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
    points: UsagePoints = attrs.field(factory=UsagePoints, init=False)
    customers: Customers = attrs.field(init=False)
    book: CustomerBook = attrs.field(factory=CustomerBook, init=False)
    supply: SupplyBook = attrs.field(init=False)
    errors: ForecastErrors = attrs.field(init=False)
    expected: ExpectedLoads = attrs.field(factory=ExpectedLoads, init=False)
    _rates: dict[str, ExportRates] = attrs.field(init=False)
    _tenants: dict[str, str] = attrs.field(factory=dict, init=False)
    """Usage point to the customer that its forecast is of."""
    _tenancy: dict[Supplied, BoolArray] = attrs.field(factory=dict, init=False)
    """For spans of time, by place, whether the customer there is the one whose forecast there is."""
    _baselines: dict[str, tuple[Instants, FloatArray]] = attrs.field(factory=dict, init=False)
    """By class, the intervals of the last bill, and the baseline in each. [kW]"""

    def __attrs_post_init__(self) -> None:
        self.customers = Customers(self.points)
        self.supply = SupplyBook(self.points)
        self.errors = ForecastErrors(self.points, self.forecast.by_class)
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
        self._tenancy.clear()

    def begin(self, usage_point: str, now: Instant) -> None:
        """A contract begins: nothing is known of a new customer but his class."""
        contract = self.customers.contract(usage_point, now)
        if contract is not None and self._tenants.get(usage_point) != contract.customer:
            self._tenants[usage_point] = contract.customer
            self.forecast.enrol(self.points.place(usage_point), contract.customer_class)
            self._tenancy.clear()

    def _are_tenants(self, places: Places, instant: Instant) -> BoolArray:
        """Which customers of an instant are those whose forecasts there are."""
        supplied = self.customers.supplied(instant)
        found = self._tenancy.get(supplied)
        if found is None or len(found) < len(self.points):
            found = self._tenancy[supplied] = np.zeros(len(self.points), dtype=bool)
            tenants = [self._tenants.get(each.usage_point) == each.customer for each in supplied.contracts]
            found[supplied.places] = tenants
        return found[places]

    # Forecast

    def estimate(
        self, market: str, product: str, now: Instant, start: Instant, length: Duration
    ) -> tuple[tuple[str, ...], tuple[float, ...]]:
        """The customers in a market, or in none, and what each is expected to use beyond what is awarded [kW]."""
        group = self.customers.at(start, market)
        power_kw = self._load_kw(group, start, length)
        self.errors.expect(product, now, start, length, group.places, power_kw)
        if market != NO_MARKET:
            self.expected.estimate(market, product, start, group.places, power_kw)
        return group.usage_points, tuple(power_kw.tolist())

    def expected_kw(self, market: str, start: Instant, length: Duration) -> float:
        """All that the customers in a market are expected to use, with what they hold already [kW]."""
        group = self.customers.at(start, market)
        held_kwh = self.book.positions.position_kwh(group.places, start, start + length)
        return float(self._load_kw(group, start, length).sum() + held_kwh.sum() * HOUR / length)

    def _load_kw(self, group: Group, start: Instant, length: Duration) -> FloatArray:
        """Load beyond awards; of one who has not come yet, what is usual in his class."""
        tenants = self._are_tenants(group.places, start)
        power_kw = np.zeros(len(group.places))
        power_kw[tenants] = self.forecast.expected_kw(group.places[tenants], start, length)
        for number in np.flatnonzero(~tenants).tolist():
            contract = self.customers.contract(group.usage_points[number], start)
            customer_class = "" if contract is None else contract.customer_class
            power_kw[number] = self.forecast.class_kw(customer_class, start, length)
        return power_kw

    def positions(self, positions: Positions) -> None:
        """Enter what customers hold for a slot."""
        places = self.points.places(positions.usage_points)
        self.book.positions.enter(positions, places, self.book.prices(positions.market))
        self.expected.clear(positions, places)
        power_kw = np.array(positions.power_kw, dtype=np.float64)
        self.forecast.award(places, positions.slot_start, positions.slot_length, power_kw)

    # Meters

    def read(self, reads: Sequence[MeterRead], revision: int, *, is_late: bool = False) -> list[MeterRead]:
        """Enter reads of one interval and revision, one a usage point; returns those that revise what was known.

        Late are reads of an interval that has been recorded without them: first ones revise it too.
        """
        start, duration = reads[0].start, reads[0].duration
        places = self.points.places([each.usage_point for each in reads])
        energy_kwh = np.array([each.energy_kwh for each in reads], dtype=np.float64)
        replaced = self.book.reads.enter(places, start, duration, energy_kwh, revision)
        is_first = replaced.is_entered & np.isnan(replaced.energy_kwh)
        if is_first.any():
            self._learn(places[is_first], start, duration, energy_kwh[is_first])
            self.supply.read(self._energy(places[is_first], start, duration, energy_kwh[is_first]))
        is_revised = replaced.is_entered & ~is_first
        if is_revised.any():
            before = self._energy(places[is_revised], start, duration, replaced.energy_kwh[is_revised])
            self.supply.read(self._energy(places[is_revised], start, duration, energy_kwh[is_revised]), before)
        changes = replaced.is_entered if is_late else is_revised
        return [reads[number] for number in np.flatnonzero(changes).tolist()]

    def _learn(self, places: Places, start: Instant, duration: Duration, energy_kwh: FloatArray) -> None:
        """Learn from reads, and keep what was awarded; those of another customer's time teach nothing."""
        tenants = self._are_tenants(places, start)
        places, energy_kwh = places[tenants], energy_kwh[tenants]
        power_kw = self.forecast.read(places, start, duration, energy_kwh)
        self.errors.read(places, start, duration, power_kw)
        self.book.reads.award(places, start, energy_kwh - power_kw * duration / HOUR)

    def _energy(self, places: Places, start: Instant, duration: Duration, energy_kwh: FloatArray) -> CustomerEnergy:
        awarded_kwh = self.book.reads.awarded(places, start)
        return CustomerEnergy(places, start, energy_kwh, awarded_kwh, self._paid(places, start, duration, energy_kwh))

    def _paid(self, places: Places, start: Instant, duration: Duration, energy_kwh: FloatArray) -> FloatArray:
        """What exports are paid with, by the tariff of each contract. [$]"""
        paid = np.zeros(len(places))
        exports = np.flatnonzero(energy_kwh < 0.0)
        if not exports.size:
            return paid
        supplied = self.customers.supplied(start)
        number = taken(supplied.tariff, places[exports], -1)
        for tariff in np.unique(number[number >= 0]).tolist():
            chosen = exports[number == tariff]
            name, of = supplied.tariffs[tariff], places[chosen]
            prices = self.book.prices(self.catalogue[name].market)
            paid[chosen] = self._rates[name].paid(
                start,
                energy_kwh[chosen],
                position_kwh=self.book.positions.position_kwh(of, start, start + duration),
                day_ahead_per_kwh=self.book.positions.day_ahead_price(of, prices, start),
                real_time_per_kwh=self.book.positions.real_time_price(of, prices, start),
            )
        return paid

    # Bills

    def usage(self, contract: Assignment, start: Instant, end: Instant) -> Usage:
        """What a bill for a period asks for; the baseline of a subscription is the profile of the class."""
        usage = self.book.usage(self.points.place(contract.usage_point), contract.market, start, end)
        if self.catalogue[contract.tariff].tariff.market_rule is not MarketRule.SUBSCRIPTION:
            return usage
        return attrs.evolve(usage, baseline_kw=self._baseline_kw(contract.customer_class, usage))

    def _baseline_kw(self, customer_class: str, usage: Usage) -> FloatArray:
        """The profile of a class over the intervals of a usage; kept, as all of the class are billed for the same."""
        starts, baseline_kw = self._baselines.get(customer_class, (np.zeros(0, dtype=np.int64), np.zeros(0)))
        if not np.array_equal(starts, usage.start):
            profile = self.profiles.get(customer_class, self.profiles[""])
            spans = (local_hours(self.calendar, start, usage.duration) for start in usage.start.tolist())
            baseline_kw = np.array([profile.over(hours) for hours in spans])
            self._baselines[customer_class] = usage.start, baseline_kw
        return baseline_kw
