"""Array arithmetic whose result for one device never depends on the others in the batch.

Elementwise sums, products, quotients and roots are exactly rounded wherever they stand in an array, and the
greatest of some numbers is one of them; but NumPy's sums along an axis and its matrix products may take another
order with another shape. Nothing in this package uses those.
"""

import numpy as np
from numpy.typing import ArrayLike

from ..models.elementwise import FloatArray


def as_array(values: ArrayLike) -> FloatArray:
    """The values as floating-point numbers."""
    return np.asarray(values, dtype=np.float64)


def columns(*by_device: FloatArray) -> tuple[FloatArray, ...]:
    """Arrays of shape (n_devices,) as columns (n_devices, 1), to combine with hours."""
    return tuple(array[:, np.newaxis] for array in by_device)


def total(terms: FloatArray) -> FloatArray:
    """Sum along the first axis, always in halves: what stands in the other axes does not change the order."""
    while len(terms) > 1:
        half = len(terms) // 2
        rest = terms[2 * half :]
        terms = terms[:half] + terms[half : 2 * half]
        if len(rest):
            terms[0] += rest[0]
    sums: FloatArray = terms[0]
    return sums


def greatest(*arrays: FloatArray) -> FloatArray:
    """Elementwise greatest."""
    result = arrays[0]
    for array in arrays[1:]:
        result = np.maximum(result, array)
    return result


def over(numerator: ArrayLike, denominator: FloatArray) -> FloatArray:
    """Quotient, 0 where the denominator is not positive."""
    top, bottom = np.broadcast_arrays(as_array(numerator), denominator)
    quotient: FloatArray = np.divide(top, bottom, out=np.zeros(top.shape), where=bottom > 0.0)
    return quotient
