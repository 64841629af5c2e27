"""Who takes part in a market: usage points by assignment, resources by registration, presence by reservation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import inf, isfinite

import attrs

from ...kernel import Instant
from ..interfaces import (
    Assignment,
    Reason,
    ReasonCode,
    Registration,
    RegistrationStatus,
    Reservation,
    belongs,
)

_NEVER: tuple[Instant, float, dict[str, Assignment]] = (0, 0, {})


@attrs.define
class Participants:
    """The participants of a market; a resource takes part while its usage point is assigned to the market."""

    _assignments: dict[str, dict[Instant, Assignment]] = attrs.field(factory=dict, init=False)
    """Usage point to its assignments by first instant."""
    _in_force: tuple[Instant, float, dict[str, Assignment]] = attrs.field(default=_NEVER, init=False)
    """First instant, first instant after, and the assignments that are in force between."""
    _registered: dict[str, Registration] = attrs.field(factory=dict, init=False)
    _absent: dict[tuple[str, str], set[Instant | None]] = attrs.field(factory=dict, init=False)
    """Series and resource to the clearings that it does not attend; None for all that are not named."""
    _attending: dict[tuple[str, str], set[Instant]] = attrs.field(factory=dict, init=False)

    def assign(self, assignment: Assignment) -> list[Registration]:
        """Take a usage point in, or learn that it leaves; returns registrations that waited for it."""
        self._in_force = _NEVER
        is_new = assignment.usage_point not in self._assignments
        self._assignments.setdefault(assignment.usage_point, {})[assignment.effective_from] = assignment
        if not is_new:
            return []
        return [each for each in self._registered.values() if each.usage_point == assignment.usage_point]

    def register(self, registration: Registration) -> tuple[RegistrationStatus, tuple[Reason, ...]]:
        """Enter a resource with its ratings; a second registration replaces the first."""
        reasons = tuple(_faults(registration))
        if reasons:
            return RegistrationStatus.REJECTED, reasons
        self._registered[registration.resource] = registration
        if registration.usage_point in self._assignments:
            return RegistrationStatus.ACTIVE, ()
        text = f"usage point {registration.usage_point} is not assigned to this market yet"
        return RegistrationStatus.PENDING, (Reason(ReasonCode.UNKNOWN_REFERENCE, text, "usage_point"),)

    def reserve(self, reservation: Reservation) -> None:
        """Note whether a resource attends one clearing, or all to come."""
        key = reservation.product, reservation.resource
        absent = self._absent.setdefault(key, set())
        attending = self._attending.setdefault(key, set())
        if reservation.attends:
            if reservation.clearing is None:
                absent.clear()
            else:
                absent.discard(reservation.clearing)
                attending.add(reservation.clearing)
        else:
            if reservation.clearing is None:
                attending.clear()
            else:
                attending.discard(reservation.clearing)
            absent.add(reservation.clearing)

    def registration(self, resource: str) -> Registration | None:
        """The registration of a resource."""
        return self._registered.get(resource)

    def assignment(self, usage_point: str, instant: Instant) -> Assignment | None:
        """The assignment of a usage point to this market that is in force at an instant."""
        held = self._assignments.get(usage_point, {})
        return next((each for each in held.values() if each.covers(instant)), None)

    def assignments(self, instant: Instant) -> Mapping[str, Assignment]:
        """The usage points of the market at an instant, by name, each with its assignment."""
        start, end, held = self._in_force
        if not start <= instant < end:
            self._in_force = start, end, held = self._find_in_force(instant)
        return held

    def _find_in_force(self, instant: Instant) -> tuple[Instant, float, dict[str, Assignment]]:
        """What is in force at an instant, and the span of time around it in which nothing else is."""
        changes = [each.effective_from for held in self._assignments.values() for each in held.values()]
        changes += [
            each.effective_to for held in self._assignments.values() for each in held.values() if each.effective_to
        ]
        found = ((name, self.assignment(name, instant)) for name in sorted(self._assignments))
        return (
            max((change for change in changes if change <= instant), default=-1),
            min((change for change in changes if change > instant), default=inf),
            {name: each for name, each in found if each is not None},
        )

    def transformers(self, instant: Instant) -> dict[str, str]:
        """The usage points of the market at an instant, each with its transformer."""
        return {name: each.transformer for name, each in self.assignments(instant).items()}

    def spans(self, stop: Instant) -> list[tuple[Instant, Instant]]:
        """First instant, and first instant after, of every assignment within a run."""
        return [
            (each.effective_from, stop if each.effective_to is None else min(each.effective_to, stop))
            for _, held in sorted(self._assignments.items())
            for each in held.values()
        ]

    def expected(self, product: str, clearing: Instant, instant: Instant) -> Iterator[Registration]:
        """The resources from which an order is expected for a clearing, by name."""
        held = self.assignments(instant)
        for resource, registration in sorted(self._registered.items()):
            absent = self._absent.get((product, resource), ())
            stays_away = clearing in absent or (
                None in absent and clearing not in self._attending.get((product, resource), ())
            )
            if not stays_away and registration.usage_point in held:
                yield registration


def _faults(registration: Registration) -> Iterator[Reason]:
    for name in ("import_rating_kw", "export_rating_kw"):
        rating = getattr(registration, name)
        if not (isinstance(rating, float | int) and isfinite(rating) and rating >= 0.0):
            yield Reason(ReasonCode.OUT_OF_BOUNDS, f"{name} is {rating!r}; give a finite number of at least 0", name)
    if not belongs(registration.resource, registration.usage_point):
        text = f"the resource is no device of usage point {registration.usage_point}"
        yield Reason(ReasonCode.NOT_AUTHORISED, text, "usage_point")
