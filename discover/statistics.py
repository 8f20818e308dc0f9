"""Statistics over seeds: interquartile means, bootstrap intervals, and tests corrected for many comparisons.

Shapes: S seeds (independent runs), T tasks, K compared pairs, B resamples. A higher score is better.
An interval and its p value are two readings of the same sorted resamples d_1 <= ... <= d_B of a difference:

    p = min(1, 2 (1 + min(#{d <= 0}, #{d >= 0})) / (B + 1)),    interval = [d_q, d_(B + 1 - q)],

with q the largest rank with 2 q / (B + 1) <= alpha, so p <= alpha exactly if the interval excludes zero. With
2, 3, 5 and 10 seeds, about 33%, 19%, 6% and 4% of equal normal pairs seem different at alpha = 5%: take 10.
Sources: Agarwal et al. 2021, "Deep RL at the edge of the statistical precipice"; Holm 1979, Scand. J. Stat.
"""

import math
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
Runs = ArrayLike  # scores [S] or [S, T]
Pairs = Sequence[tuple[Runs, Runs]]
Statistic = Callable[..., ArrayLike]  # called as statistic(values, axis=-1), like `numpy.median`

_TAIL = 10  # with fewer resamples at or beyond an end, that end of an interval is mostly Monte Carlo noise


class Interval(NamedTuple):
    """A confidence interval around an estimate, in the units of the scores."""

    low: float
    estimate: float
    high: float


class Difference(NamedTuple):
    """How a compares with b; the verdict is 'no difference' exactly if zero lies in `interval`."""

    interval: Interval
    p_value: float  # two-sided, never 0; adjusted by `holm` if one of several
    verdict: Literal["better", "worse", "no difference"]
    confidence: float  # level of `interval`


def interquartile_mean(values: ArrayLike, axis: int | None = -1) -> FloatArray:
    """Return the mean of the middle half: mean(x_(c + 1), ..., x_(n - c)) of sorted x, with c = floor(n / 4).

    Equals `scipy.stats.trim_mean(values, 0.25, axis)`; rliable's has `axis=None` (Agarwal et al. 2021, 4.3).
    Reduces `axis`, of length n (`None`: all), of `values`; 0-d, so that `float` applies, if no other is left.

    >>> float(interquartile_mean([0, 1, 2, 1000]))
    1.5
    """
    array = _finite("values", values)
    ordered = np.sort(array.ravel() if axis is None else np.moveaxis(array, axis, -1))
    cut = ordered.shape[-1] // 4
    return np.asarray(ordered[..., cut : ordered.shape[-1] - cut].mean(axis=-1))


def bootstrap_interval(
    scores: Runs,
    statistic: Statistic = interquartile_mean,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Interval:
    """Return the stratified percentile bootstrap interval [d_q, d_(B + 1 - q)] (Agarwal et al. 2021, 4.1).

    Draws S seeds with replacement within each task of `scores`, [S] or [S, T] with S >= 2, B times;
    `statistic` reduces each draw as a whole, from [B, S * T] to [B].

    >>> bootstrap_interval([[0, 5], [0, 5]])
    Interval(low=2.5, estimate=2.5, high=2.5)
    """
    (rank, _), (columns,) = _rank(confidence, resamples), _columns({"scores": scores})
    d = np.sort(_resampled(columns, resamples, (seed, 0), statistic))
    estimate = np.asarray(statistic(columns.ravel(), axis=-1))
    return Interval(float(d[rank - 1]), float(estimate), float(d[-rank]))


def difference_interval(
    a: Runs, b: Runs, paired: bool = False, confidence: float = 0.95, resamples: int = 10000, seed: int = 0
) -> Interval:
    """Return the bootstrap interval of IQM(a) - IQM(b), for a [S] and b [S']: that of `difference_test`."""
    return difference_test(a, b, paired, confidence, resamples, seed).interval


def difference_test(
    a: Runs, b: Runs, paired: bool = False, confidence: float = 0.95, resamples: int = 10000, seed: int = 0
) -> Difference:
    """Test if IQM(a) - IQM(b) is zero, for a [S] and b [S']: `corrected_difference` of one pair.

    >>> difference_test(range(10, 30), range(20)).verdict
    'better'
    """
    return corrected_difference([(a, b)], paired, confidence, resamples, seed)[0]


def corrected_difference(
    pairs: Pairs, paired: bool = False, confidence: float = 0.95, resamples: int = 10000, seed: int = 0
) -> list[Difference]:
    """Judge K pairs by IQM(a) - IQM(b); the chance that any equal pair gets a verdict is within about alpha.

    The i-th smallest p value is tested at alpha / (K + 1 - i); the first to fail and all after share a level
    (Holm 1979). An interval has the level of its test, so it shows the verdict; they are not simultaneous.

    Args:
        pairs: K of (a, b), each [S] or [S, T] with S >= 2; b may have another S unless paired.
        paired: Whether row i of a and of b share a seed, so are resampled together; else independently.
        confidence: 1 - alpha of the family.
        resamples: B, at least about 20 K / alpha; no unadjusted p value is below 2 / (B + 1).
        seed: Seed of the resampling, with which each pair is resampled alike whatever the others.

    >>> [one.verdict for one in corrected_difference([(range(9), range(9)), (range(9), range(9, 18))])]
    ['no difference', 'worse']
    """
    if not (tests := len(pairs)):
        raise ValueError("pairs is empty; give at least one pair (a, b) of scores.")
    _rank(confidence, resamples, tests)  # the strictest level, checked before any work
    draws, estimates, tails = list[FloatArray](), list[float](), list[int]()
    for k, (a, b) in enumerate(pairs):
        first, second = _columns({f"a of pair {k}": a, f"b of pair {k}": b}, paired)
        d = _resampled(first, resamples, (seed, 0)) - _resampled(second, resamples, (seed, int(not paired)))
        d[np.abs(d) <= 1e-12 * max(np.abs(first).max(), np.abs(second).max())] = 0  # equal but for rounding
        draws.append(np.sort(d))
        estimates.append(float(interquartile_mean(first, None) - interquartile_mean(second, None)))
        tails.append(1 + int(min(np.count_nonzero(d <= 0), np.count_nonzero(d >= 0))))
    p_values = holm([min(1.0, 2 * tail / (resamples + 1)) for tail in tails]).tolist()
    judged = dict[int, Difference]()
    for k in sorted(range(len(pairs)), key=tails.__getitem__):
        rank, alpha = _rank(confidence, resamples, tests)
        low, high = float(draws[k][rank - 1]), float(draws[k][-rank])
        verdict = "better" if low > 0 else "worse" if high < 0 else "no difference"
        judged[k] = Difference(Interval(low, estimates[k], high), p_values[k], verdict, 1 - alpha / tests)
        tests -= verdict != "no difference"  # so that no pair after the first failure, of larger p, can pass
    return [judged[k] for k in range(len(pairs))]


def holm(p_values: ArrayLike) -> FloatArray:
    """Return adjusted p values [K], max_{j <= i} min(1, (K + 1 - j) p_(j)), in the order given (Holm 1979).

    >>> holm([0.01, 0.04, 0.03, 0.005]).round(3).tolist()
    [0.03, 0.06, 0.06, 0.02]
    """
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1 or p.size == 0 or not ((p >= 0) & (p <= 1)).all():
        raise ValueError(f"p_values is {p.tolist()}; give a list of one or more numbers from 0 to 1.")
    order, adjusted = np.argsort(p, kind="stable"), np.empty_like(p)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1)))
    return adjusted


