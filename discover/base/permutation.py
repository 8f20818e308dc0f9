"""The permutation test of a difference of interquartile means."""

from __future__ import annotations

import functools
import itertools
import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from discover.base.scores import ROUNDING, FloatArray, finite, interquartile_mean

_TIE_BREAK = 1e-6  # weight of the means beside the IQMs


def permutation_p_values(a: ArrayLike, b: ArrayLike, resamples: int = 40_000, seed: int = 0) -> FloatArray:
    """Two-sided p values of the permutation test of IQM(a) - IQM(b), for a ``[..., S]`` and b ``[..., S']``.

    The share of ways to split the S + S' scores in two whose difference is at least as large as the observed one: of all
    ways if there are at most B, else of B random ones and the observed one. Among ways with the same IQMs those with the
    larger difference of means count as larger: two constants would otherwise hardly differ, since to exchange less than a
    quarter of each sample leaves both IQMs as they are.

    Args:
        a, b: finite scores with the same leading axes.
        resamples: B.
        seed: of the random splits.

    >>> float(permutation_p_values([1, 2, 3, 4], [5, 6, 7, 8])) == 2 / 70
    True
    """
    first, second = finite("a", a), finite("b", b)
    pooled = np.sort(np.concatenate([first, second], axis=-1), axis=-1)
    center = pooled[..., [pooled.shape[-1] // 2]]
    contrasts, exhaustive = _contrasts(first.shape[-1], second.shape[-1], resamples, seed)
    observed = _location(first - center) - _location(second - center)
    pooled -= center
    least = np.abs(observed) - ROUNDING * np.abs(pooled).max(axis=-1)
    count = np.count_nonzero(np.abs(pooled @ contrasts.T) >= least[..., None], axis=-1)
    return np.asarray(count / len(contrasts) if exhaustive else (1 + count) / (1 + len(contrasts)))


def least_p_value(first: int, second: int) -> float:
    """The least p value of samples of two sizes: that of the most extreme split and, with equal sizes, its mirror image.

    >>> least_p_value(4, 4) == 2 / 70
    True
    """
    return (1 + (first == second)) / math.comb(first + second, first)


def _location(scores: FloatArray) -> FloatArray:
    return interquartile_mean(scores) + _TIE_BREAK * scores.mean(axis=-1)


@functools.lru_cache(maxsize=2)
def _contrasts(first: int, second: int, resamples: int, seed: int) -> tuple[FloatArray, bool]:
    """Weights ``[N, S + S']`` of sorted pooled scores, one row per split; and whether these are all splits.

    The product of a row with the scores is the difference of its split. The ranks that a split takes do not depend on the
    scores, hence neither do the ranks within its halves.
    """
    size, exhaustive = first + second, math.comb(first + second, first) <= resamples
    if exhaustive:
        in_first = np.zeros((math.comb(size, first), size), bool)
        np.put_along_axis(in_first, np.array(list(itertools.combinations(range(size), first))), True, axis=1)
    else:
        order = np.random.default_rng((seed, 1)).random((resamples, size)).argsort(axis=1)
        in_first = order < first
    return _weights(in_first, first) - _weights(~in_first, second), exhaustive


def _weights(members: NDArray[np.bool_], size: int) -> FloatArray:
    """Weights of sorted scores that give the `_location` of the ``members`` among them, ``size`` in each row."""
    rank, cut = np.cumsum(members, axis=1), size // 4
    middle = members & (rank > cut) & (rank <= size - cut)
    return middle / (size - 2 * cut) + _TIE_BREAK * members / size
