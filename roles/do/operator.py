"""The distribution operator (DO): owns the wires, reads the meters, keeps the network within its limits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs
import numpy as np

from ...kernel import FIRST, HOUR, LAST, MINUTE, Duration, Instant, Port, Setting, UsageError, field, value
from ...kernel.activity import Main
from ..accounts import Account
from ..interfaces import (
    BILLING,
    Assignment,
    DeviceLimit,
    DevicePower,
    ElementLimit,
    FeederRead,
    LoadEstimate,
    TransferKind,
    ValidationRequest,
    ValidationResult,
)
from ..settlement.rules import NetworkCharges
from .charges import UseOfSystem, sum_of
from .curtailment import curtail
from .delivery import Delivery
from .metering import Meters
from .network import FloatArray, Network, TransformerModel, by_transformer, network
from .slot_values import SlotValues
from .validation import validate

_RULE = "controllable devices below the element first, then all consumption, each pro rata"
_TRIES = 3
"""Times that limits are sent in one interval; an overload that devices do not heed stays on the feeder's record."""


@value
class Transformer:
    """A service transformer."""

    name: str = field("name, as the customers' registrations call it")
    rating_kva: float = field("rating", unit="kVA", above=0)


@value
class Bank:
    """Transformers that are numbered, PREFIX01 and on; their ratings come round."""

    prefix: str = field("what their names begin with")
    count: int = field("how many there are", at_least=1)
    rating_kva: tuple[float, ...] = field("ratings of the first ones, then again", unit="kVA")

    def check(self) -> Iterable[tuple[str, str]]:
        """There is a rating, and all are above zero."""
        if not self.rating_kva or min(self.rating_kva) <= 0.0:
            yield "rating_kva", "expected at least one rating, all above 0"

    def transformers(self) -> Iterator[Transformer]:
        """The transformers that it stands for."""
        for number in range(self.count):
            rating = self.rating_kva[number % len(self.rating_kva)]
            yield Transformer(name=f"{self.prefix}{number + 1:02d}", rating_kva=rating)


@value
class DistributionOperator:
    """Plug-in ``[do.NAME]``: one feeder below one substation, with its meters."""

    substation_limit_kw: float = field("import limit of the substation", unit="kW", above=0)
    peak_kw: float = field("power at which the line loses peak_line_loss", unit="kW", above=0)
    transformers: tuple[Transformer, ...] = field("service transformers, one by one", default=())
    banks: tuple[Bank, ...] = field("service transformers, by the dozen", default=())
    peak_line_loss: float = field(
        "share that the line loses at peak_kw", unit="1", default=0.02, at_least=0, at_most=0.5
    )
    overload: float = field("import limit of a transformer as a multiple of its rating", unit="1", default=1.0, above=0)
    forecast_margin_kw: float = field(
        "kept free of market results, for what forecasts miss", unit="kW", default=0.0, at_least=0
    )
    interval_min: float = field("metering interval", unit="min", default=5.0, above=0)
    charges: NetworkCharges = field("what retailers pay for the use of the system", default=NetworkCharges())
    whole_network: bool = field("whether all usage points of the run are below its transformers", default=True)

    def check(self) -> Iterable[tuple[str, str]]:
        """Names of transformers are unique and there is one."""
        names = [transformer.name for transformer in self.all_transformers()]
        if not names:
            yield "transformers", "expected at least one"
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield "transformers", f"{name} is there twice"

    def all_transformers(self) -> tuple[Transformer, ...]:
        """Those that are listed, then those of the banks."""
        return (*self.transformers, *(each for bank in self.banks for each in bank.transformers()))

    def components(self, name: str, setting: Setting) -> Iterable[tuple[str, Main]]:
        """One component."""
        yield f"do.{name}", lambda port: _Operator(self, port, setting).run()

    @property
    def interval(self) -> Duration:
        """Metering interval. [ns]"""
        return round(self.interval_min * MINUTE)

    def network(self) -> Network:
        """The feeder's model."""
        return network(
            {transformer.name: transformer.rating_kva for transformer in self.all_transformers()},
            substation_limit_kw=self.substation_limit_kw,
            peak_kw=self.peak_kw,
            peak_line_loss=self.peak_line_loss,
            model=TransformerModel(overload=self.overload),
        )


