"""Statistics over seeds: interquartile means with intervals, and verdicts on differences, corrected for many comparisons.

Shapes: S seeds (independent runs), T tasks, K compared pairs, B resamples. A higher score is better.

**Intervals** are percentile bootstrap intervals, widened for small samples (Hesterberg 2015): where the normal
distribution has the quantile z, they use sqrt(n / (n - 1)) t, with t of Student's distribution. Unwidened, 95 % intervals of 8
seeds cover 92 to 94 %. No interval can know of a value that none of the seeds shows.

**Verdicts** need two tests to agree, so the p value of a pair is the larger of two:

- The permutation test of IQM(a) - IQM(b), exact for any two algorithms whose scores have the same distribution, whatever that
  is, ties included: the chance of a false verdict among K such pairs is at most alpha (Holm 1979).
- The bootstrap interval excludes zero, at the level of the pair's step in Holm's procedure: for algorithms with equal IQMs and
  different spreads, of which the permutation test promises nothing.

So a pair is 'better' or 'worse' exactly if its interval, at its corrected level, excludes zero: where the permutation test
alone objects, the interval is drawn out to zero. Scores are not paired by seed. Those of two algorithms with the same seeds
correlate by 0.3 or so: a test of pairs would find hardly more, with no correlation less, and with few seeds it has far fewer
ways to permute (2^S, not C(2 S, S)). Where scores do correlate, positively, the unpaired test errs on the safe side. The
rates, by simulation, stand in `experiments/statistics.md`.

Sources: Agarwal et al. 2021, "Deep RL at the edge of the statistical precipice"; Hesterberg 2015, "What teachers should know
about the bootstrap", Am. Stat.; Holm 1979, Scand. J. Stat.
"""

import functools
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri, stdtr, stdtrit

FloatArray = NDArray[np.float64]
Runs = ArrayLike  # scores [S] or [S, T]
Pairs = Sequence[tuple[ArrayLike, ArrayLike]]  # scores [S] and [S']
Statistic = Callable[..., ArrayLike]  # called as statistic(values, axis=-1), like `numpy.median`

_TAIL = 10  # with fewer resamples at or beyond an end, that end of an interval is mostly Monte Carlo noise
_PLAIN = 0.025  # share of resamples beyond each end of the plain 95 % interval
_FEW = 5  # with fewer seeds, the tails of the resamples are one value, met again and again
_TIE_BREAK = 1e-6  # weight of the means beside the IQMs in the permutation test
_ROUNDING = 1e-12  # relative: scores closer than this are equal


class Interval(NamedTuple):
    """A confidence interval around an estimate, in the units of the scores."""

    low: float
    estimate: float
    high: float


class Difference(NamedTuple):
    """How a compares with b; the verdict is 'better' or 'worse' exactly if `interval` excludes zero."""

    interval: Interval
    p_value: float  # two-sided, never 0, adjusted by `holm`
    verdict: Literal["better", "worse", "no difference", "too few seeds"]
    confidence: float  # level of `interval`: that of its step of Holm's procedure


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
    resamples: int = 10_000,
    seed: int = 0,
) -> Interval:
    """Return the stratified percentile bootstrap interval (Agarwal et al. 2021, 4.1), widened for few seeds.

    Draws S seeds with replacement within each task of `scores`, [S] or [S, T] with S >= 2, B times; `statistic` reduces
    each draw as a whole, from [B, S * T] to [B]. The ends are draws, so they never leave the range of what the statistic can
    be, unless they lie too far in the tails to be met: below 5 seeds, or with few resamples.

    >>> bootstrap_interval([[0, 5], [0, 5]])
    Interval(low=2.5, estimate=2.5, high=2.5)
    """
    alpha, columns = _alpha(confidence, resamples), _columns("scores", scores)
    d = np.sort(_resampled(columns, resamples, seed, statistic))
    estimate, reach = float(np.asarray(statistic(columns.ravel(), axis=-1))), _reach(alpha, len(columns))
    return _widened(d, estimate, reach, len(columns))


