"""Synthetic customers: homes, their people and devices, drawn from documented distributions.

``customers`` makes them, all alike whichever part of the population is made; ``trips``, ``draws_l_per_min``,
``expected_l_per_min`` and ``SetPoints`` say what their people do at an instant. No bus in here.
"""

from .customer import Customer, customers, customers_of
from .hot_water import draws_l_per_min, expected_l_per_min
from .set_points import SetPoints
from .shares import Shares
from .trips import Trip, trips

__all__ = [
    "Customer",
    "SetPoints",
    "Shares",
    "Trip",
    "customers",
    "customers_of",
    "draws_l_per_min",
    "expected_l_per_min",
    "trips",
]
