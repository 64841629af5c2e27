"""Hot water that people draw: one event after the other, or what is to be expected of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import attrs
import numpy as np
from numpy.typing import NDArray

from ...kernel import HOUR, MINUTE, Calendar, Duration, Instant
from .chance import source_of_day
from .customer import Customer
from .days import bounds_of, days_between, instant_of, is_weekend
from .habits import Occupancy, Routine
from .water_heater import WaterHeater

FloatArray = NDArray[np.float64]


@attrs.frozen
class Use:
    """One way of using hot water."""

    per_home: float
    """Events a day and home. [1/d]"""
    per_person: float
    """Events a day and person. [1/d]"""
    volume_l: float
    """Mean volume of an event. [l]"""
    flow_l_per_min: float
    """Flow while it lasts. [l/min]"""


SHOWERS_AND_BATHS, TAPS = Use(0.0, 0.8, 40.0, 6.0), Use(0.0, 12.0, 1.75, 2.5)
DISHWASHER, CLOTHES_WASHER = Use(0.5, 0.0, 14.0, 4.0), Use(0.65, 0.0, 20.0, 8.0)
USES = (SHOWERS_AND_BATHS, TAPS, DISHWASHER, CLOTHES_WASHER)
"""At the tank's temperature: 20 l a day and home and 53 l a day and person, so 149 l for the mean of 2.4 persons.

About 18.6 gal of mixed water a person from D. S. Parker, P. W. Fairey and J. D. Lutz, Estimating Daily Domestic
Hot-Water Use in North American Homes, ASHRAE Transactions 121(2), 2015, of which seven tenths come from the tank; the
Residential End Uses of Water study (W. B. DeOreo et al., Water Research Foundation, 2016) measured 172 l for 2.7
persons. How it divides into events is only plausible.
"""
MINUTES_PER_HOUR = 60.0
GETTING_UP_H = 1.5
ASLEEP, GETTING_UP, BY_DAY, EVENING = 0.1, 3.0, 1.0, 1.5
"""How often water is drawn in these hours, by the hours of a day at home; none while nobody is there.

Shaped after, not fitted to, R. Hendron and C. Engebrecht, NREL/TP-550-49246, 2010: peaks in the morning and evening.
"""


@attrs.frozen(eq=False)
class Events:
    """Draws of one home on one day; arrays of shape (n_events,)."""

    hour: FloatArray
    """Beginning, on the local clock. [h]"""
    volume_l: FloatArray
    flow_l_per_min: FloatArray

    @property
    def duration_h(self) -> FloatArray:
        """How long each lasts. [h]"""
        return self.volume_l / self.flow_l_per_min / MINUTES_PER_HOUR


def daily_l(heater: WaterHeater, occupants: int) -> float:
    """Hot water of an average day. [l]"""
    return heater.use * sum((use.per_home + use.per_person * occupants) * use.volume_l for use in USES)


def draws_l_per_min(
    customers: Sequence[Customer], start: Instant, step: Duration, steps: int, calendar: Calendar
) -> FloatArray:
    """Mean flow drawn from each customer's tank in steps from an instant on, shape (n_customers, steps). [l/min]

    A day has Poisson numbers of `USES`, at times that follow its routine, with gamma volumes of shape 2. It is the same
    whichever days are asked for; whole days are the cheapest to ask for. Without a tank nothing is drawn.
    """
    edges = start + step * np.arange(steps + 1)
    flows = np.zeros((len(customers), steps))
    for day in days_between(calendar, start, start + steps * step):
        first, last = bounds_of(calendar, day)
        inside = slice(max((first - start) // step, 0), min(-((start - last) // step), steps))
        edges_h = (edges[inside.start : inside.stop + 1] - first) / HOUR
        midnight_h, length_h = (instant_of(calendar, day, 0.0) - first) / HOUR, (last - first) / HOUR
        for row, customer in zip(flows, customers, strict=True):
            if customer.water_heater is not None:
                events = _events(customer.water_heater, customer.occupancy, day)
                starts_h = np.clip(midnight_h + events.hour, 0.0, length_h - events.duration_h)
                row[inside] += np.diff(_drawn_l(events, starts_h, edges_h))
    return flows / (step / MINUTE)


def expected_l_per_min(
    customers: Sequence[Customer], start: Instant, step: Duration, steps: int, calendar: Calendar
) -> FloatArray:
    """What to expect of `draws_l_per_min` without knowing the events; of the same shape. [l/min]"""
    edges = [start + place * step for place in range(steps + 1)]
    hours = np.array([calendar.hour(edge) for edge in edges])
    days = [calendar.local(edge).date() for edge in edges]
    since, weekends = np.array([day.toordinal() for day in days]), np.array([is_weekend(day) for day in days])
    flows = np.zeros((len(customers), steps))
    for row, customer in zip(flows, customers, strict=True):
        if customer.water_heater is not None:
            occupancy = customer.occupancy
            shares = np.where(weekends, _share(occupancy.weekend, hours), _share(occupancy.weekday, hours))
            # Clocks that are put back draw no water back.
            row += np.maximum(np.diff(since + shares), 0.0) * daily_l(customer.water_heater, occupancy.occupants)
    return flows / (step / MINUTE)


def _events(heater: WaterHeater, occupancy: Occupancy, day: date) -> Events:
    rng = source_of_day(heater.draw_seed, day)
    counts = rng.poisson([use.per_home + use.per_person * occupancy.occupants for use in USES])
    count = int(counts.sum())
    volume_l = 0.5 * heater.use * np.repeat([use.volume_l for use in USES], counts) * rng.standard_gamma(2.0, count)
    routine = occupancy.weekend if is_weekend(day) else occupancy.weekday
    hours, shares = _course(routine)
    return Events(
        hour=np.interp(rng.random(count), shares, hours),
        volume_l=volume_l,
        flow_l_per_min=np.repeat([use.flow_l_per_min for use in USES], counts),
    )


def _drawn_l(events: Events, starts_h: FloatArray, edges_h: FloatArray) -> FloatArray:
    """Volume drawn before each of some times. [l]"""
    since_min = MINUTES_PER_HOUR * (edges_h[:, np.newaxis] - starts_h)
    drawn_l: FloatArray = np.clip(since_min * events.flow_l_per_min, 0.0, events.volume_l).sum(axis=1)
    return drawn_l


def _share(routine: Routine, hours: FloatArray) -> FloatArray:
    """Share of a day's water that is drawn before some hours of it. [-]"""
    return np.interp(hours, *_course(routine))


def _course(routine: Routine) -> tuple[FloatArray, FloatArray]:
    """Hours of a day and the shares of its water that are drawn before them."""
    up_h, out_h, back_h, down_h = routine.wake_h, routine.leave_h, routine.return_h, routine.sleep_h
    hours = np.array([0.0, up_h, up_h + GETTING_UP_H, out_h, back_h, down_h, 24.0])
    weights = (ASLEEP, GETTING_UP, BY_DAY, 0.0, EVENING, ASLEEP)
    drawn = np.concatenate([[0.0], np.cumsum(np.diff(hours) * weights)])
    return hours, drawn / drawn[-1]
