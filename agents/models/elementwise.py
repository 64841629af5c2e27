"""Elementary functions whose result for one element is the same bits in any array, at any place and on any processor.

numpy's own exp and sin use other instructions on other processors, and then differ in the last bit. These are made of
sums, products and roundings alone, which IEEE 754 leaves no choice about. No function here looks at more than one
element at a time.
"""

from __future__ import annotations

import math
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]
Values = float | FloatArray
"""One value for all devices, or an array of shape (n,)."""

SECONDS_PER_HOUR = 3600.0

_LOG2_E = 1.4426950408889634
# Few enough bits that their product with any exponent of two is exact.
_LN2_HIGH = math.floor(math.log(2.0) * 2.0**32) / 2.0**32
_LN2_LOW = float(Decimal(2).ln() - Decimal(_LN2_HIGH))
_EXP_TERMS = [1.0 / math.factorial(order) for order in range(13, -1, -1)]
_LEAST_EXPONENT, _GREATEST_EXPONENT = -746.0, 710.0

_RADIANS_PER_DEGREE = math.pi / 180.0
_SIN_TERMS = [(-1.0) ** order / math.factorial(2 * order + 1) for order in range(7, -1, -1)]
_COS_TERMS = [(-1.0) ** order / math.factorial(2 * order) for order in range(8, -1, -1)]


def exp(values: Values) -> FloatArray:
    """The exponential, within 1 unit in the last place; 0 and infinity beyond the range of numbers."""
    bounded = np.minimum(np.maximum(values, _LEAST_EXPONENT), _GREATEST_EXPONENT)
    halvings = np.rint(bounded * _LOG2_E)
    rest = bounded - halvings * _LN2_HIGH - halvings * _LN2_LOW
    with np.errstate(over="ignore", under="ignore"):
        power: FloatArray = np.ldexp(_polynomial(rest, _EXP_TERMS), halvings.astype(np.int32))
    return power


def sin_deg(degrees: Values) -> FloatArray:
    """The sine of an angle in degrees, within 5e-16 for one of a turn."""
    quarters = np.rint(np.multiply(degrees, 1.0 / 90.0))
    angle = (degrees - 90.0 * quarters) * _RADIANS_PER_DEGREE
    square = angle * angle
    sine, cosine = angle * _polynomial(square, _SIN_TERMS), _polynomial(square, _COS_TERMS)
    turns = quarters.astype(np.int64)
    size = np.where(turns & 1, cosine, sine)
    return np.where(turns & 2, -size, size) + 0.0


def cos_deg(degrees: Values) -> FloatArray:
    """The cosine of an angle in degrees, within 5e-16 for one of a turn."""
    return sin_deg(90.0 - np.asarray(degrees))


def clip(values: Values, lowest: Values, highest: Values) -> FloatArray:
    """The values, moved up to the lowest and then down to the highest; never a negative zero."""
    # Which of two zeros of different sign is the greater is not laid down: adding zero leaves but one.
    clipped: FloatArray = np.minimum(np.maximum(values, lowest), highest) + 0.0
    return clipped


def hours_of(duration_s: float) -> float:
    """The length of a step. [h]

    Raises: ValueError for a duration that is not positive.
    """
    if not 0.0 < duration_s < math.inf:
        raise ValueError(f"a step lasts longer than 0 s, not {duration_s}")
    return duration_s / SECONDS_PER_HOUR


def parts_of(duration_s: float, longest_s: float) -> int:
    """How many equal parts a step has if none lasts longer than that.

    Raises: ValueError for a duration that is not positive.
    """
    hours_of(duration_s)
    return math.ceil(duration_s / longest_s)


def _polynomial(values: FloatArray, terms: list[float]) -> FloatArray:
    """Horner's rule, from the highest order to the lowest."""
    total = values * terms[0]
    for term in terms[1:-1]:
        total += term
        total *= values
    total += terms[-1]
    return total