def difference_interval(
    a: ArrayLike, b: ArrayLike, paired: bool = False, confidence: float = 0.95, resamples: int = 40_000, seed: int = 0
) -> Interval:
    """Return the widened bootstrap interval of IQM(a) - IQM(b), for a [S] and b [S'] with 2 seeds or more.

    It stands for itself: it knows of no other comparison, and no verdict hangs on it (`corrected_difference` judges).

    Args:
        a, b: scores.
        paired: Whether a[i] and b[i] share a seed, so are resampled together; else independently.
        confidence: level of the interval.
        resamples: B.
        seed: of the resampling.

    >>> difference_interval([3, 3, 3], [1, 1, 1])
    Interval(low=2.0, estimate=2.0, high=2.0)
    """
    alpha, first, second = _alpha(confidence, resamples), _sample("a", a), _sample("b", b)
    if paired and len(first) != len(second):
        raise ValueError(f"a {first.shape} and b {second.shape} do not match; give both the same seeds if paired.")
    if paired:
        rows = np.random.default_rng((seed, 0)).integers(len(first), size=(resamples, len(first)))
        d = np.sort(interquartile_mean(first[rows]) - interquartile_mean(second[rows]))
        sizes: tuple[int, ...] = (len(first),)
    else:
        d, sizes = _difference_draws(first, second, resamples, seed), (len(first), len(second))
    return _widened(d, _iqm_difference(first, second), _reach(alpha, *sizes), *sizes)


def corrected_difference(pairs: Pairs, confidence: float = 0.95, resamples: int = 40_000, seed: int = 0) -> list[Difference]:
    """Judge K pairs by IQM(a) - IQM(b); the chance that any pair of equal algorithms gets a verdict is at most alpha.

    The i-th smallest p value is tested at alpha / (K + 1 - i); the first to fail and all after share a level
    (Holm 1979). An interval has the level of its test, so it shows the verdict; they are not simultaneous. With so few
    seeds that no scores at all could pass alpha / K, the verdict is 'too few seeds' (`seeds_for_verdict` says how many do).

    Args:
        pairs: K of (a, b), each [S] with S >= 2; b may have another S.
        confidence: 1 - alpha of the family.
        resamples: B, at least about 10 K / alpha; no unadjusted p value is below 1 / (B + 1).
        seed: Seed of the resampling, with which each pair is resampled alike whatever the others.

    >>> [one.verdict for one in corrected_difference([(range(9), range(9)), (range(9), range(9, 18))])]
    ['no difference', 'worse']
    """
    if not pairs:
        raise ValueError("pairs is empty; give at least one pair (a, b) of scores.")
    alpha = _alpha(confidence, resamples, len(pairs))
    samples = [(_sample(f"a of pair {k}", a), _sample(f"b of pair {k}", b)) for k, (a, b) in enumerate(pairs)]
    draws = [_difference_draws(a, b, resamples, seed) for a, b in samples]
    p_values = [
        max(float(permutation_p_values(a, b, resamples, seed)), _bootstrap_p_value(d, a, b))
        for (a, b), d in zip(samples, draws, strict=True)
    ]
    adjusted, judged, tests = holm(p_values), dict[int, Difference](), len(pairs)
    for k in np.argsort(p_values, kind="stable").tolist():
        (a, b), passes = samples[k], adjusted[k] <= alpha
        estimate = _iqm_difference(a, b)
        interval = _widened(draws[k], estimate, _reach(alpha / tests, len(a), len(b)), len(a), len(b))
        if passes:
            verdict = "better" if estimate > 0 else "worse"
        else:
            interval = Interval(min(interval.low, 0.0), estimate, max(interval.high, 0.0))
            verdict = "too few seeds" if _least_p_value(len(a), len(b)) * len(pairs) > alpha else "no difference"
        judged[k] = Difference(interval, float(adjusted[k]), verdict, 1 - alpha / tests)
        tests -= bool(passes)
    return [judged[k] for k in range(len(pairs))]


