"""A wholesale bid as AMES takes it: megawatts and dollars per megawatt-hour; the one place where they are converted.

Source of the names and of the form: the topics ``rt_bid_<bus>`` and ``da_bid_<bus>`` of TESP 1.3.7.
"""

from __future__ import annotations

from ...interfaces import QuadraticDemand

_KW_PER_MW = 1000.0


def to_ames(bid: QuadraticDemand) -> dict[str, float]:
    """The fields of an AMES bid: MW, and a benefit in $/h of a power in MW."""
    return {
        "unresp_mw": bid.unresponsive_kw / _KW_PER_MW,
        "resp_max_mw": bid.responsive_max_kw / _KW_PER_MW,
        "resp_c2": bid.c2 * _KW_PER_MW * _KW_PER_MW,
        "resp_c1": bid.c1 * _KW_PER_MW,
        "resp_c0": bid.c0,
        "resp_deg": bid.degree,
    }


def from_ames(fields: dict[str, float]) -> QuadraticDemand:
    """The bid that the fields of an AMES bid stand for."""
    return QuadraticDemand(
        unresponsive_kw=fields["unresp_mw"] * _KW_PER_MW,
        responsive_max_kw=fields["resp_max_mw"] * _KW_PER_MW,
        c0=fields["resp_c0"],
        c1=fields["resp_c1"] / _KW_PER_MW,
        c2=fields["resp_c2"] / _KW_PER_MW / _KW_PER_MW,
        degree=int(fields["resp_deg"]),
    )


def fixed_demand(power_kw: float) -> QuadraticDemand:
    """A fixed quantity in the form that AMES takes: all of it unresponsive."""
    return QuadraticDemand(unresponsive_kw=power_kw, responsive_max_kw=0.0, c0=0.0, c1=0.0, c2=0.0, degree=2)
