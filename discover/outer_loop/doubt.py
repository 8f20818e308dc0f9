"""How likely it is that another finalist is better than the one that was chosen, and by how much."""

from __future__ import annotations

import numpy as np

from discover.base.scores import FloatArray
from discover.contract.events import Doubt

_MOST = 64
"""Finalists that are looked at; those that are worse are not in question."""

_DRAWS = 2000
_RATIOS = np.logspace(-2, 1.5, 15)
"""How much finalists may differ, in standard deviations of one seed."""

_LOG_PRIOR = np.log(_RATIOS / (1.0 + (_RATIOS / 0.3) ** 2))
"""How likely each ratio is before the seeds are seen: half a Cauchy distribution of scale 0.3 (Gelman 2006)."""


def doubt_of(by_seed: FloatArray, order: list[int]) -> Doubt | None:
    """The doubt about the first of an order of finalists; None if there are too few seeds to measure their noise.

    A seed that several finalists share says how they differ: ``fitness = finalist + seed + noise``, with normal noise of one
    unknown deviation for all of them, and normal finalists of one unknown deviation too. So the best of many that are equal is
    not taken for better: differences are drawn towards zero as far as the noise demands (hierarchical Bayes).

    Args:
        by_seed: ``[F, N]`` fitness by each seed alone, NaN where a finalist was not evaluated.
        order: the places of sound finalists, the best first.

    >>> doubt_of(np.array([[0.0, 0.1, 0.0], [1.0, 1.2, 1.0], [0.5, 0.6, 0.5]]), [1, 2, 0]).probability < 0.05
    True
    """
    values = by_seed[order[:_MOST]]
    if len(values) == 1:
        return Doubt(0.0, 0.0)
    seen = ~np.isnan(values)
    together = seen.sum(axis=0)
    values, seen = values[:, together > 1], seen[:, together > 1]
    together = together[together > 1]
    apart = np.where(seen, values - np.nansum(values, axis=0) / together, 0.0)
    precision = np.diag(seen.sum(axis=1).astype(np.float64)) - (seen / together) @ seen.T
    scale, axes = np.linalg.eigh(precision)
    axes, scale = axes[:, scale > 1e-9], scale[scale > 1e-9]
    means = axes.T @ apart.sum(axis=1) / scale  # of the finalists, in these axes; the mean of all is not in question
    freedom = int((together - 1).sum()) - len(scale)
    if freedom < 1:
        return None
    noise = max(float((apart**2).sum() - (means**2 * scale).sum()), 1e-12 * float((apart**2).sum())) / freedom
    if noise == 0:
        return Doubt(0.0, 0.0)  # all are equal
    return _drawn(means, scale, axes, noise=noise, freedom=freedom)


def _drawn(means: FloatArray, scale: FloatArray, axes: FloatArray, *, noise: float, freedom: int) -> Doubt:
    """The doubt by draws of what finalists may be worth.

    Args:
        means, scale: in each axis, where finalists are and how many seeds say so.
        axes: ``[F, K]``.
        noise: estimated variance of one seed, with its degrees of freedom.
    """
    random = np.random.default_rng(0)
    variance = noise * freedom / random.chisquare(freedom, _DRAWS)[:, None, None]
    prior = variance * _RATIOS[:, None] ** 2
    spread = prior + variance / scale
    fits = _LOG_PRIOR - 0.5 * (np.log(spread) + means**2 / spread).sum(axis=2)  # [draws, ratios]
    chosen = np.argmax(fits - fits.max() + random.gumbel(size=fits.shape), axis=1)
    prior = np.take_along_axis(prior, chosen[:, None, None], axis=1)[:, 0]
    variance = variance[:, 0] / scale
    kept = prior / (prior + variance)
    worth = (kept * means + np.sqrt(kept * variance) * random.normal(size=kept.shape)) @ axes.T
    ahead = worth[:, 1:].max(axis=1) - worth[:, 0]
    return Doubt(float((ahead > 0).mean()), float(np.maximum(ahead, 0.0).mean()))
