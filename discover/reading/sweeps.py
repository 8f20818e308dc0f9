"""Results of a sensitivity: the return of a candidate with one number changed at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from discover.base.short_number import short_number
from discover.base.statistics import Interval
from discover.base.text_table import interval, number, text_table
from discover.contract.events import TaskRun

COLUMNS = ("number", "value", "IQM", "95 % interval", "broken seeds")
NUMBER_COLUMNS = COLUMNS[1:4]


class SweepPoint(NamedTuple):
    """The candidate with one number changed.

    Attributes:
        value: of the number.
        position: place of the value in the range of the number, from 0 to 1, on the scale of its domain.
        interval: interquartile mean of the return at the end of training, with its 95 % interval; NaN where a seed broke.
        broken: seeds that broke.
        is_own: whether it is the candidate as it is.
    """

    value: float
    position: float
    interval: Interval
    broken: int
    is_own: bool


class Sweep(NamedTuple):
    """One number of a candidate, varied over its range.

    Attributes:
        path: dotted path of the number.
        points: by rising value.
    """

    path: str
    points: tuple[SweepPoint, ...]

    @property
    def effect(self) -> float:
        """The highest minus the lowest interquartile mean; NaN if fewer than two points are sound."""
        means = [point.interval.estimate for point in self.points if np.isfinite(point.interval.estimate)]
        return max(means) - min(means) if len(means) > 1 else np.nan


@dataclass(frozen=True, repr=False)
class Sensitivity:
    """The sensitivity of a candidate to its numbers on one task; it prints as a table.

    Attributes:
        run: task and steps.
        seeds: lifetimes of each point.
        sweeps: one for each number, the largest effect first.
    """

    run: TaskRun
    seeds: int
    sweeps: tuple[Sweep, ...]

    def __repr__(self) -> str:
        return f"{self.title}\n{text_table(COLUMNS, self.rows(), NUMBER_COLUMNS)}"

    @property
    def title(self) -> str:
        """The heading of its table."""
        return f"Sensitivity on {self.run.label}, {self.seeds} seeds for each value, the largest effect first"

    def rows(self) -> Iterator[Sequence[str]]:
        """A row of texts for each value, in the order of `COLUMNS`."""
        for sweep in self.sweeps:
            for place, point in enumerate(sweep.points):
                yield (
                    sweep.path if place == 0 else "",
                    short_number(point.value) + " (own)" * point.is_own,
                    number(point.interval.estimate),
                    interval((point.interval.low, point.interval.high)),
                    str(point.broken) if point.broken else "",
                )
