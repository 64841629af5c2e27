"""How far off forecasts are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridbus.kernel import HOUR, MINUTE
from gridbus.roles.lse.customers import UsagePoints
from gridbus.roles.lse.forecast import ForecastErrors

STEP = 5 * MINUTE
KW = st.floats(-20.0, 20.0)
BOTH = np.array([0, 1])


def errors_of(**classes: str) -> ForecastErrors:
    """Errors of customers, each of a class."""
    points, names = UsagePoints(), list(classes.values())
    points.places(classes)

    def by_class(places: np.ndarray) -> list[tuple[str, np.ndarray]]:
        of = np.array([names[place] for place in places.tolist()])
        return [(name, of == name) for name in dict.fromkeys(of.tolist())]

    return ForecastErrors(points, by_class)


@given(rows=st.lists(st.tuples(KW, KW, KW), min_size=1, max_size=8))
def test_errors_are_those_of_expected_less_actual(rows: list[tuple[float, float, float]]) -> None:
    errors = errors_of(h1="residential", h2="residential")
    for number, (expected_kw, first_kw, second_kw) in enumerate(rows):
        start = (number + 1) * HOUR
        errors.expect("real-time", start - MINUTE, start, HOUR, BOTH, np.array([expected_kw, 1.0]))
        for step, power_kw in enumerate((first_kw, second_kw)):
            errors.read(BOTH, start + step * HOUR // 2, HOUR // 2, np.array([power_kw, 0.0]))
    (report,) = errors.report((len(rows) + 1) * HOUR)
    off = np.array([expected_kw - (first + second) / 2 for expected_kw, first, second in rows])
    wanted = ((report.customers, (off, off * 0 + 1.0)), (report.classes, (off + 1.0,)))
    for found, columns in wanted:
        assert found.slots == (len(rows),) * len(columns)
        assert found.mean_absolute_kw == pytest.approx([np.abs(error).mean() for error in columns], abs=1e-9)
        assert found.bias_kw == pytest.approx([error.mean() for error in columns], abs=1e-9)
        assert found.root_mean_square_kw == pytest.approx([np.sqrt((e**2).mean()) for e in columns], abs=1e-6)
    assert (report.customers.names, report.classes.names) == (("h1", "h2"), ("residential",))
    assert (report.start, report.end) == (HOUR, (len(rows) + 1) * HOUR)


def test_each_series_and_each_horizon_in_whole_hours_has_its_own_errors_by_class() -> None:
    errors = errors_of(s1="shop", h1="residential")
    for hour in (1, 2):
        errors.expect("day-ahead", -30 * MINUTE, hour * HOUR, HOUR, BOTH, np.array([7.0, 5.0]))
    errors.expect("real-time", HOUR - MINUTE, HOUR, STEP, BOTH, np.array([4.0, 4.0]))
    for start in range(HOUR, 3 * HOUR, STEP):
        errors.read(BOTH, start, STEP, np.array([10.0, 3.0]))
    reports = errors.report(3 * HOUR)
    assert [(r.product, r.horizon // HOUR) for r in reports] == [("day-ahead", 1), ("day-ahead", 2), ("real-time", 0)]
    assert [(r.classes.names, r.classes.bias_kw) for r in reports] == [
        (("residential", "shop"), pytest.approx((2.0, -3.0))),
        (("residential", "shop"), pytest.approx((2.0, -3.0))),
        (("residential", "shop"), pytest.approx((1.0, -6.0))),
    ]
    assert [(r.customers.names, r.customers.bias_kw) for r in reports] == [
        (("h1", "s1"), pytest.approx(r.classes.bias_kw)) for r in reports
    ]


def test_a_slot_that_was_not_read_all_the_time_or_is_not_over_counts_for_nothing() -> None:
    errors = errors_of(h1="residential", h2="residential", h3="residential")
    errors.expect("day-ahead", 0, HOUR, HOUR, BOTH, np.array([1.0, 1.0]))
    for start in range(HOUR, 2 * HOUR, STEP):
        places = np.array([0, 2] if start == HOUR else [0, 1, 2])
        errors.read(places, start, STEP, np.full(len(places), 3.0))
    assert errors.report(2 * HOUR - 1) == ()
    (report,) = errors.report(2 * HOUR)
    assert report.customers.names == ("h1",)
    assert errors.report(3 * HOUR) == ()
