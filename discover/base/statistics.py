"""Statistics over seeds: interquartile means with intervals, and verdicts on differences, corrected for many comparisons.

Shapes: S seeds (independent runs), T tasks, K compared pairs, B resamples. A higher score is better.

**Intervals** are percentile bootstrap intervals, widened for small samples (Hesterberg 2015): where the normal
distribution has the quantile z, they use sqrt(n / (n - 1)) t, with t of Student's distribution. Unwidened, 95 % intervals of 8
seeds cover 92 to 94 %. No interval can contain a value that none of the seeds shows.

**Verdicts** need two tests to agree, so the p value of a pair is the larger of two:

- The permutation test of IQM(a) - IQM(b), exact for any two algorithms whose scores have the same distribution, whatever that
  is, ties included: the chance of a false verdict among K such pairs is at most alpha (Holm 1979).
- The bootstrap interval excludes zero, at the level of the pair's step in Holm's procedure: for algorithms with equal IQMs and
  different spreads, for which the permutation test guarantees nothing.

So a pair is 'better' or 'worse' exactly if its interval, at its corrected level, excludes zero: where the permutation test
alone finds no difference, the interval is extended to zero. Scores are not paired by seed. Those of two algorithms with the
same seeds correlate by about 0.3: a test of pairs would detect hardly more, without a correlation less, and with few seeds it
has far fewer ways to permute (2^S, not C(2 S, S)). Where the correlation is positive, the unpaired test errs on the safe side.
`experiments/statistics.md` lists the rates of errors, by simulation.

Sources: Agarwal et al. 2021, "Deep RL at the edge of the statistical precipice"; Hesterberg 2015, "What teachers should know
about the bootstrap", Am. Stat.; Holm 1979, Scand. J. Stat.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from discover.base.bootstrap import Interval as Interval
from discover.base.bootstrap import bootstrap_interval as bootstrap_interval
from discover.base.bootstrap import bootstrap_p_value, difference_draws, significance, widened
from discover.base.bootstrap import difference_interval as difference_interval
from discover.base.permutation import least_p_value
from discover.base.permutation import permutation_p_values as permutation_p_values
from discover.base.scores import FloatArray as FloatArray
from discover.base.scores import Runs, columns, iqm_difference, sample
from discover.base.scores import interquartile_mean as interquartile_mean

Pairs: TypeAlias = Sequence[tuple[ArrayLike, ArrayLike]]
"""Pairs of scores ``[S]`` and ``[S']``."""


class Difference(NamedTuple):
    """The comparison of a with b; the verdict is 'better' or 'worse' exactly if `interval` excludes zero.

    Attributes:
        interval: of IQM(a) - IQM(b).
        p_value: two-sided, never 0, adjusted by `holm`.
        verdict: whether a is better or worse than b.
        confidence: level of `interval`: that of its step of Holm's procedure.
    """

    interval: Interval
    p_value: float
    verdict: Literal["better", "worse", "no difference", "too few seeds"]
    confidence: float


def corrected_difference(pairs: Pairs, confidence: float = 0.95, resamples: int = 40_000, seed: int = 0) -> list[Difference]:
    """Judge K pairs by IQM(a) - IQM(b); the chance that any pair of equal algorithms gets a verdict is at most alpha.

    The i-th smallest p value is tested at alpha / (K + 1 - i); the first to fail and all after share a level
    (Holm 1979). An interval has the level of its test, so it shows the verdict; they are not simultaneous. With so few
    seeds that no scores at all could pass alpha / K, the verdict is 'too few seeds' (`seeds_for_verdict` gives the number).

    Args:
        pairs: K of (a, b), each ``[S]`` with S >= 2; b may have another S.
        confidence: 1 - alpha of the family.
        resamples: B, at least about 10 K / alpha; no unadjusted p value is below 1 / (B + 1).
        seed: of the resampling; each pair is resampled in the same way whatever the other pairs are.

    Raises:
        ValueError: the scores, the level or the number of resamples cannot be used; the message says why.

    >>> [one.verdict for one in corrected_difference([(range(9), range(9)), (range(9), range(9, 18))])]
    ['no difference', 'worse']
    """
    if not pairs:
        raise ValueError("pairs is empty; give at least one pair (a, b) of scores.")
    alpha = significance(confidence, resamples, len(pairs))
    samples = [(sample(f"a of pair {k}", a), sample(f"b of pair {k}", b)) for k, (a, b) in enumerate(pairs)]
    draws = [difference_draws(a, b, resamples, seed) for a, b in samples]
    p_values = [
        max(float(permutation_p_values(a, b, resamples, seed)), bootstrap_p_value(d, a, b))
        for (a, b), d in zip(samples, draws, strict=True)
    ]
    adjusted, differences, tests = holm(p_values), dict[int, Difference](), len(pairs)
    for k in np.argsort(p_values, kind="stable").tolist():
        (a, b), passes = samples[k], adjusted[k] <= alpha
        estimate = iqm_difference(a, b)
        interval = widened(draws[k], estimate, alpha / tests, (len(a), len(b)))
        if passes:
            verdict = "better" if estimate > 0 else "worse"
        else:
            interval = Interval(min(interval.low, 0.0), estimate, max(interval.high, 0.0))
            verdict = "too few seeds" if least_p_value(len(a), len(b)) * len(pairs) > alpha else "no difference"
        differences[k] = Difference(interval, float(adjusted[k]), verdict, 1 - alpha / tests)
        tests -= bool(passes)
    return [differences[k] for k in range(len(pairs))]


def seeds_for_verdict(tests: int, confidence: float = 0.95) -> int:
    """The least S with which one of K differences can get a verdict: 2 / C(2 S, S) <= alpha / K.

    Args:
        tests: K.
        confidence: 1 - alpha of the family.

    >>> seeds_for_verdict(1), seeds_for_verdict(12)
    (4, 6)
    """
    alpha = significance(confidence)
    return next(seeds for seeds in itertools.count(2) if least_p_value(seeds, seeds) * tests <= alpha)


def holm(p_values: ArrayLike) -> FloatArray:
    """Adjusted p values ``[K]``, max_{j <= i} min(1, (K + 1 - j) p_(j)), in the order of ``p_values`` (Holm 1979).

    Raises:
        ValueError: a p value is no number from 0 to 1, or there is none.

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
    """P(a > b) + P(a = b) / 2, of a ``[S]`` or ``[S, T]`` and b ``[S']`` or ``[S', T]`` (Agarwal et al. 2021, 4.3).

    Raises:
        ValueError: the scores are not finite, or belong to different numbers of tasks.

    >>> probability_of_improvement([1, 2], [1, 0])
    0.875
    """
    first, second = columns("a", a, least=1), columns("b", b, least=1)
    if first.shape[1:] != second.shape[1:]:
        raise ValueError(f"a {np.shape(a)} and b {np.shape(b)} do not match; give both the same tasks.")
    return float((1 + np.sign(first[:, None] - second).mean()) / 2)
