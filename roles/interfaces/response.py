"""Answers of one shape on every interface: whether a request was accepted, and every reason why not."""

from __future__ import annotations

from enum import Enum

from ...kernel import field, value


class ReasonCode(Enum):
    """Why a request was refused, or was nothing new (after the response codes of UFTP, Shapeshifter 3)."""

    DUPLICATE_ID = "DUPLICATE_ID"
    """The id is in use for something else."""
    ALREADY_SUBMITTED = "ALREADY_SUBMITTED"
    """The very same request has been dealt with; counts as success."""
    INTERVAL_CONFLICT = "INTERVAL_CONFLICT"
    """Something else is in force for the interval."""
    OUT_OF_BOUNDS = "OUT_OF_BOUNDS"
    """A value is no number, or lies outside of what it may be."""
    EXPIRED = "EXPIRED"
    """It is no longer valid."""
    REVOKED = "REVOKED"
    """It has been taken back, or what it refers to has."""
    PERIOD_MISMATCH = "PERIOD_MISMATCH"
    """Its intervals are not those of what it is for."""
    UNKNOWN_REFERENCE = "UNKNOWN_REFERENCE"
    """What it refers to does not exist."""
    NOT_AUTHORISED = "NOT_AUTHORISED"
    """The sender has no right to it."""
    GATE_CLOSED = "GATE_CLOSED"
    """It comes too late, too early, or while the market is halted."""
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    """It is more than a rating, a position or a credit allows."""


@value
class Reason:
    """One reason, with the field that it is about."""

    code: ReasonCode = field("what kind of reason")
    text: str = field("what is wrong, and what would be right")
    path: str = field("field that it is about", default="")
