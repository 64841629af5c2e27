"""The register: who supplies a usage point from when, on whose contract, and who else may see its data.

Every change is dated and none lies in the past. A usage point has at most one retailer at any instant: an assignment
ends where the next one begins.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import attrs

from ..kernel import Instant, UsageError
from ..kernel.shape import evolved
from .interfaces import (
    METER_DATA,
    NO_CHOICE,
    NO_MARKET,
    NOBODY,
    SWITCHING,
    Assignment,
    Consent,
    ConsentChange,
    Enrolment,
    MoveIn,
    MoveOut,
    Reason,
    ReasonCode,
    SwitchRequest,
)

Request = Enrolment | SwitchRequest | MoveIn | MoveOut | ConsentChange
Entry = Assignment | Consent

_SCOPES = (METER_DATA, SWITCHING)


class Refused(UsageError):
    """A request contradicts the register; it has changed nothing."""

    def __init__(self, reasons: tuple[Reason, ...]) -> None:
        super().__init__("; ".join(reason.text for reason in reasons))
        self.reasons = reasons


@attrs.frozen
class Supply:
    """What a retailer supplies on: its tariff and the market of it."""

    lse: str
    tariff: str
    market: str = NO_MARKET


@attrs.define
class Register:
    """The assignments and consents of every usage point, in order of time."""

    last_resort: Supply | None = None
    """Who supplies where nobody is chosen; without it such a usage point has no retailer."""
    _tariffs: dict[str, dict[str, str]] = attrs.field(factory=dict, init=False)
    """Retailer to its tariffs, each with its market."""
    _histories: dict[str, list[Assignment]] = attrs.field(factory=dict, init=False)
    _consents: dict[str, list[Consent]] = attrs.field(factory=dict, init=False)
    """In the order in which they were given: the last that covers an instant counts."""
    _entered: dict[str, Request] = attrs.field(factory=dict, init=False)
    """The last request of each usage point that was entered."""

    # What it knows

    def __iter__(self) -> Iterator[Assignment]:
        return (assignment for history in self._histories.values() for assignment in history)

    def at(self, usage_point: str, instant: Instant) -> Assignment | None:
        """The assignment in force at an instant."""
        for assignment in reversed(self._histories.get(usage_point, [])):
            if assignment.covers(instant):
                return assignment
        return None

    def may(self, party: str, scope: str, usage_point: str, instant: Instant) -> bool:
        """Whether a party may have the meter's data of an instant, or make a switch then."""
        held = self.at(usage_point, instant)
        if held is not None and held.lse == party and scope == METER_DATA:
            return True
        for consent in reversed(self._consents.get(usage_point, [])):
            if (consent.third_party, consent.scope) == (party, scope) and _covers(consent, instant):
                return consent.granted
        return False

    def offer(self, lse: str, tariff: str, market: str) -> None:
        """Learn that a retailer offers a tariff; once one is known, customers can only have what is offered."""
        self._tariffs.setdefault(lse, {})[tariff] = market

    # What changes it

    def enter(self, request: Request, now: Instant, *, by_customer: bool = True) -> tuple[Entry, ...]:
        """Enter a request; returns the assignments and consents that are new or have changed.

        The same request again, as the last of its usage point, changes nothing.

        Raises:
            Refused: the request contradicts the register; carries every reason.
        """
        if self._entered.get(request.usage_point) == request:
            return ()
        if reasons := tuple(self._faults(request, now, by_customer=by_customer)):
            raise Refused(reasons)
        self._entered[request.usage_point] = request
        if isinstance(request, ConsentChange):
            return (self._consent(request),)
        if isinstance(request, MoveOut):
            return self._vacate(request)
        return self._succeed(self._assignment(request))

    def _assignment(self, request: Enrolment | SwitchRequest | MoveIn) -> Assignment:
        supply = Supply(request.lse, request.tariff, request.market)
        if request.lse == NO_CHOICE and self.last_resort is not None:
            supply = self.last_resort
        if isinstance(request, Enrolment):
            transformer, customer_class = request.transformer, request.customer_class
            customer = request.customer or request.usage_point
        else:
            last = self._histories[request.usage_point][-1]
            transformer, customer_class, customer = last.transformer, last.customer_class, last.customer
        if isinstance(request, MoveIn):
            customer, customer_class = request.customer, request.customer_class
        return Assignment(
            usage_point=request.usage_point,
            lse=supply.lse,
            tariff=supply.tariff,
            market=supply.market,
            transformer=transformer,
            effective_from=request.effective_from,
            customer_class=customer_class,
            customer=customer,
        )

    def _succeed(self, new: Assignment) -> tuple[Assignment, ...]:
        """End the assignment in force where a new one begins; one that would cover nothing is gone."""
        history = self._histories.setdefault(new.usage_point, [])
        changed = self._end(history, new.effective_from)
        history.append(new)
        return (*changed, new)

    def _end(self, history: list[Assignment], instant: Instant) -> tuple[Assignment, ...]:
        if not history or history[-1].effective_to is not None:
            return ()
        ended = evolved(history.pop(), effective_to=instant)
        if ended.effective_from < instant:
            history.append(ended)
        return (ended,)

    def _vacate(self, request: MoveOut) -> tuple[Entry, ...]:
        history, start = self._histories[request.usage_point], request.effective_from
        resort = self.last_resort
        withdrawn = self._withdraw(request.usage_point, start)
        if resort is None:
            return (*self._end(history, start), *withdrawn)
        vacant = evolved(
            history[-1],
            lse=resort.lse,
            tariff=resort.tariff,
            market=resort.market,
            customer=NOBODY,
            effective_from=start,
        )
        return (*self._succeed(vacant), *withdrawn)

    def _withdraw(self, usage_point: str, start: Instant) -> tuple[Consent, ...]:
        """End what the customer who leaves has consented to."""
        given = self._consents.get(usage_point, [])
        latest = {(consent.third_party, consent.scope): consent for consent in given}
        ended = tuple(
            Consent(usage_point=usage_point, third_party=party, scope=scope, granted=False, valid_from=start)
            for (party, scope), consent in latest.items()
            if consent.granted and (consent.valid_to is None or consent.valid_to > start)
        )
        given += ended
        return ended

    def _consent(self, change: ConsentChange) -> Consent:
        """Enter a consent; it ends with the contract of the customer who gives it, at the latest."""
        leaves = self._tenancy_end(change.usage_point, change.valid_from)
        ends = [each for each in (leaves, change.valid_to) if each is not None]
        consent = Consent(
            usage_point=change.usage_point,
            third_party=change.third_party,
            scope=change.scope,
            granted=change.granted,
            valid_from=change.valid_from,
            valid_to=min(ends, default=None),
        )
        self._consents.setdefault(change.usage_point, []).append(consent)
        return consent

    def _tenancy_end(self, usage_point: str, instant: Instant) -> Instant | None:
        """The instant at which the customer of another instant leaves, if that is known."""
        held = self.at(usage_point, instant)
        for each in self._histories[usage_point]:
            if held is not None and (each.effective_from, each.customer) == (held.effective_to, held.customer):
                held = each
        return None if held is None else held.effective_to

    # What is wrong with a request

    def _faults(self, request: Request, now: Instant, *, by_customer: bool) -> Iterator[Reason]:
        history = self._histories.get(request.usage_point, [])
        if not isinstance(request, Enrolment) and not history:
            text = f"no usage point {request.usage_point} is registered: enrol it first"
            yield Reason(code=ReasonCode.UNKNOWN_REFERENCE, text=text, path="usage_point")
        if isinstance(request, ConsentChange):
            yield from self._consent_faults(request, now, history)
            return
        yield from _past(request.effective_from, now, "effective_from")
        if not isinstance(request, MoveOut):
            yield from self._supply_faults(request)
        if isinstance(request, MoveIn) and request.customer in ("", NOBODY):
            text = "somebody has to move in: name the customer"
            yield Reason(code=ReasonCode.OUT_OF_BOUNDS, text=text, path="customer")
        if history:
            yield from _tenancy_faults(request, history[-1])
        if isinstance(request, SwitchRequest) and history and not by_customer:
            yield from self._consent_missing(request, now)

    def _supply_faults(self, request: Enrolment | SwitchRequest | MoveIn) -> Iterator[Reason]:
        if request.lse == NO_CHOICE:
            if self.last_resort is None:
                text = "no retailer is chosen and none is the provider of last resort: choose one"
                yield Reason(code=ReasonCode.UNKNOWN_REFERENCE, text=text, path="lse")
        elif self._tariffs:
            yield from _catalogue_faults(Supply(request.lse, request.tariff, request.market), self._tariffs)

    def _consent_missing(self, request: SwitchRequest, now: Instant) -> Iterator[Reason]:
        if not self.may(request.lse, SWITCHING, request.usage_point, now):
            text = f"{request.lse} has no consent to switch {request.usage_point}: the customer has to give it first"
            yield Reason(code=ReasonCode.NOT_AUTHORISED, text=text, path="lse")

    def _consent_faults(self, change: ConsentChange, now: Instant, history: list[Assignment]) -> Iterator[Reason]:
        if change.scope not in _SCOPES:
            text = f"there is no consent to {change.scope!r}; there are {', '.join(_SCOPES)}"
            yield Reason(code=ReasonCode.OUT_OF_BOUNDS, text=text, path="scope")
        yield from _past(change.valid_from, now, "valid_from")
        if change.valid_to is not None and change.valid_to <= change.valid_from:
            text = f"it would end at {change.valid_to} ns and begin at {change.valid_from} ns"
            yield Reason(code=ReasonCode.PERIOD_MISMATCH, text=text, path="valid_to")
        held = self.at(change.usage_point, change.valid_from)
        if history and (held is None or held.customer == NOBODY):
            text = f"nobody lives at {change.usage_point} at {change.valid_from} ns who could consent"
            yield Reason(code=ReasonCode.NOT_AUTHORISED, text=text, path="usage_point")


