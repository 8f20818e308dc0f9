"""Scores: what is accepted as such, and their interquartile mean."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray: TypeAlias = NDArray[np.float64]

Runs: TypeAlias = ArrayLike
"""Scores ``[S]`` of S seeds, or ``[S, T]`` on T tasks."""

ROUNDING = 1e-12
"""Relative difference up to which two scores count as equal."""


def interquartile_mean(values: ArrayLike, axis: int | None = -1) -> FloatArray:
    """The mean of the middle half: mean(x_(c + 1), ..., x_(n - c)) of sorted x, with c = floor(n / 4).

    Equals `scipy.stats.trim_mean(values, 0.25, axis)`; rliable's has `axis=None` (Agarwal et al. 2021, 4.3).

    Args:
        values: finite scores.
        axis: the axis to reduce, of length n; None: all of them.

    Returns:
        ``values`` without the axis; 0-d, so that `float` applies, if no other axis is left.

    >>> float(interquartile_mean([0, 1, 2, 1000]))
    1.5
    """
    array = finite("values", values)
    ordered = np.sort(array.ravel() if axis is None else np.moveaxis(array, axis, -1))
    cut = ordered.shape[-1] // 4
    return np.asarray(ordered[..., cut : ordered.shape[-1] - cut].mean(axis=-1))


def iqm_difference(a: FloatArray, b: FloatArray) -> float:
    """IQM(a) - IQM(b), zero where they are equal up to rounding.

    >>> iqm_difference(np.full(4, 0.1), np.full(4, 0.3))
    -0.19999999999999998
    """
    estimate = float(interquartile_mean(a) - interquartile_mean(b))
    return 0.0 if abs(estimate) <= rounding(a, b) else estimate


def rounding(a: FloatArray, b: FloatArray) -> float:
    """The absolute difference up to which statistics of a and b count as equal.

    >>> bool(rounding(np.array([1.0, -2.0]), np.array([0.5])) == 2 * ROUNDING)
    True
    """
    return ROUNDING * max(np.abs(a).max(), np.abs(b).max())


def finite(name: str, values: ArrayLike) -> FloatArray:
    """One or more finite scores as an array of at least one axis.

    Raises:
        ValueError: there is no score, or one is NaN or infinite; ``name`` begins the message.

    >>> finite("scores", [1, float("nan")])
    Traceback (most recent call last):
    ValueError: scores has 1 NaN or infinite scores; give failed runs the worst score.
    """
    array = np.atleast_1d(np.asarray(values, dtype=np.float64))
    if array.size == 0:
        raise ValueError(f"{name} is empty, of shape {array.shape}; give one score or more.")
    if bad := array.size - np.count_nonzero(np.isfinite(array)):
        raise ValueError(f"{name} has {bad} NaN or infinite scores; give failed runs the worst score.")
    return array


def columns(name: str, scores: Runs, least: int = 2) -> FloatArray:
    """Scores ``[S]`` or ``[S, T]`` of at least ``least`` seeds as ``[S, T]``.

    Raises:
        ValueError: they have another shape, or are not finite.

    >>> columns("scores", [1, 2, 3]).shape
    (3, 1)
    """
    array = finite(name, scores)
    if array.ndim not in (1, 2) or len(array) < least:
        raise ValueError(f"{name} has shape {array.shape}; give [S] or [S, T] with S >= {least} seeds.")
    return array.reshape(len(array), -1)


def sample(name: str, scores: ArrayLike) -> FloatArray:
    """Scores ``[S]`` of at least two seeds.

    Raises:
        ValueError: they have another shape, or are not finite.

    >>> sample("scores", [1, 2]).tolist()
    [1.0, 2.0]
    """
    array = finite(name, scores)
    if array.ndim != 1 or len(array) < 2:
        raise ValueError(f"{name} has shape {array.shape}; give [S] with S >= 2 seeds.")
    return array
