"""Bootstrap intervals, widened for few seeds (Hesterberg 2015); `discover.base.statistics` says why and when."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from discover.base.scores import FloatArray, Runs, columns, interquartile_mean, iqm_difference, rounding, sample

Statistic: TypeAlias = Callable[..., ArrayLike]
"""A function called as ``statistic(values, axis=-1)``, like `numpy.median`."""

_TAIL = 10  # with fewer resamples at or beyond an end, that end of an interval is mostly Monte Carlo noise
_PLAIN = 0.025  # share of resamples beyond each end of the plain 95 % interval
_FEW = 5  # with fewer seeds, the tails of the resamples are one value, drawn again and again


class Interval(NamedTuple):
    """A confidence interval around an estimate, in the units of the scores."""

    low: float
    estimate: float
    high: float


def bootstrap_interval(
    scores: Runs,
    statistic: Statistic = interquartile_mean,
    confidence: float = 0.95,
    resamples: int = 10_000,
    seed: int = 0,
) -> Interval:
    """The stratified percentile bootstrap interval (Agarwal et al. 2021, 4.1), widened for few seeds.

    S seeds are drawn with replacement within each task, B times. The ends are draws, so they never leave the range of values
    that the statistic can have, unless they lie so far in the tails that no draw reaches them: below 5 seeds, or with few
    resamples.

    Args:
        scores: ``[S]`` or ``[S, T]`` with S >= 2.
        statistic: reduces each draw as a whole, from ``[B, S * T]`` to ``[B]``.
        confidence: level of the interval.
        resamples: B.
        seed: of the resampling.

    Raises:
        ValueError: the scores, the level or the number of resamples cannot be used; the message says why.

    >>> bootstrap_interval([[0, 5], [0, 5]])
    Interval(low=2.5, estimate=2.5, high=2.5)
    """
    alpha, runs = significance(confidence, resamples), columns("scores", scores)
    draws = np.sort(_resampled(runs, resamples, seed, statistic))
    return widened(draws, float(np.asarray(statistic(runs.ravel(), axis=-1))), alpha, (len(runs),))


def difference_interval(
    a: ArrayLike, b: ArrayLike, paired: bool = False, confidence: float = 0.95, resamples: int = 40_000, seed: int = 0
) -> Interval:
    """The widened bootstrap interval of IQM(a) - IQM(b), for a ``[S]`` and b ``[S']`` with 2 seeds or more.

    It stands alone: it is not corrected for other comparisons and gives no verdict (`corrected_difference` does).

    Args:
        a, b: scores.
        paired: whether a[i] and b[i] share a seed, so are resampled together; else independently.
        confidence: level of the interval.
        resamples: B.
        seed: of the resampling.

    Raises:
        ValueError: the scores, the level or the number of resamples cannot be used; the message says why.

    >>> difference_interval([3, 3, 3], [1, 1, 1])
    Interval(low=2.0, estimate=2.0, high=2.0)
    """
    alpha, first, second = significance(confidence, resamples), sample("a", a), sample("b", b)
    if paired and len(first) != len(second):
        raise ValueError(f"a {first.shape} and b {second.shape} do not match; give both the same seeds if paired.")
    if paired:
        rows = np.random.default_rng((seed, 0)).integers(len(first), size=(resamples, len(first)))
        draws = np.sort(interquartile_mean(first[rows]) - interquartile_mean(second[rows]))
        sizes: tuple[int, ...] = (len(first),)
    else:
        draws, sizes = difference_draws(first, second, resamples, seed), (len(first), len(second))
    return widened(draws, iqm_difference(first, second), alpha, sizes)


def significance(confidence: float, resamples: int | None = None, tests: int = 1) -> float:
    """alpha = 1 - confidence of a family of tests.

    Raises:
        ValueError: the level lies outside (0, 1), or the resamples are too few for it.

    >>> significance(0.95)
    0.05
    """
    alpha = round(1 - confidence, 12)  # 0.05, not 0.050000000000000044
    if not 0 < alpha < 1:
        raise ValueError(f"confidence is {confidence}; give a level between 0 and 1, such as 0.95.")
    need = math.ceil(_TAIL / min(_PLAIN, alpha / tests))
    if resamples is not None and resamples < need:
        raise ValueError(f"resamples={resamples} is too few at level {alpha} / {tests}; pass {need} or more.")
    return alpha


def difference_draws(a: FloatArray, b: FloatArray, resamples: int, seed: int) -> FloatArray:
    """Sorted bootstrap draws ``[B]`` of IQM(a) - IQM(b).

    >>> difference_draws(np.full(3, 5.0), np.full(4, 2.0), resamples=2, seed=0).tolist()
    [3.0, 3.0]
    """
    first, second = (
        np.sort(scores)[_middle_rows(len(scores), resamples, (seed, stream))].mean(axis=-1)
        for stream, scores in enumerate((a, b))
    )
    draws = first - second
    return np.sort(np.where(np.abs(draws) <= rounding(a, b), 0.0, draws))


def widened(draws: FloatArray, estimate: float, alpha: float, sizes: tuple[int, ...]) -> Interval:
    """The interval of sorted draws at the level 1 - alpha, widened for samples of these sizes.

    Where the draws do not reach the quantile of an end, the last rank that they do reach is stretched.

    >>> widened(np.full(400, 3.0), estimate=3.0, alpha=0.05, sizes=(8, 8))
    Interval(low=3.0, estimate=3.0, high=3.0)
    """
    reach, last = _reach(alpha, sizes), _last_rank(len(draws), sizes)
    rank = max(math.floor(ndtr(-reach) * (len(draws) + 1)), last)
    low, high = float(draws[rank - 1]), float(draws[-rank])
    if rank > last:
        return Interval(low, estimate, high)
    factor = max(reach / _quantile(rank, draws), 1.0)
    return Interval(estimate - (estimate - low) * factor, estimate, estimate + (high - estimate) * factor)


def bootstrap_p_value(draws: FloatArray, a: FloatArray, b: FloatArray) -> float:
    """The alpha at which an end of the `widened` interval of sorted draws of IQM(a) - IQM(b) would be zero.

    >>> bootstrap_p_value(np.zeros(400), np.ones(8), np.ones(8))
    1.0
    """
    estimate, sizes = iqm_difference(a, b), (len(a), len(b))
    if estimate == 0:
        return 1.0
    if estimate < 0:
        estimate, draws = -estimate, -draws[::-1]
    rank, last = 1 + int(np.searchsorted(draws, 0.0, side="right")), _last_rank(len(draws), sizes)
    side = estimate - draws[last - 1]
    if rank > last:
        reach = _quantile(rank, draws) if rank <= len(draws) else -np.inf
    else:
        reach = _quantile(last, draws) * estimate / side if side > 0 else np.inf
    return min(1.0, float(2 * stdtr(_freedom(sizes), -reach / _widening(sizes))))


def _resampled(runs: FloatArray, resamples: int, seed: int, statistic: Statistic) -> FloatArray:
    """The statistic of each of B draws of seeds within each task of ``runs[S, T]``."""
    rows = np.random.default_rng((seed, 0)).integers(len(runs), size=(resamples, *runs.shape))
    return np.asarray(statistic(runs[rows, np.arange(runs.shape[1])].reshape(resamples, -1), axis=-1))


@functools.lru_cache(maxsize=8)
def _middle_rows(size: int, resamples: int, stream: tuple[int, int]) -> NDArray[np.int64]:
    """Indices of the sorted scores in the middle half of each draw: ``[B, S - 2 floor(S / 4)]``."""
    rows = np.sort(np.random.default_rng(stream).integers(size, size=(resamples, size)))
    return rows[:, size // 4 : size - size // 4]


def _reach(alpha: float, sizes: tuple[int, ...]) -> float:
    """The quantile of an interval's end, as of a normal distribution: sqrt(n / (n - 1)) t, n of the smallest sample."""
    return _widening(sizes) * float(stdtrit(_freedom(sizes), 1 - alpha / 2))


def _widening(sizes: tuple[int, ...]) -> float:
    return math.sqrt(min(sizes) / (min(sizes) - 1))


def _freedom(sizes: tuple[int, ...]) -> int:
    """Degrees of freedom of Student's distribution."""
    return sum(sizes) - len(sizes)


def _last_rank(draws: int, sizes: tuple[int, ...]) -> int:
    """The lowest rank from either end at which sorted draws still describe the tail of their distribution."""
    return math.floor(_PLAIN * (draws + 1)) if min(sizes) < _FEW else _TAIL


def _quantile(rank: int, draws: FloatArray) -> float:
    """The quantile of the normal distribution with as much beyond it as there is at and beyond a rank of the draws."""
    return -float(ndtri(rank / (len(draws) + 1)))