def _past(start: Instant, now: Instant, path: str) -> Iterator[Reason]:
    if start < now:
        text = f"{start} ns lies in the past: begin at {now} ns or later"
        yield Reason(code=ReasonCode.PERIOD_MISMATCH, text=text, path=path)


def _catalogue_faults(supply: Supply, tariffs: Mapping[str, Mapping[str, str]]) -> Iterator[Reason]:
    lse, tariff, market = supply.lse, supply.tariff, supply.market
    if lse not in tariffs:
        text = f"no retailer {lse} has published a tariff; there are {', '.join(sorted(tariffs))}"
        yield Reason(code=ReasonCode.UNKNOWN_REFERENCE, text=text, path="lse")
    elif tariff not in tariffs[lse]:
        text = f"{lse} has no tariff {tariff}; it has {', '.join(tariffs[lse])}"
        yield Reason(code=ReasonCode.UNKNOWN_REFERENCE, text=text, path="tariff")
    elif market != tariffs[lse][tariff]:
        text = f"the market of the tariff {tariff} of {lse} is {tariffs[lse][tariff]}, not {market}"
        yield Reason(code=ReasonCode.UNKNOWN_REFERENCE, text=text, path="market")


def _covers(consent: Consent, instant: Instant) -> bool:
    return consent.valid_from <= instant and (consent.valid_to is None or instant < consent.valid_to)