def probability_of_improvement(a: Runs, b: Runs) -> float:
    """Return P(a > b) + P(a = b) / 2, of a [S] or [S, T] and b [S'] or [S', T] (Agarwal et al. 2021, 4.3).

    >>> probability_of_improvement([1, 2], [1, 0])
    0.875
    """
    first, second = _columns({"a": a, "b": b}, least=1)
    return float((1 + np.sign(first[:, None] - second).mean()) / 2)


def _finite(name: str, values: ArrayLike) -> FloatArray:
    array = np.atleast_1d(np.asarray(values, dtype=np.float64))
    if array.size == 0:
        raise ValueError(f"{name} is empty, of shape {array.shape}; give one score or more.")
    if bad := array.size - np.count_nonzero(np.isfinite(array)):
        raise ValueError(f"{name} has {bad} NaN or infinite scores; give failed runs the worst score.")
    return array


def _columns(scores: dict[str, Runs], paired: bool = False, least: int = 2) -> list[FloatArray]:
    arrays = {name: _finite(name, given) for name, given in scores.items()}
    for name, array in arrays.items():
        if array.ndim not in (1, 2) or len(array) < least:
            raise ValueError(f"{name} has shape {array.shape}; give [S] or [S, T] with S >= {least} seeds.")
    columns = [array.reshape(len(array), -1) for array in arrays.values()]
    if len({one.shape[0 if paired else 1 :] for one in columns}) > 1:
        shapes = " and ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise ValueError(f"{shapes} do not match; give both the same tasks, and if paired the same seeds.")
    return columns


def _resampled(
    columns: FloatArray, resamples: int, stream: tuple[int, int], statistic: Statistic = interquartile_mean
) -> FloatArray:
    rows = np.random.default_rng(stream).integers(len(columns), size=(resamples, *columns.shape))
    return np.asarray(statistic(columns[rows, np.arange(columns.shape[1])].reshape(resamples, -1), axis=-1))


def _rank(confidence: float, resamples: int, tests: int = 1) -> tuple[int, float]:
    alpha = round(1 - confidence, 12)  # 0.05, not 0.050000000000000044
    if not 0 < alpha < 1:
        raise ValueError(f"confidence is {confidence}; give a level between 0 and 1, such as 0.95.")
    # The same operations as for p values and in `holm`, so that rounding cannot part interval and p value.
    rank = int(np.sum(2 * np.arange(1, resamples + 1) / (resamples + 1) * tests <= alpha))
    if rank < _TAIL:
        need = math.ceil(2 * _TAIL * tests / alpha)
        raise ValueError(f"resamples={resamples} is too few at level {alpha} / {tests}; pass {need} or more.")
    return rank, alpha
