"""Normalized scores of a comparison: 0 is a random policy, 1 the reference of the task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from discover.base.scores import FloatArray
from discover.contract.events import Status
from discover.contract.results import Comparison

HOW = (
    "A score is (return - random) / (reference - random): 0 is the mean return of a uniform random policy, 1 the reference "
    "return, both as the task registers them (discover plugins show TASK)."
)
"""The normalization, in a sentence."""


class Scale(NamedTuple):
    """The returns that are 0 and 1 on the normalized scale of a run; ``registered`` says whether the task brings them."""

    low: float
    high: float
    registered: bool


class Scores(NamedTuple):
    """Normalized scores.

    Attributes:
        by_name: ``[S, T]`` by candidate.
        scales: one per run.
        notes: sentences on runs without references and on broken seeds.
    """

    by_name: Mapping[str, FloatArray]
    scales: tuple[Scale, ...]
    notes: tuple[str, ...]


def scores_of(comparison: Comparison) -> Scores:
    """The scores of every candidate.

    A run whose task brings no references is scaled by the lowest and the highest return in the report. A broken seed has the
    worst score of any seed on its run, and at most 0.
    """
    scales = tuple(_scale(comparison, place) for place in range(len(comparison.runs)))
    by_name = {name: _normalized(comparison, name, scales) for name in comparison.candidates}
    broken = {name: ~_sound(comparison, name) for name in comparison.candidates}
    lowest = np.min([np.where(broken[name], 0.0, by_name[name]).min(axis=0) for name in comparison.candidates], axis=0)
    filled = {name: np.where(broken[name], np.minimum(lowest, 0.0), by_name[name]) for name in comparison.candidates}
    notes = []
    if unknown := sorted({run.task for run, scale in zip(comparison.runs, scales, strict=True) if not scale.registered}):
        notes.append(f"No references are known for {', '.join(unknown)}: there, 0 and 1 are the lowest and highest return.")
    if count := sum(int(each.sum()) for each in broken.values()):
        notes.append(f"{count} broken seeds count with the worst score of their run.")
    return Scores(filled, scales, tuple(notes))


def _scale(comparison: Comparison, place: int) -> Scale:
    references = comparison.trainings[comparison.candidates[0]][place].references
    if references is not None:
        return Scale(*references, registered=True)
    returns = np.concatenate([comparison.trainings[name][place].returns for name in comparison.candidates])
    finite = returns[np.isfinite(returns)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    return Scale(low, high if high > low else low + 1.0, False)


def _normalized(comparison: Comparison, name: str, scales: tuple[Scale, ...]) -> FloatArray:
    columns = [
        (np.asarray(training.returns, np.float64) - scale.low) / (scale.high - scale.low)
        for training, scale in zip(comparison.trainings[name], scales, strict=True)
    ]
    return np.stack(columns, axis=1)


def _sound(comparison: Comparison, name: str) -> np.ndarray:
    """Whether each seed is sound, ``[S, T]``."""
    columns = [(training.status == Status.OK) & np.isfinite(training.returns) for training in comparison.trainings[name]]
    return np.stack(columns, axis=1)
