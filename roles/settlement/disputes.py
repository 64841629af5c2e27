"""Judging disputes: a claim is upheld when the latest meter data agree with it, and differ from the statement."""

from __future__ import annotations

from collections.abc import Sequence
from math import isclose

import attrs

from ..interfaces import Dispute, Reason, ReasonCode, StatementLine

_SAME_KWH = 1e-6
"""Quantities that differ by less agree: no meter counts finer."""


@attrs.frozen
class Claim:
    """A dispute, and the line that it is about as it was stated."""

    dispute: Dispute
    line: StatementLine


def refutation(claim: Claim, latest: Sequence[StatementLine]) -> Reason | None:
    """Why a claim is wrong, given the lines that follow from the latest meter data; None when it is right."""
    stated = claim.line
    measured_kwh = sum(
        line.quantity_kwh
        for line in latest
        if (line.slot, line.kind, line.usage_point) == (stated.slot, stated.kind, stated.usage_point)
    )
    if not _agree(claim.dispute.claimed_kwh, measured_kwh):
        text = f"the meter data give {measured_kwh:.6g} kWh"
        return Reason(code=ReasonCode.OUT_OF_BOUNDS, text=text, path="claimed_kwh")
    if _agree(stated.quantity_kwh, measured_kwh):
        return Reason(code=ReasonCode.ALREADY_SUBMITTED, text="the statement has this quantity", path="claimed_kwh")
    return None


def _agree(one_kwh: float, other_kwh: float) -> bool:
    return isclose(one_kwh, other_kwh, rel_tol=1e-9, abs_tol=_SAME_KWH)
