"""When a period of a tariff applies: by month and hour of the local clock, for weekdays and weekends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ....kernel import field, value

IntArray = NDArray[np.int64]
Rows = tuple[tuple[int, ...], ...]

MONTHS, HOURS = 12, 24


@value
class Schedule:
    """The index of the period in force: a row for each month or one for all, an entry for each hour or one for all."""

    weekday: Rows = field("periods of Monday to Friday: 12 rows or 1, of 24 entries or 1", default=((0,),))
    weekend: Rows | None = field("periods of Saturday and Sunday, like those of weekdays unless said", default=None)

    def check(self) -> Iterable[tuple[str, str]]:
        """The rows have a month's or a day's worth of entries."""
        for name, rows in (("weekday", self.weekday), ("weekend", self.weekend)):
            if rows is not None:
                for complaint in _shape_faults(rows):
                    yield name, complaint

    def table(self) -> IntArray:
        """The index of the period, shape (2, 12, 24): weekday and weekend, month, hour; read-only."""
        return _table(self.weekday, self.weekday if self.weekend is None else self.weekend)

    def beyond(self, periods: int) -> Iterator[tuple[str, str]]:
        """What the schedule has of periods that are not there."""
        known = f"expected periods 0 to {periods - 1}" if periods else "expected no schedule without periods"
        for name, rows in (("weekday", self.weekday), ("weekend", self.weekend or ())):
            wrong = sorted({index for row in rows for index in row if not 0 <= index < periods})
            if wrong:
                yield name, f"{known}, got {', '.join(map(str, wrong))}"


@lru_cache(maxsize=256)
def _table(*days: Rows) -> IntArray:
    """Kept, as every bill looks into it and thousands of customers have the same tariff."""
    table = np.stack([np.stack([_day(row) for row in (rows * MONTHS)[:MONTHS]]) for rows in days])
    table.setflags(write=False)
    return table


def _day(row: tuple[int, ...]) -> IntArray:
    return np.broadcast_to(np.array(row, dtype=np.int64), HOURS)


def _shape_faults(rows: Rows) -> Iterator[str]:
    if len(rows) not in (1, MONTHS):
        yield f"expected 12 rows, one a month, or 1 for all months, got {len(rows)}"
    for number, row in enumerate(rows):
        if len(row) not in (1, HOURS):
            yield f"expected 24 entries, one an hour, or 1 for all hours, got {len(row)} in row {number}"
