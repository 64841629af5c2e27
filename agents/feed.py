"""What a device draws through its meter: told to the distribution operator, which may limit it."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from ..kernel import Duration, Instant, Port
from ..roles.interfaces import DeviceLimit, DevicePower


@attrs.define
class Feed:
    """The connection of one device; power is constant within a metering interval."""

    port: Port
    usage_point: str
    interval: Duration
    controllable: bool
    limited: Callable[[float], None]
    """Told the power that a limit leaves."""
    start: Instant = -1
    power_kw: float = 0.0
    revision: int = 0

    def draw(self, power_kw: float, start: Instant) -> None:
        """Draw a power [kW] for the interval that begins now."""
        self.power_kw, self.start, self.revision = power_kw, start, 0
        self._tell()

    async def obey_limits(self) -> None:
        """Draw no more than the distribution operator allows, to the end of the run."""
        async for limit in self.port.subscribe(DeviceLimit):
            self._obey(limit)

    def _obey(self, limit: DeviceLimit) -> None:
        if limit.start == self.start and self.power_kw > limit.import_limit_kw:
            self.power_kw = limit.import_limit_kw
            self.limited(self.power_kw)
            self._tell()

    def _tell(self) -> None:
        self.revision += 1
        power = DevicePower(
            device=self.port.name,
            usage_point=self.usage_point,
            start=self.start,
            duration=self.interval,
            power_kw=self.power_kw,
            controllable=self.controllable,
        )
        self.port.publish(power, revision=self.revision)
