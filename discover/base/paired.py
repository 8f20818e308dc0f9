"""Differences that are paired by seed: their means with intervals, and verdicts corrected over many of them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from discover.base.bootstrap import Interval, bootstrap_interval
from discover.base.scores import FloatArray
from discover.base.statistics import holm

Verdict: TypeAlias = Literal["better", "worse", "no difference", "too few seeds"]

ALPHA = 0.05
_EXACT = 14  # seeds up to which all ways to flip signs are tried
_RESAMPLES = 20_000


class PairedDifference(NamedTuple):
    """The mean of differences.

    Attributes:
        interval: of the mean, 95 %, of this difference alone.
        p_value: two-sided, adjusted over all differences (Holm 1979).
        verdict: 'better' or 'worse' where the adjusted p value is below 5 % and the interval excludes zero.
    """

    interval: Interval
    p_value: float
    verdict: Verdict


def paired_differences(differences: Sequence[FloatArray] | FloatArray, seed: int = 0) -> list[PairedDifference]:
    """Judge K means of paired differences; where none differs, the chance of any verdict is at most 5 %.

    The test flips the signs of differences: exact if their distribution is symmetric around zero wherever the two that are
    compared are alike, as with common seeds. Unlike interquartile means, a mean counts what pays on few seeds.

    Args:
        differences: K of ``[S]``, finite, S >= 2; or of ``[S, T]`` for means over T tasks, which weigh the same: seeds
            are drawn again within each task, and each difference has a sign of its own.
        seed: of the resampling.

    >>> [each.verdict for each in paired_differences(np.array([[1.0] * 8, [1.0, -1.0] * 4]))]
    ['better', 'no difference']
    """
    if not len(differences):
        return []
    p_values = [sign_flip_p_value(row.ravel(), seed) for row in differences]
    least = 2.0 ** (1 - differences[0].size)
    judged = []
    for row, p_value in zip(differences, holm(p_values), strict=True):
        interval = bootstrap_interval(row, np.mean, seed=seed)
        verdict: Verdict = "no difference"
        if least * len(differences) > ALPHA:
            verdict = "too few seeds"
        elif p_value <= ALPHA and not interval.low <= 0.0 <= interval.high:
            verdict = "better" if interval.estimate > 0 else "worse"
        judged.append(PairedDifference(interval, float(p_value), verdict))
    return judged


def seeds_for_paired_verdict(tests: int) -> int:
    """The least S with which one of K paired differences can get a verdict: 2^(1 - S) <= 5 % / K.

    >>> seeds_for_paired_verdict(1), seeds_for_paired_verdict(15)
    (6, 10)
    """
    return next(seeds for seeds in itertools.count(2) if 2.0 ** (1 - seeds) * tests <= ALPHA)


def sign_flip_p_value(differences: FloatArray, seed: int = 0) -> float:
    """The two-sided p value of a mean of paired differences ``[S]``: the share of flips of signs with as large a mean.

    Of all flips with up to 14 seeds, else of 20,000 random ones and the observed one.

    >>> sign_flip_p_value(np.ones(5)) == 2 / 32
    True
    """
    size = len(differences)
    if size <= _EXACT:
        signs = np.array(list(itertools.product((-1.0, 1.0), repeat=size)))
    else:
        signs = np.random.default_rng((seed, 2)).choice((-1.0, 1.0), size=(_RESAMPLES, size))
    rounding = 1e-9 * np.abs(differences).sum()
    count = int(np.count_nonzero(np.abs(signs @ differences) >= abs(differences.sum()) - rounding))
    return count / len(signs) if size <= _EXACT else (1 + count) / (1 + len(signs))
