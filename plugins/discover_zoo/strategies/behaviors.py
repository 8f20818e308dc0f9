"""Behaviors: what learning curves show of how a candidate learns, as numbers from 0 to 1.

A curve ``R_1, ..., R_K`` is the mean over the seeds that were run. No descriptor depends on the scale of returns: with the
lowest return ``low`` of a curve and the highest one ``high``, ``r_k = (R_k - low) / (high - low)``. A level curve shows
nothing, and has 0 for all of them.
"""

from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

import jax
import jax.numpy as jnp

Behavior: TypeAlias = Literal["half_time", "area", "steadiness", "decline", "seed_spread"]

UNKNOWN = -1
"""The bin of a member without any curve."""


def half_time(curves: jax.Array) -> jax.Array:
    """The time at which it has learnt half of all: ``min {k : r_k >= 1/2} / K``, of curves ``[P, S, K]``."""
    return (jnp.argmax(_scaled(curves) >= 0.5, axis=-1) + 1) / curves.shape[-1]


def area(curves: jax.Array) -> jax.Array:
    """The area under the curve: ``sum_k r_k / K``."""
    return jnp.mean(_scaled(curves), axis=-1)


def steadiness(curves: jax.Array) -> jax.Array:
    """Straightness of its way: ``|r_K - r_1| / sum_k |r_k - r_{k-1}|``, 1 for a curve that never turns back."""
    scaled = _scaled(curves)
    way = jnp.sum(jnp.abs(jnp.diff(scaled, axis=-1)), axis=-1)
    return _share(jnp.abs(scaled[..., -1] - scaled[..., 0]), way)


def decline(curves: jax.Array) -> jax.Array:
    """The share that it has forgotten in the end: ``1 - r_K``."""
    return 1.0 - _scaled(curves)[..., -1]


def seed_spread(curves: jax.Array) -> jax.Array:
    """Difference of seeds in the end: ``s / (s + high - low)`` with the standard deviation ``s`` of the last returns."""
    mean = _mean(curves)
    spread = jnp.std(curves[..., -1], axis=1, where=~jnp.isnan(curves[..., -1]))
    return _share(spread, spread + jnp.max(mean, axis=-1) - jnp.min(mean, axis=-1))


_DESCRIPTORS: dict[Behavior, Callable[[jax.Array], jax.Array]] = {
    "half_time": half_time,
    "area": area,
    "steadiness": steadiness,
    "decline": decline,
    "seed_spread": seed_spread,
}


def behavior_bins(names: Sequence[Behavior], returns: Sequence[jax.Array], members: int, bins: int) -> jax.Array:
    """The bins ``[P, B]`` of some descriptors, each the mean over tasks, cut into ``bins`` equal parts of ``[0, 1]``.

    Args:
        names: of B descriptors.
        returns: per task ``[P, S, K]`` learning curves, NaN where nothing was run.
        members: P.
        bins: of each descriptor.

    >>> rising, late = jnp.linspace(0.0, 1.0, 100), jnp.linspace(0.0, 1.0, 100) ** 8
    >>> behavior_bins(["half_time", "steadiness"], [jnp.stack([rising, late])[:, None]], members=2, bins=4).tolist()
    [[2, 3], [3, 3]]
    """
    if not names or not returns:
        return jnp.zeros((members, len(names)), jnp.int32)
    known = jnp.stack([~jnp.isnan(curves).all(axis=(1, 2)) for curves in returns]).all(axis=0)
    values = jnp.stack([jnp.stack([_shown(name, curves) for curves in returns]).mean(axis=0) for name in names], axis=-1)
    parts = jnp.clip(jnp.floor(values * bins), 0, bins - 1)
    return jnp.where(known[:, None], jnp.nan_to_num(parts), UNKNOWN).astype(jnp.int32)


def _shown(name: Behavior, curves: jax.Array) -> jax.Array:
    """A descriptor ``[P]``; 0 where all curves are level."""
    return jnp.where(_is_level(curves), 0.0, _DESCRIPTORS[name](curves))


def _is_level(curves: jax.Array) -> jax.Array:
    mean = _mean(curves)
    return jnp.max(mean, axis=-1) == jnp.min(mean, axis=-1)


def _scaled(curves: jax.Array) -> jax.Array:
    """The mean curves ``[P, K]`` on a scale where the lowest return is 0 and the highest one 1."""
    mean = _mean(curves)
    low, high = jnp.min(mean, axis=-1, keepdims=True), jnp.max(mean, axis=-1, keepdims=True)
    return _share(mean - low, high - low)


def _mean(curves: jax.Array) -> jax.Array:
    """The mean over the seeds that were run; 0 where none was."""
    run = ~jnp.isnan(curves)
    return _share(jnp.sum(jnp.where(run, curves, 0.0), axis=1), jnp.sum(run, axis=1))


def _share(part: jax.Array, whole: jax.Array) -> jax.Array:
    """A ratio; 0 where the whole is 0."""
    return jnp.where(whole == 0, 0.0, part / jnp.where(whole == 0, 1.0, whole))