def _tenancy_faults(request: Enrolment | SwitchRequest | MoveIn | MoveOut, last: Assignment) -> Iterator[Reason]:
    """The contracts of a usage point follow one another: a customer's, then nobody's or another's."""
    name, start = request.usage_point, request.effective_from
    is_let = last.effective_to is None and last.customer != NOBODY
    if isinstance(request, Enrolment):
        text = f"{name} belongs to {last.lse} from {last.effective_from} ns on: switch, or move out and in"
        yield Reason(code=ReasonCode.INTERVAL_CONFLICT, text=text, path="usage_point")
        return
    begins = last.effective_from if last.effective_to is None else last.effective_to
    soonest = begins if isinstance(request, MoveIn) else begins + 1
    if start < soonest:
        text = f"{name} belongs to {last.lse} as of {begins} ns: begin at {soonest} ns or later, not at {start} ns"
        yield Reason(code=ReasonCode.INTERVAL_CONFLICT, text=text, path="effective_from")
    if is_let and isinstance(request, MoveIn):
        text = f"{last.customer} lives at {name}: move out first"
        yield Reason(code=ReasonCode.INTERVAL_CONFLICT, text=text, path="usage_point")
    if not is_let and not isinstance(request, MoveIn):
        text = f"nobody lives at {name}: move in first"
        yield Reason(code=ReasonCode.NOT_AUTHORISED, text=text, path="usage_point")
