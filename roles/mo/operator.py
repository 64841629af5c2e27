"""The market operator (MO): a neutral venue for the orders of a retailer's customers.

One coroutine hears everything and puts it where it belongs; each instance of each series is a coroutine that walks
through its states.
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from ...kernel import MINUTE, Port, Setting, Subscription, field, value
from ...kernel.activity import Main
from ..accounts import Account
from ..interfaces import (
    BILLING,
    DAY_AHEAD,
    REAL_TIME,
    MarketControl,
    MarketInfo,
    MarketSession,
    SessionStatus,
)
from ..settlement.rules import SettlementRules
from .charges import Charges
from .desk import HEARD, Desk
from .hearing import misfits
from .series import SeriesRun
from .spec import MarketSpec
from .venue import Venue


@value
class Halt:
    """A time in which a market is halted by plan."""

    from_min: float = field("begin, after the start of the run", unit="min", at_least=0)
    to_min: float = field("end, after the start of the run", unit="min", above=0)
    reason: str = field("why")

    def check(self) -> Iterable[tuple[str, str]]:
        """A halt ends after it begins."""
        if self.to_min <= self.from_min:
            yield "to_min", f"expected more than from_min = {self.from_min:g}"


@value
class MarketOperator:
    """Plug-in ``[mo.NAME]``: the market of a retailer's customers, in one or more series of slots."""

    lse: str = field("retailer that supplies the market")
    do: str = field("distribution operator that validates the results")
    series: tuple[MarketSpec, ...] = field("day-ahead and real-time series")
    credit_limit: float | None = field(
        "most that one order may cost at its own prices; without it, any", unit="$", default=None, above=0
    )
    acknowledge: bool = field("whether good orders are answered at once, like bad ones", default=True)
    halts: tuple[Halt, ...] = field("times in which the market is halted", default=())
    settlement: SettlementRules = field("fees, imbalance, losses, and who gets what is left", default=SettlementRules())

    def check(self) -> Iterable[tuple[str, str]]:
        """No series is there twice, and none settles energy that another does, or leaves some between them."""
        names = [spec.product for spec in self.series]
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield "series", f"{name} is there twice"
        for number, spec in enumerate(self.series):
            if spec.refines and spec.refines not in names:
                yield f"series[{number}].refines", f"expected one of {', '.join(names)}, got {spec.refines}"
        yield from self._check_refining()

    def _check_refining(self) -> Iterable[tuple[str, str]]:
        binding = {spec.product: (number, spec) for number, spec in enumerate(self.series) if spec.commitment}
        if {DAY_AHEAD, REAL_TIME} <= binding.keys():
            (ahead_number, ahead), (number, spec) = binding[DAY_AHEAD], binding[REAL_TIME]
            if spec.refines != DAY_AHEAD:
                yield f"series[{number}].refines", f"expected {DAY_AHEAD}, or the energy of a slot is settled twice"
            if ahead.refines:
                yield f"series[{ahead_number}].refines", f"expected none: {REAL_TIME} refines {DAY_AHEAD}"
            if spec.first_min > ahead.first_min:
                yield f"series[{number}].first_min", f"expected at most {ahead.first_min:g}, when {DAY_AHEAD} begins"

    def references(self) -> Iterable[tuple[str, str]]:
        """The retailer and the distribution operator."""
        yield "lse", f"lse.{self.lse}"
        yield "do", f"do.{self.do}"

    def components(self, name: str, _: Setting) -> Iterable[tuple[str, Main]]:
        """One component."""
        yield f"mo.{name}", lambda port: _Operator(self, port).run()


@attrs.define
class _Operator:
    rules: MarketOperator
    port: Port
    venue: Venue = attrs.field(init=False)
    account: Account = attrs.field(init=False)
    desk: Desk = attrs.field(init=False)
    halts: dict[Halt | None, str] = attrs.field(factory=dict, init=False)
    """The halts that are in force, in the order in which they began; None for that of the distribution operator."""

    def __attrs_post_init__(self) -> None:
        self.venue = Venue(self.rules, self.port)
        self.account = Account(self.port)
        self.desk = Desk(self.venue, {spec.product: SeriesRun(self.venue, spec) for spec in self.rules.series})

    async def run(self) -> None:
        port = self.port
        # Here and not in an activity, which would begin a round later: participants register in the first round.
        heard = port.subscribe(*HEARD, lse=self.rules.lse)
        port.start(self._hear(heard))
        for series in self.desk.series.values():
            self._publish_info(series.spec)
            port.start(series.run())
        self._announce(SessionStatus.OPEN, "")
        for halt in self.rules.halts:
            port.start(self._keep_halt(halt))
        account = self.account
        for activity in (self._obey, account.receive, self._end, account.settle_invoices, account.close):
            port.start(activity())

    async def _hear(self, heard: Subscription[object]) -> None:
        async for envelope in heard.envelopes():
            self.desk.hear(envelope)

    # The session

    def _publish_info(self, spec: MarketSpec) -> None:
        self.port.publish(
            MarketInfo(
                market=self.port.name,
                product=spec.product,
                mechanism=spec.mechanism,
                slot_length=spec.slot,
                slots=spec.slots,
                every=spec.every,
                gate=round(spec.gate_min * MINUTE),
                delivery_lead=round(spec.delivery_lead_min * MINUTE),
                price_cap_per_kwh=spec.price_cap_per_kwh,
                price_floor_per_kwh=spec.price_floor_per_kwh,
                refines=spec.refines,
                commitment=spec.commitment,
            )
        )

    def _announce(self, status: SessionStatus, reason: str) -> None:
        self.port.publish(MarketSession(market=self.port.name, status=status, reason=reason))

    def _halt(self, halt: Halt | None, reason: str) -> None:
        """Begin a halt, planned or of the distribution operator."""
        self.halts[halt] = reason
        self._tell_halts()

    def _lift(self, halt: Halt | None) -> None:
        """End a halt; the market goes on when it was the last."""
        self.halts.pop(halt, None)
        self._tell_halts()

    def _tell_halts(self) -> None:
        reason = "; ".join(self.halts.values())
        if reason != self.venue.halted:
            self.venue.halted = reason
            self._announce(SessionStatus.HALTED if reason else SessionStatus.OPEN, reason)

    async def _keep_halt(self, halt: Halt) -> None:
        await self.port.sleep_until(round(halt.from_min * MINUTE))
        self._halt(halt, halt.reason or "by plan")
        await self.port.sleep_until(round(halt.to_min * MINUTE))
        self._lift(halt)

    async def _obey(self) -> None:
        """Let the distribution operator halt the market."""
        async for envelope in self.port.subscribe(MarketControl).envelopes():
            control = envelope.message
            if envelope.sender == f"do.{self.rules.do}" and not misfits(control):
                if control.halted:
                    self._halt(None, control.reason or "by the distribution operator")
                else:
                    self._lift(None)

    async def _end(self) -> None:
        """When the run ends: last statements for whatever was delivered, then fees and what is left in the accounts."""
        await self.port.sleep_until(self.port.stop, BILLING)
        self._announce(SessionStatus.CLOSED, "the run ends")
        self.desk.finish()
        Charges(self.venue, self.account).publish()
