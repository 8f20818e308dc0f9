"""Aggregates of normalized scores over tasks, with stratified bootstrap intervals (Agarwal et al. 2021, 4.1 to 4.3).

Scores are ``[S, T]``: S seeds on each of T tasks. Seeds are drawn within each task, all tasks together make up a draw.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from discover.base.bootstrap import Interval, bootstrap_interval, significance, widened
from discover.base.scores import FloatArray, Runs, columns, interquartile_mean
from discover.base.statistics import probability_of_improvement

Aggregate: TypeAlias = Callable[[FloatArray], FloatArray]
"""A function from scores ``[..., S, T]`` to ``[...]``."""

_RESAMPLES = 2_000  # of a band, and of an interval of probabilities


class Profile(NamedTuple):
    """A performance profile: the share of runs above each of N thresholds, with its 95 % band.

    Attributes:
        low, share, high: ``[N]`` each.
    """

    low: FloatArray
    share: FloatArray
    high: FloatArray


def iqm_over_tasks(scores: FloatArray) -> FloatArray:
    """The interquartile mean of all S x T runs together.

    >>> float(iqm_over_tasks(np.array([[0.0, 1.0], [2.0, 1000.0]])))
    1.5
    """
    return interquartile_mean(scores.reshape(*scores.shape[:-2], -1))


def median_over_tasks(scores: FloatArray) -> FloatArray:
    """The median over tasks of the mean over seeds.

    >>> float(median_over_tasks(np.array([[0.0, 1.0, 9.0], [2.0, 3.0, 9.0]])))
    2.0
    """
    return np.median(scores.mean(axis=-2), axis=-1)


def mean_over_tasks(scores: FloatArray) -> FloatArray:
    """The mean of all runs.

    >>> float(mean_over_tasks(np.array([[0.0, 1.0], [2.0, 3.0]])))
    1.5
    """
    return scores.mean(axis=(-2, -1))


def optimality_gap(scores: FloatArray) -> FloatArray:
    """By how much runs fall short of 1 on average; what is above 1 counts as 1. Less is better.

    >>> float(optimality_gap(np.array([[0.5, 3.0]])))
    0.25
    """
    return np.maximum(1.0 - scores, 0.0).mean(axis=(-2, -1))


AGGREGATES: Mapping[str, Aggregate] = {
    "IQM": iqm_over_tasks,
    "median": median_over_tasks,
    "mean": mean_over_tasks,
    "optimality gap": optimality_gap,
}
"""The aggregates by name."""


def aggregate_interval(scores: Runs, aggregate: Aggregate, resamples: int = 10_000, seed: int = 0) -> Interval:
    """An aggregate with its 95 % interval: the stratified bootstrap of `bootstrap_interval`, widened for few seeds.

    Args:
        scores: ``[S]`` or ``[S, T]`` with S >= 2.
        aggregate: one of `AGGREGATES`.
        resamples: B.
        seed: of the resampling.

    Raises:
        ValueError: the scores cannot be used; the message says why.

    >>> aggregate_interval([[0, 5], [0, 5]], median_over_tasks)
    Interval(low=2.5, estimate=2.5, high=2.5)
    """
    runs = columns("scores", scores)

    def statistic(values: ArrayLike, axis: int) -> ArrayLike:
        flat = np.asarray(values)
        return aggregate(flat.reshape(*flat.shape[:-1], *runs.shape))

    return bootstrap_interval(runs, statistic, resamples=resamples, seed=seed)


def performance_profile(scores: Runs, thresholds: Sequence[float] | FloatArray, seed: int = 0) -> Profile:
    """The share of runs with a score above each threshold: the run-score distribution, with its pointwise 95 % band.

    Args:
        scores: ``[S]`` or ``[S, T]``; with S = 1 the band is NaN.
        thresholds: ``[N]``.
        seed: of the resampling.

    Raises:
        ValueError: the scores cannot be used; the message says why.

    >>> performance_profile([1.0, 2.0, 3.0, 4.0], [0.0, 2.0, 4.0]).share.tolist()
    [1.0, 0.5, 0.0]
    """
    runs = columns("scores", scores, least=1)
    above = runs[:, :, None] > np.asarray(thresholds, np.float64)
    share = above.mean(axis=(0, 1))
    if len(runs) < 2:
        return Profile(np.full(share.shape, np.nan), share, np.full(share.shape, np.nan))
    draws = np.mean([_weights(len(runs), (seed, task)) @ above[:, task] for task in range(runs.shape[1])], axis=0)
    alpha = significance(0.95, _RESAMPLES)
    ends = [widened(np.sort(draws[:, n]), float(share[n]), alpha, (len(runs),)) for n in range(len(share))]
    low, _, high = (np.clip(end, 0.0, 1.0) for end in zip(*ends, strict=True))
    return Profile(low, share, high)


def improvement_interval(a: Runs, b: Runs, seed: int = 0) -> Interval:
    """The probability of improvement of a over b, on average over the tasks, with its 95 % interval.

    Args:
        a: ``[S]`` or ``[S, T]`` with S >= 2.
        b: ``[S']`` or ``[S', T]`` with S' >= 2; seeds are not paired.
        seed: of the resampling.

    Raises:
        ValueError: the scores cannot be used, or belong to different numbers of tasks; the message says why.

    >>> improvement_interval([3, 4, 5], [1, 2, 2])
    Interval(low=1.0, estimate=1.0, high=1.0)
    """
    estimate = probability_of_improvement(a, b)
    first, second = columns("a", a), columns("b", b)
    draws = np.zeros(_RESAMPLES)
    for task in range(first.shape[1]):
        wins = (1 + np.sign(first[:, None, task] - second[None, :, task])) / 2
        drawn = _weights(len(first), (seed, task, 0)) @ wins
        draws += (drawn * _weights(len(second), (seed, task, 1))).sum(axis=1) / first.shape[1]
    interval = widened(np.sort(draws), estimate, significance(0.95, _RESAMPLES), (len(first), len(second)))
    return Interval(max(interval.low, 0.0), estimate, min(interval.high, 1.0))


def _weights(size: int, stream: tuple[int, ...]) -> NDArray[np.float64]:
    """The share that each of S seeds has in each of B draws with replacement: ``[B, S]``."""
    return np.random.default_rng(stream).multinomial(size, np.full(size, 1 / size), size=_RESAMPLES) / size