@attrs.define
class _Operator:
    settings: DistributionOperator
    port: Port
    setting: Setting
    network: Network = attrs.field(init=False)
    meters: Meters = attrs.field(init=False)
    delivery: Delivery = attrs.field(factory=Delivery, init=False)
    account: Account = attrs.field(init=False)
    estimates: SlotValues[tuple[str, str], LoadEstimate] = attrs.field(factory=SlotValues, init=False)
    """By retailer and market."""
    accepted_kw: SlotValues[str, FloatArray] = attrs.field(factory=SlotValues, init=False)
    """What each market has been told is safe: the others have what is left."""
    use_of_system: UseOfSystem = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.network = self.settings.network()
        self.meters = Meters(self.network.index())
        self.account = Account(self.port)
        self.use_of_system = UseOfSystem(
            self.settings.charges, self.setting.calendar, self.port.stop, self.settings.interval
        )

    async def run(self) -> None:
        port = self.port
        for activity in (self._take_assignments, self._take_powers, self._take_estimates, self._validate):
            port.start(activity())
        for activity in (self.account.receive, self.account.settle_invoices, self.account.close, self._charge):
            port.start(activity())
        interval = self.settings.interval
        for start in range(0, port.stop, interval):
            # Before the weather and the devices of the new interval, which replace the powers of the old one.
            await port.sleep_until(start, FIRST)
            if start:
                self._read_meters(start - interval, interval)
            await self._keep_limits(start, interval)
        await port.sleep_until(port.stop, FIRST)
        last = (port.stop - 1) // interval * interval
        self._read_meters(last, port.stop - last)

    # What comes in

    async def _take_assignments(self) -> None:
        async for assignment in self.port.subscribe(Assignment):
            if assignment.transformer not in self.meters.transformers:
                self._complain_of(assignment)
                continue
            self.use_of_system.assign(assignment)
            self.meters.assign(assignment)

    def _complain_of(self, assignment: Assignment) -> None:
        if self.settings.whole_network:
            raise UsageError(
                f"{assignment.usage_point} is below the transformer {assignment.transformer}, which "
                f"[do.{self.port.name}] does not have: add it there, or say whole_network = false where another has it"
            )

    async def _take_powers(self) -> None:
        interval = self.settings.interval
        heard = self.port.subscribe(DevicePower)
        while True:
            for power in (await heard.receive(), *heard.take_waiting()):
                if power.duration != interval:
                    raise UsageError(
                        f"{power.device} draws in intervals of {power.duration / MINUTE:g} min, but the meters have "
                        f"{interval / MINUTE:g} min; give both the same interval_min"
                    )
                self.meters.report(power)

    async def _take_estimates(self) -> None:
        async for estimate in self.port.subscribe(LoadEstimate):
            self.estimates.enter(estimate.slot_start, estimate.slot_length, (estimate.lse, estimate.market), estimate)
            self.estimates.forget(self.port.now)
            self.accepted_kw.forget(self.port.now)

    # Meters

    def _read_meters(self, start: Instant, duration: Duration) -> None:
        flow = self.network.flow(self._transformer_kw())
        reads = self.meters.read(start, duration)
        interval = self.delivery.sorted(reads, start, duration, flow.losses_kw * duration / HOUR)
        interval.publish(self.port)
        self.use_of_system.add(interval)
        self.port.publish(
            FeederRead(
                feeder=self.port.name,
                start=start,
                duration=duration,
                substation_kwh=flow.substation_kw * duration / HOUR,
                metered_kwh=interval.metered_kwh,
                losses_kwh=interval.losses_kwh,
                import_limit_kw=self.settings.substation_limit_kw,
                highest_loading=max(self.network.loading(flow).values()),
                curtailed_kwh=self.meters.refused_kwh(start, duration),
            )
        )

    def _transformer_kw(self) -> FloatArray:
        powers = self.meters.powers()
        return by_transformer(powers.places, powers.power_kw, len(self.network.transformers))

    # Limits

    async def _keep_limits(self, start: Instant, duration: Duration) -> None:
        """When all devices have said what they draw, curtail those that an overloaded element cannot carry."""
        for _ in range(_TRIES):
            await self.port.sleep_until(start, LAST)
            powers = self.meters.powers()
            count = len(self.network.transformers)
            flow = self.network.flow(by_transformer(powers.places, powers.power_kw, count))
            if not self.network.overloaded(flow):
                return
            for cut in curtail(self.network, powers.places, powers.power_kw, powers.controllable):
                self.port.publish(
                    DeviceLimit(
                        device=powers.devices[cut.device],
                        start=start,
                        duration=duration,
                        import_limit_kw=cut.power_kw,
                        reason=f"{cut.element} at its limit: {_RULE}",
                    )
                )

    async def _validate(self) -> None:
        async for envelope in self.port.subscribe(ValidationRequest).envelopes():
            self.port.publish(self._judge(envelope.message), reply_to=envelope)

    def _judge(self, request: ValidationRequest) -> ValidationResult:
        other = np.zeros(len(self.network.transformers))
        for _, share, estimate in self.estimates.over(request.slot_start, request.slot_length):
            other += share * self.meters.by_transformer(estimate.usage_points, estimate.power_kw)
        for name, share, power_kw in self.accepted_kw.over(request.slot_start, request.slot_length):
            if name != request.market:
                other += share * power_kw
        market = self.meters.by_transformer(request.usage_points, request.power_kw)
        findings = validate(self.network, other, market, margin_kw=self.settings.forecast_margin_kw)
        if not findings:
            self.accepted_kw.enter(request.slot_start, request.slot_length, request.market, market)
        limits = tuple(
            ElementLimit(element=f.element, import_limit_kw=f.import_limit_kw, loading=f.loading) for f in findings
        )
        return ValidationResult(
            market=request.market, slot_start=request.slot_start, feasible=not limits, limits=limits
        )

    # Money

    async def _charge(self) -> None:
        await self.port.sleep_until(self.port.stop, BILLING)
        for lse, owed, losses in self.use_of_system.invoices():
            self.account.settle("lse", lse, TransferKind.USE_OF_SYSTEM, sum_of(owed))
            self.account.settle("lse", lse, TransferKind.LOSSES, -sum_of(losses))
