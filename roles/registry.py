"""The registry: which usage point belongs to which retailer, tariff, market and transformer, from when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar

import attrs

from ..kernel import Instant, Placement, Port, Setting, value
from ..kernel.activity import Main
from .interfaces import AccountStatement, Assignment, Enrolment, EnrolmentRefused


class Conflict(Exception):
    """An enrolment contradicts the register."""


@attrs.define
class Register:
    """The assignments of every usage point, in order of time; at most one is in force at any instant."""

    _history: dict[str, list[Assignment]] = attrs.field(factory=dict, init=False)

    def enrol(self, enrolment: Enrolment) -> tuple[Assignment, ...]:
        """Enter an enrolment; returns the assignments that are new or have changed.

        The assignment in force ends where the new one begins.

        Raises:
            Conflict: the usage point has an assignment from that instant or a later one on.
        """
        history = self._history.setdefault(enrolment.usage_point, [])
        start = enrolment.effective_from
        if history and history[-1].effective_from >= start:
            last = history[-1]
            raise Conflict(f"{last.usage_point} belongs to {last.lse} from {last.effective_from} ns on")
        new = Assignment(
            usage_point=enrolment.usage_point,
            lse=enrolment.lse,
            tariff=enrolment.tariff,
            market=enrolment.market,
            transformer=enrolment.transformer,
            effective_from=start,
        )
        changed: tuple[Assignment, ...] = (new,)
        if history:
            history[-1] = attrs.evolve(history[-1], effective_to=start)  # type: ignore[misc]
            changed = (history[-1], new)
        history.append(new)
        return changed

    def at(self, usage_point: str, instant: Instant) -> Assignment | None:
        """The assignment in force at an instant."""
        for assignment in reversed(self._history.get(usage_point, [])):
            if assignment.covers(instant):
                return assignment
        return None

    def __iter__(self) -> Iterator[Assignment]:
        return (assignment for history in self._history.values() for assignment in history)


@value
class Registry:
    """Plug-in ``[registry.NAME]``: neutral master data of usage points."""

    placement: ClassVar[Placement] = Placement.KEPT

    def components(self, name: str, _: Setting) -> Iterable[tuple[str, Main]]:
        """One component."""
        yield f"registry.{name}", _run


async def _run(port: Port) -> None:
    register = Register()
    async for message in port.subscribe(Enrolment, AccountStatement):
        if isinstance(message, Enrolment):
            _enrol(port, register, message)


def _enrol(port: Port, register: Register, enrolment: Enrolment) -> None:
    try:
        if enrolment.effective_from < port.now:
            raise Conflict(f"{enrolment.usage_point} cannot change its retailer in the past")
        changed = register.enrol(enrolment)
    except Conflict as conflict:
        port.publish(EnrolmentRefused(usage_point=enrolment.usage_point, lse=enrolment.lse, reason=str(conflict)))
    else:
        for assignment in changed:
            port.publish(assignment)