def permutation_p_values(a: ArrayLike, b: ArrayLike, resamples: int = 40_000, seed: int = 0) -> FloatArray:
    """Return the two-sided p value of the permutation test of IQM(a) - IQM(b), for a [..., S] and b [..., S'].

    The share of ways to split the S + S' scores in two whose difference is at least as large as the observed one: of all
    ways if there are at most B, else of B at random and the observed one. Among ways with the same IQMs those with the
    larger difference of means count as larger: two constants would otherwise hardly differ, since to exchange less than a
    quarter of each sample leaves both IQMs as they are.

    >>> float(permutation_p_values([1, 2, 3, 4], [5, 6, 7, 8])) == 2 / 70
    True
    """
    first, second = _finite("a", a), _finite("b", b)
    pooled = np.sort(np.concatenate([first, second], axis=-1), axis=-1)
    center = pooled[..., [pooled.shape[-1] // 2]]
    contrasts, exhaustive = _contrasts(first.shape[-1], second.shape[-1], resamples, seed)
    observed = _location(first - center) - _location(second - center)
    pooled -= center
    least = np.abs(observed) - _ROUNDING * np.abs(pooled).max(axis=-1)
    count = np.count_nonzero(np.abs(pooled @ contrasts.T) >= least[..., None], axis=-1)
    return np.asarray(count / len(contrasts) if exhaustive else (1 + count) / (1 + len(contrasts)))


def seeds_for_verdict(tests: int, confidence: float = 0.95) -> int:
    """Return the least S with which one of K differences can get a verdict: 2 / C(2 S, S) <= alpha / K.

    >>> seeds_for_verdict(1), seeds_for_verdict(12)
    (4, 6)
    """
    alpha = _alpha(confidence)
    return next(seeds for seeds in itertools.count(2) if _least_p_value(seeds, seeds) * tests <= alpha)


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
    first, second = _columns("a", a, least=1), _columns("b", b, least=1)
    if first.shape[1:] != second.shape[1:]:
        raise ValueError(f"a {np.shape(a)} and b {np.shape(b)} do not match; give both the same tasks.")
    return float((1 + np.sign(first[:, None] - second).mean()) / 2)


def _finite(name: str, values: ArrayLike) -> FloatArray:
    array = np.atleast_1d(np.asarray(values, dtype=np.float64))
    if array.size == 0:
        raise ValueError(f"{name} is empty, of shape {array.shape}; give one score or more.")
    if bad := array.size - np.count_nonzero(np.isfinite(array)):
        raise ValueError(f"{name} has {bad} NaN or infinite scores; give failed runs the worst score.")
    return array


def _columns(name: str, scores: Runs, least: int = 2) -> FloatArray:
    array = _finite(name, scores)
    if array.ndim not in (1, 2) or len(array) < least:
        raise ValueError(f"{name} has shape {array.shape}; give [S] or [S, T] with S >= {least} seeds.")
    return array.reshape(len(array), -1)


def _sample(name: str, scores: ArrayLike) -> FloatArray:
    array = _finite(name, scores)
    if array.ndim != 1 or len(array) < 2:
        raise ValueError(f"{name} has shape {array.shape}; give [S] with S >= 2 seeds.")
    return array


def _alpha(confidence: float, resamples: int | None = None, tests: int = 1) -> float:
    """1 - confidence; refused, like resamples that are too few for it."""
    alpha = round(1 - confidence, 12)  # 0.05, not 0.050000000000000044
    if not 0 < alpha < 1:
        raise ValueError(f"confidence is {confidence}; give a level between 0 and 1, such as 0.95.")
    need = math.ceil(_TAIL / min(_PLAIN, alpha / tests))
    if resamples is not None and resamples < need:
        raise ValueError(f"resamples={resamples} is too few at level {alpha} / {tests}; pass {need} or more.")
    return alpha


# Bootstrap ------------------------------------------------------------------------------------------------------------


def _resampled(columns: FloatArray, resamples: int, seed: int, statistic: Statistic) -> FloatArray:
    rows = np.random.default_rng((seed, 0)).integers(len(columns), size=(resamples, *columns.shape))
    return np.asarray(statistic(columns[rows, np.arange(columns.shape[1])].reshape(resamples, -1), axis=-1))


def _difference_draws(a: FloatArray, b: FloatArray, resamples: int, seed: int) -> FloatArray:
    """Sorted bootstrap draws ``[B]`` of IQM(a) - IQM(b)."""
    first, second = (
        np.sort(scores)[_middle_rows(len(scores), resamples, (seed, stream))].mean(axis=-1)
        for stream, scores in enumerate((a, b))
    )
    d = first - second
    return np.sort(np.where(np.abs(d) <= _rounding(a, b), 0.0, d))


@functools.lru_cache(maxsize=8)
def _middle_rows(size: int, resamples: int, stream: tuple[int, int]) -> NDArray[np.int64]:
    """Which of the sorted scores are the middle half of each draw: ``[B, S - 2 floor(S / 4)]``."""
    rows = np.sort(np.random.default_rng(stream).integers(size, size=(resamples, size)))
    return rows[:, size // 4 : size - size // 4]


def _reach(alpha: float, *sizes: int) -> float:
    """The quantile of an interval's end, as of a normal distribution: sqrt(n / (n - 1)) t, n of the smallest sample."""
    return _widening(*sizes) * float(stdtrit(_freedom(*sizes), 1 - alpha / 2))


def _widening(*sizes: int) -> float:
    return math.sqrt(min(sizes) / (min(sizes) - 1))


def _freedom(*sizes: int) -> int:
    return sum(sizes) - len(sizes)


def _last_rank(draws: int, sizes: tuple[int, ...]) -> int:
    """The rank from either end at which sorted draws still tell of the tail that they come from."""
    return math.floor(_PLAIN * (draws + 1)) if min(sizes) < _FEW else _TAIL


def _widened(d: FloatArray, estimate: float, reach: float, *sizes: int) -> Interval:
    """The interval of sorted draws up to the quantile ``reach``; where they do not go so far, the last rank is stretched."""
    last = _last_rank(len(d), sizes)
    rank = max(math.floor(ndtr(-reach) * (len(d) + 1)), last)
    low, high = float(d[rank - 1]), float(d[-rank])
    if rank > last:
        return Interval(low, estimate, high)
    factor = max(reach / _quantile(rank, d), 1.0)
    return Interval(estimate - (estimate - low) * factor, estimate, estimate + (high - estimate) * factor)


def _bootstrap_p_value(d: FloatArray, a: FloatArray, b: FloatArray) -> float:
    """The level at which an end of `_widened` would be zero."""
    estimate, sizes = _iqm_difference(a, b), (len(a), len(b))
    if estimate == 0:
        return 1.0
    if estimate < 0:
        estimate, d = -estimate, -d[::-1]
    rank, last = 1 + int(np.searchsorted(d, 0.0, side="right")), _last_rank(len(d), sizes)
    side = estimate - d[last - 1]
    if rank > last:
        reach = _quantile(rank, d) if rank <= len(d) else -np.inf
    else:
        reach = _quantile(last, d) * estimate / side if side > 0 else np.inf
    return min(1.0, float(2 * stdtr(_freedom(*sizes), -reach / _widening(*sizes))))


def _quantile(rank: int, d: FloatArray) -> float:
    """Of the normal distribution, with as much beyond it as there is at and beyond a rank of the draws."""
    return -float(ndtri(rank / (len(d) + 1)))


def _iqm_difference(a: FloatArray, b: FloatArray) -> float:
    """IQM(a) - IQM(b), zero if they are equal but for rounding."""
    estimate = float(interquartile_mean(a) - interquartile_mean(b))
    return 0.0 if abs(estimate) <= _rounding(a, b) else estimate


def _rounding(a: FloatArray, b: FloatArray) -> float:
    return _ROUNDING * max(np.abs(a).max(), np.abs(b).max())


# Permutation ----------------------------------------------------------------------------------------------------------


def _least_p_value(first: int, second: int) -> float:
    """Of the permutation test: only the observed split, and its mirror image if the sizes are equal, are as extreme."""
    return (1 + (first == second)) / math.comb(first + second, first)


def _location(scores: FloatArray) -> FloatArray:
    return interquartile_mean(scores) + _TIE_BREAK * scores.mean(axis=-1)


@functools.lru_cache(maxsize=2)
def _contrasts(first: int, second: int, resamples: int, seed: int) -> tuple[FloatArray, bool]:
    """Weights ``[N, S + S']`` of sorted pooled scores, of which each row gives the difference of one split; whether all do.

    The positions that a split takes do not depend on the scores, hence neither do the ranks within its halves.
    """
    size, exhaustive = first + second, math.comb(first + second, first) <= resamples
    if exhaustive:
        chosen = np.zeros((math.comb(size, first), size), bool)
        np.put_along_axis(chosen, np.array(list(itertools.combinations(range(size), first))), True, axis=1)
    else:
        order = np.random.default_rng((seed, 1)).random((resamples, size)).argsort(axis=1)
        chosen = order < first
    return _weights(chosen, first) - _weights(~chosen, second), exhaustive


def _weights(chosen: NDArray[np.bool_], size: int) -> FloatArray:
    """Weights that give `_location` of the chosen among sorted scores."""
    rank, cut = np.cumsum(chosen, axis=1), size // 4
    middle = chosen & (rank > cut) & (rank <= size - cut)
    return middle / (size - 2 * cut) + _TIE_BREAK * chosen / size
