"""Who takes part in a market: usage points by assignment, resources by registration, presence by reservation."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from math import isfinite

import attrs

from ...kernel import Instant
from ..assignments import Assignments
from ..interfaces import (
    Assignment,
    Reason,
    ReasonCode,
    Registration,
    RegistrationStatus,
    Reservation,
    belongs,
)


@attrs.define
class Participants:
    """The participants of a market; a resource takes part while its usage point is assigned to the market."""

    _assignments: Assignments = attrs.field(factory=Assignments, init=False)
    _registered: dict[str, Registration] = attrs.field(factory=dict, init=False)
    _by_resource: list[Registration] = attrs.field(factory=list, init=False)
    """The registrations in order; none where they have to be put in order anew."""
    _resources: dict[str, dict[str, None]] = attrs.field(factory=dict, init=False)
    """Usage point to the resources that have registered there."""
    _absent: dict[tuple[str, str], set[Instant | None]] = attrs.field(factory=dict, init=False)
    """Series and resource to the clearings that it does not attend; None for all that are not named."""
    _attending: dict[tuple[str, str], set[Instant]] = attrs.field(factory=dict, init=False)

    def assign(self, assignment: Assignment) -> list[Registration]:
        """Take a usage point in, or learn that it leaves; returns registrations that waited for it."""
        is_new = assignment.usage_point not in self._assignments
        self._assignments.take(assignment)
        return self._registered_at(assignment.usage_point) if is_new else []

    def register(self, registration: Registration) -> tuple[RegistrationStatus, tuple[Reason, ...]]:
        """Enter a resource with its ratings; a second registration replaces the first."""
        reasons = tuple(_faults(registration))
        if reasons:
            return RegistrationStatus.REJECTED, reasons
        self._registered[registration.resource] = registration
        self._by_resource.clear()
        self._resources.setdefault(registration.usage_point, {})[registration.resource] = None
        if registration.usage_point in self._assignments:
            return RegistrationStatus.ACTIVE, ()
        text = f"usage point {registration.usage_point} is not assigned to this market yet"
        return RegistrationStatus.PENDING, (Reason(ReasonCode.UNKNOWN_REFERENCE, text, "usage_point"),)

    def _registered_at(self, usage_point: str) -> list[Registration]:
        found = map(self._registered.__getitem__, self._resources.get(usage_point, {}))
        return [each for each in found if each.usage_point == usage_point]

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

    def assignments(self, instant: Instant) -> Mapping[str, Assignment]:
        """The usage points of the market at an instant, by name, each with its assignment."""
        return self._assignments.in_force(instant).by_usage_point

    def transformers(self, instant: Instant) -> dict[str, str]:
        """The usage points of the market at an instant, each with its transformer."""
        return {name: each.transformer for name, each in self.assignments(instant).items()}

    def spans(self, stop: Instant) -> list[tuple[Instant, Instant]]:
        """First instant, and first instant after, of every assignment within a run."""
        return [
            (each.effective_from, stop if each.effective_to is None else min(each.effective_to, stop))
            for each in self._assignments
        ]

    def absent(self, product: str, clearing: Instant) -> frozenset[str]:
        """The resources that, as far as is known now, do not attend a clearing."""
        named = [resource for series, resource in self._absent if series == product]
        return frozenset(resource for resource in named if not self._attends(product, resource, clearing))

    def expected(
        self, instant: Instant, *, absent: Container[str] = (), but: Container[str] = ()
    ) -> Iterator[Registration]:
        """The resources from which an order is expected for a slot, but for some, by name."""
        held = self.assignments(instant)
        if not self._by_resource:
            self._by_resource = [self._registered[name] for name in sorted(self._registered)]
        for registration in self._by_resource:
            resource = registration.resource
            if resource not in but and resource not in absent and registration.usage_point in held:
                yield registration

    def _attends(self, product: str, resource: str, clearing: Instant) -> bool:
        absent = self._absent.get((product, resource), ())
        return clearing not in absent and (
            None not in absent or clearing in self._attending.get((product, resource), ())
        )


def _faults(registration: Registration) -> Iterator[Reason]:
    for name in ("import_rating_kw", "export_rating_kw"):
        rating = getattr(registration, name)
        if not (isinstance(rating, float | int) and isfinite(rating) and rating >= 0.0):
            yield Reason(ReasonCode.OUT_OF_BOUNDS, f"{name} is {rating!r}; give a finite number of at least 0", name)
    if not belongs(registration.resource, registration.usage_point):
        text = f"the resource is no device of usage point {registration.usage_point}"
        yield Reason(ReasonCode.NOT_AUTHORISED, text, "usage_point")
