"""The best candidate of a comparison, with the figure that says so: for lists of runs, where one line stands for all of it."""

from __future__ import annotations

import math
from typing import NamedTuple

from discover import Comparison, Training


class Best(NamedTuple):
    """The best candidate of a comparison.

    Attributes:
        name: of the candidate.
        figure: with one task, the interquartile mean of its returns at the end; with several, the mean over tasks of the same
            on a scale where a random policy has 0 and the reference 1 (without these, the worst candidate 0 and the best 1).
    """

    name: str
    figure: float


def best_candidate(comparison: Comparison) -> Best | None:
    """The best candidate that broke nowhere; None if all did."""
    ends = {name: [_end(training) for training in comparison.trainings[name]] for name in comparison.candidates}
    sound = {name: values for name, values in ends.items() if all(map(math.isfinite, values))}
    if not sound:
        return None
    if len(comparison.runs) > 1:
        scales = [
            _scale(comparison, place, [values[place] for values in sound.values()]) for place in range(len(comparison.runs))
        ]
        sound = {
            name: [(v - low) / (high - low) for v, (low, high) in zip(values, scales, strict=True)]
            for name, values in sound.items()
        }
    figures = {name: sum(values) / len(values) for name, values in sound.items()}
    name = max(figures, key=lambda one: figures[one])
    return Best(name, figures[name])


def _end(training: Training) -> float:
    return float(training.interval.estimate)


def _scale(comparison: Comparison, place: int, ends: list[float]) -> tuple[float, float]:
    """The returns of a task that count as 0 and as 1."""
    known = comparison.trainings[comparison.candidates[0]][place].references
    low, high = (min(ends), max(ends)) if known is None else known
    return (low, high) if high != low else (low, low + 1.0)
