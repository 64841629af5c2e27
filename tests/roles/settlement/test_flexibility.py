"""Flexibility: the table of the UFTP specification, and its mirror image for orders to draw more."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridbus.roles.settlement.flexibility import delivery, payment

# Baseline 10 MW, ordered 2 MW, flexibility at 7, penalty at 11 a MW:
# allocation, delivered, deficiency, paid, penalty, net.
UFTP = [
    (7.0, 2.0, 0.0, 14.0, 0.0, 14.0),
    (8.0, 2.0, 0.0, 14.0, 0.0, 14.0),
    (9.0, 1.0, 1.0, 7.0, 11.0, -4.0),
    (10.0, 0.0, 2.0, 0.0, 22.0, -22.0),
    (11.0, 0.0, 3.0, 0.0, 33.0, -33.0),
]


def test_the_table_of_the_specification_comes_out_in_every_row() -> None:
    allocation = np.array([row[0] for row in UFTP])
    found = delivery(np.full(5, 10.0), np.full(5, 2.0), allocation)

    assert found.delivered.tolist() == [row[1] for row in UFTP]
    assert found.deficiency.tolist() == [row[2] for row in UFTP]
    assert payment(found, price=7.0, penalty=0.0).tolist() == [row[3] for row in UFTP]
    assert (-payment(found, price=0.0, penalty=11.0)).tolist() == [row[4] for row in UFTP]
    assert payment(found, price=7.0, penalty=11.0).tolist() == [row[5] for row in UFTP]


@given(baseline=st.floats(-20, 20), ordered=st.floats(-5, 5).filter(lambda kw: kw != 0.0), actual=st.floats(-30, 30))
def test_an_order_to_draw_more_is_the_mirror_image(baseline: float, ordered: float, actual: float) -> None:
    one = delivery(np.array([baseline]), np.array([ordered]), np.array([actual]))
    other = delivery(np.array([-baseline]), np.array([-ordered]), np.array([-actual]))

    assert one.delivered == other.delivered
    assert one.deficiency == other.deficiency
    assert 0.0 <= one.delivered[0] <= abs(ordered)
    # What is neither delivered nor more than was ordered is missing.
    towards = (baseline - actual) * np.sign(ordered)
    assert one.deficiency[0] == pytest.approx(max(abs(ordered) - towards, 0.0))
