"""The market operator (MO): calls for orders, clears within the limits of the network, awards.

A session goes call, gate closure, demand to the retailer, supply offer from it, clearing, validation by the
distribution operator, awards. Every boundary is a deadline: what has not come by then is replaced by a stated rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

import attrs
import numpy as np

from ...kernel import (
    FIRST,
    HOUR,
    MINUTE,
    DeadlinePassed,
    Duration,
    Instant,
    Port,
    Setting,
    Subscription,
    field,
    value,
)
from ...kernel.activity import Main
from ..accounts import Account, dollars
from ..interfaces import (
    BILLING,
    AggregateDemand,
    Assignment,
    Award,
    AwardStatus,
    ClearingResult,
    CurtailmentPlan,
    LoadEstimate,
    MarketCall,
    Order,
    Payment,
    Positions,
    SupplyOffer,
    TransferKind,
    ValidationRequest,
    ValidationResult,
)
from .curves import FloatArray
from .order_book import OrderBook
from .safe_clearing import Slot, SlotResult, clear_slot, curtailed

SUBSTATION = "substation"
_RULE = "consuming awards below the element, pro rata"
_NEGLIGIBLE_KW = 1e-9


@value
class Series:
    """A series of slots that are cleared in the same way; times count back from the first slot of a session."""

    product: str = field("name of the series, day-ahead or real-time")
    slot_min: float = field("length of a slot", unit="min", above=0)
    slots: int = field("slots of a session", at_least=1)
    first_min: float = field(
        "start of the first slot of the first session, after the start of the run", unit="min", at_least=0
    )
    call_min: float = field("call for orders, before the first slot", unit="min", above=0)
    gate_min: float = field("gate closure, before the first slot", unit="min", above=0)
    award_min: float = field("latest award, before the first slot", unit="min", at_least=0)

    def check(self) -> Iterable[tuple[str, str]]:
        """Call, gate closure and award come in this order, and the first call after the start of the run."""
        if not self.call_min > self.gate_min > self.award_min:
            yield "call_min", "expected the call before the gate closure before the award"
        if self.call_min > self.first_min:
            yield (
                "first_min",
                f"expected at least call_min = {self.call_min:g}, so that the call is in the run",
            )
        if self.call_min - self.award_min > self.slot_min * self.slots:
            yield "call_min", "expected the call after the award of the session before"

    @property
    def slot(self) -> Duration:
        """Length of a slot. [ns]"""
        return round(self.slot_min * MINUTE)


@value
class MarketOperator:
    """Plug-in ``[mo.NAME]``: a double auction of the customers' orders against a retailer's supply."""

    lse: str = field("retailer that supplies the market")
    do: str = field("distribution operator that validates the results")
    series: tuple[Series, ...] = field("day-ahead and real-time series")
    price_cap_per_kwh: float = field("highest price", unit="$/kWh", default=1.0, above=0)
    price_floor_per_kwh: float = field("lowest price", unit="$/kWh", default=0.0)
    fallback_price_per_kwh: float = field("supply price when no offer has come yet", unit="$/kWh", default=0.12)
    attempts: int = field("clearings of a slot before awards are curtailed", default=3, at_least=1)
    fee_per_kwh: float = field(
        "market fee to the retailer on all energy awarded", unit="$/kWh", default=0.001, at_least=0
    )

    def check(self) -> Iterable[tuple[str, str]]:
        """The price band is not empty and no series is there twice."""
        if self.price_cap_per_kwh <= self.price_floor_per_kwh:
            yield "price_cap_per_kwh", f"expected more than the floor {self.price_floor_per_kwh:g}"
        names = [series.product for series in self.series]
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield "series", f"{name} is there twice"

    def references(self) -> Iterable[tuple[str, str]]:
        """The retailer and the distribution operator."""
        yield "lse", f"lse.{self.lse}"
        yield "do", f"do.{self.do}"

    def components(self, name: str, _: Setting) -> Iterable[tuple[str, Main]]:
        """One component."""
        yield f"mo.{name}", lambda port: _Operator(self, port).run()


@attrs.define
class _Operator:
    settings: MarketOperator
    port: Port
    assignments: dict[tuple[str, Instant], Assignment] = attrs.field(factory=dict, init=False)
    """Usage point of the market and first instant to the assignment."""
    awarded_kwh: float = attrs.field(default=0.0, init=False)
    account: Account = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.account = Account(self.port)

    async def run(self) -> None:
        port = self.port
        port.start(self._take_assignments())
        port.start(self._take_payments())
        port.start(self._charge())
        port.start(self.account.close())
        runs = {series.product: _SeriesRun(self, series) for series in self.settings.series}
        port.start(self._take_orders(runs))
        for each in runs.values():
            port.start(each.run())

    async def _take_assignments(self) -> None:
        async for assignment in self.port.subscribe(Assignment):
            self.assignments[assignment.usage_point, assignment.effective_from] = assignment

    def transformers(self, instant: Instant) -> dict[str, str]:
        """Usage point of the market at an instant to its transformer."""
        return {name: each.transformer for (name, _), each in self.assignments.items() if each.covers(instant)}

    async def _take_orders(self, runs: Mapping[str, _SeriesRun]) -> None:
        """Give every order to its series, or refuse it."""
        async for order in self.port.subscribe(Order):
            series = runs.get(order.product)
            if series is None:
                self.award(order, 0.0, 0.0, AwardStatus.REFUSED, f"this market has no series {order.product}")
            elif self.port.now >= series.gate:
                reason = "after gate closure" if series.gate else "before the first call"
                self.award(order, 0.0, 0.0, AwardStatus.REFUSED, reason)
            else:
                series.orders.append(order)

    def award(self, order: Order, award_kw: float, price: float, status: AwardStatus, reason: str) -> None:
        """Tell a resource what became of its order."""
        self.port.publish(
            Award(
                market=self.port.name,
                product=order.product,
                resource=order.resource,
                slot_start=order.slot_start,
                slot_length=order.slot_length,
                quantity_kw=award_kw,
                price_per_kwh=price,
                status=status,
                reason=reason,
            )
        )

    async def _take_payments(self) -> None:
        """Book payments; congestion rent belongs to the wires and is passed on."""
        async for payment in self.port.subscribe(Payment, payee_role="mo"):
            self.account.book(payment)
            if payment.kind is TransferKind.CONGESTION_RENT:
                self.account.pay("do", self.settings.do, payment.kind, payment.amount)

    async def _charge(self) -> None:
        await self.port.sleep_until(self.port.stop, BILLING)
        fee: Decimal = dollars(self.awarded_kwh * self.settings.fee_per_kwh)
        self.account.invoice("lse", self.settings.lse, TransferKind.MARKET_FEE, fee)


@attrs.define
class _SeriesRun:
    """One series of a market: its sessions, one after the other."""

    operator: _Operator
    series: Series
    last_supply: tuple[float, float] | None = attrs.field(default=None, init=False)
    orders: list[Order] = attrs.field(factory=list, init=False)
    """Those of the present session."""
    gate: Instant = attrs.field(default=0, init=False)
    """Gate closure of the present session, or of the last."""
    estimates: Subscription[LoadEstimate] = attrs.field(init=False)
    offers: Subscription[SupplyOffer] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        port, product = self.operator.port, self.series.product
        self.estimates = port.subscribe(LoadEstimate, product=product, lse=self.operator.settings.lse)
        self.offers = port.subscribe(SupplyOffer, product=product)

    async def run(self) -> None:
        port, series = self.operator.port, self.series
        session = series.slot * series.slots
        first = round(series.first_min * MINUTE)
        for start in range(first, port.stop, session):
            await port.sleep_until(start - round(series.call_min * MINUTE))
            await self._session(start)

    async def _session(self, start: Instant) -> None:
        port, series, settings = self.operator.port, self.series, self.operator.settings
        self.gate = start - round(series.gate_min * MINUTE)
        count = min(series.slots, -(-(port.stop - start) // series.slot))
        port.publish(
            MarketCall(
                market=port.name,
                product=series.product,
                first_slot=start,
                slot_length=series.slot,
                slots=count,
                gate_closure=self.gate,
                price_cap_per_kwh=settings.price_cap_per_kwh,
                price_floor_per_kwh=settings.price_floor_per_kwh,
            )
        )
        book = OrderBook(
            start,
            series.slot,
            count,
            settings.price_cap_per_kwh,
            settings.price_floor_per_kwh,
            self.operator.transformers(start),
        )
        await port.sleep_until(self.gate, FIRST)
        orders, self.orders = self.orders, []
        for order in orders:
            if (reason := book.enter(order)) is not None:
                self.operator.award(order, 0.0, 0.0, AwardStatus.REFUSED, reason)
        inelastic = self._inelastic()
        slots = [self._slot(book, number, inelastic) for number in range(count)]
        for number, slot in enumerate(slots):
            self._publish_demand(start + number * series.slot, slot)
        await self._take_supply(start, slots)
        for number, slot in enumerate(slots):
            await self._clear(start + number * series.slot, book, number, slot)

    def _inelastic(self) -> dict[Instant, float]:
        """The latest estimate of the load that does not bid, by slot."""
        return {estimate.slot_start: sum(estimate.power_kw) for estimate in self.estimates.take_waiting()}

    def _slot(self, book: OrderBook, number: int, inelastic: dict[Instant, float]) -> Slot:
        settings = self.operator.settings
        quantity_kw, price_per_kwh, transformer = book.arrays(number)
        price, supply_kw = self.last_supply or (settings.fallback_price_per_kwh, float("inf"))
        return Slot(
            quantity_kw=quantity_kw,
            price_per_kwh=price_per_kwh,
            transformer=transformer,
            inelastic_kw=inelastic.get(book.start + number * self.series.slot, 0.0),
            supply_price_per_kwh=price,
            supply_kw=supply_kw,
            price_cap_per_kwh=settings.price_cap_per_kwh,
            price_floor_per_kwh=settings.price_floor_per_kwh,
        )

    def _publish_demand(self, start: Instant, slot: Slot) -> None:
        points = slot.demand().simplified()
        self.operator.port.publish(
            AggregateDemand(
                market=self.operator.port.name,
                product=self.series.product,
                slot_start=start,
                slot_length=self.series.slot,
                quantity_kw=tuple(quantity for quantity, _ in points),
                price_per_kwh=tuple(price for _, price in points),
            )
        )

    async def _take_supply(self, start: Instant, slots: list[Slot]) -> None:
        """Wait for an offer for every slot, until awards are due; a missing one is taken to be like the last."""
        latest = start - round(self.series.award_min * MINUTE)
        missing = set(range(len(slots)))
        retailer = f"lse.{self.operator.settings.lse}"
        while missing:
            try:
                envelope = await self.offers.receive_envelope(until=latest)
            except DeadlinePassed:
                return
            if envelope.sender != retailer:
                continue
            offer = envelope.message
            number, rest = divmod(offer.slot_start - start, self.series.slot)
            if rest == 0 and 0 <= number < len(slots):
                self.last_supply = offer.price_per_kwh, offer.quantity_kw
                slots[number] = attrs.evolve(
                    slots[number], supply_price_per_kwh=offer.price_per_kwh, supply_kw=offer.quantity_kw
                )
                missing.discard(number)

    # Clearing

    async def _clear(self, start: Instant, book: OrderBook, number: int, slot: Slot) -> None:
        """Clear, let the distribution operator validate, tighten and clear again; curtail when that does not help."""
        attempts = self.operator.settings.attempts
        orders = book.orders(number)
        limits: dict[str, float] = {}
        for attempt in range(1, attempts + 1):
            result = self._within(slot, book, limits)
            verdict = await self._validate(start, attempt, orders, result.award_kw)
            if verdict.feasible:
                break
            for found in verdict.limits:
                limits[found.element] = min(found.import_limit_kw, limits.get(found.element, float("inf")))
        status = [AwardStatus.AWARDED] * len(orders)
        if not verdict.feasible:
            result = self._curtail(start, slot, book, result, limits, status)
        self._publish(start, orders, slot, result, attempt, status, book, limits)

    def _within(self, slot: Slot, book: OrderBook, limits: dict[str, float]) -> SlotResult:
        places = {book.place(name): limit for name, limit in limits.items() if name != SUBSTATION}
        return clear_slot(slot, market_limit_kw=limits.get(SUBSTATION), transformer_limit_kw=places)

    async def _validate(
        self, start: Instant, attempt: int, orders: list[Order], award_kw: FloatArray
    ) -> ValidationResult:
        usage_points, power_kw, _ = _by_usage_point(orders, award_kw, award_kw)
        request = ValidationRequest(
            do=self.operator.settings.do,
            market=self.operator.port.name,
            slot_start=start,
            slot_length=self.series.slot,
            attempt=attempt,
            usage_points=usage_points,
            power_kw=power_kw,
        )
        return await self.operator.port.request(request, ValidationResult)

    def _curtail(
        self,
        start: Instant,
        slot: Slot,
        book: OrderBook,
        result: SlotResult,
        limits: dict[str, float],
        status: list[AwardStatus],
    ) -> SlotResult:
        award_kw = result.award_kw
        for element, limit in sorted(limits.items()):
            below = np.full(len(award_kw), True) if element == SUBSTATION else slot.transformer == book.place(element)
            award_kw, factor = curtailed(award_kw, below, limit)
            if factor < 1.0:
                self.operator.port.publish(
                    CurtailmentPlan(
                        do=self.operator.settings.do,
                        market=self.operator.port.name,
                        slot_start=start,
                        element=element,
                        factor=factor,
                        rule=_RULE,
                    )
                )
        for place in np.flatnonzero(award_kw < result.award_kw - _NEGLIGIBLE_KW).tolist():
            status[place] = AwardStatus.CURTAILED
        return attrs.evolve(result, award_kw=award_kw)

    # Results

    def _publish(
        self,
        start: Instant,
        orders: list[Order],
        slot: Slot,
        result: SlotResult,
        attempts: int,
        status: list[AwardStatus],
        book: OrderBook,
        limits: dict[str, float],
    ) -> None:
        port, series, clearing = self.operator.port, self.series, result.clearing
        for order, award, price, state in zip(
            orders, result.award_kw.tolist(), result.price_per_kwh.tolist(), status, strict=True
        ):
            self.operator.award(order, award, price, *_judged(order, award, state))
        port.publish(
            ClearingResult(
                market=port.name,
                product=series.product,
                slot_start=start,
                slot_length=series.slot,
                outcome=clearing.outcome.value,
                price_per_kwh=clearing.price_per_kwh,
                supply_price_per_kwh=slot.supply_price_per_kwh,
                quantity_kw=clearing.quantity_kw,
                inelastic_kw=slot.inelastic_kw,
                shed_kw=clearing.shed_kw,
                orders=len(orders),
                attempts=attempts,
                binding=tuple(sorted(limits)),
            )
        )
        usage_points, power_kw, prices = _by_usage_point(orders, result.award_kw, result.price_per_kwh)
        port.publish(
            Positions(
                market=port.name,
                product=series.product,
                lse=self.operator.settings.lse,
                slot_start=start,
                slot_length=series.slot,
                usage_points=usage_points,
                power_kw=power_kw,
                price_per_kwh=prices,
            )
        )
        self.operator.awarded_kwh += float(np.abs(result.award_kw).sum()) * series.slot / HOUR


def _judged(order: Order, award_kw: float, status: AwardStatus) -> tuple[AwardStatus, str]:
    """An award's status and, where it is not all that was bid, the reason."""
    if status is AwardStatus.CURTAILED:
        return status, f"curtailed: {_RULE}"
    if abs(award_kw) <= _NEGLIGIBLE_KW:
        return AwardStatus.NOT_AWARDED, "the order asks for nothing at the clearing price"
    most_kw = order.quantity_kw[0 if award_kw < 0.0 else -1]
    if abs(award_kw) < abs(most_kw) - _NEGLIGIBLE_KW:
        return AwardStatus.PARTLY_AWARDED, "the order asks for less at the clearing price than at others"
    return AwardStatus.AWARDED, ""


def _by_usage_point(
    orders: list[Order], award_kw: FloatArray, price_per_kwh: FloatArray
) -> tuple[tuple[str, ...], tuple[float, ...], tuple[float, ...]]:
    """Awards summed over the resources of each usage point, and the price there."""
    power: dict[str, float] = {}
    price: dict[str, float] = {}
    for order, award, paid in zip(orders, award_kw.tolist(), price_per_kwh.tolist(), strict=True):
        power[order.usage_point] = power.get(order.usage_point, 0.0) + award
        price[order.usage_point] = paid
    names = tuple(sorted(power))
    return names, tuple(power[name] for name in names), tuple(price[name] for name in names)
