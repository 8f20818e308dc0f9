"""Which steps of a batch count, and how much: for rules that need the whole return of an episode.

A batch of fixed shape cuts episodes off; what an unfinished one would have returned is not known. Its steps are padding.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from discover.contract.trajectory import Trajectory


def ends_within(trajectory: Trajectory) -> jax.Array:
    """``[T, B]``, 1 where the episode ends at this step or at a later one of the batch, else 0."""
    done = (trajectory.terminated | trajectory.truncated).astype(jnp.float32)
    return jax.lax.cummax(done, axis=0, reverse=True)


def step_weights(trajectory: Trajectory, group: int | None) -> jax.Array:
    """``[T, B]`` weights that turn a sum into a mean over groups of the mean over the steps of ended episodes.

    Args:
        trajectory: a batch.
        group: how many neighboring columns belong together (`World.group`); None for all of them.

    Returns:
        Weights that sum to 1, if an episode ends in each group; a group in which none ends has weight 0.
    """
    known = ends_within(trajectory)
    groups = 1 if group is None else known.shape[1] // group
    return known / (groups * jnp.maximum(_group_sums(known, group), 1.0))


def standardized(advantage: jax.Array, weights: jax.Array, group: int | None) -> jax.Array:
    """Zero mean and unit standard deviation in each group, under `step_weights`; the slope stays finite at no spread."""
    shares = weights / jnp.maximum(_group_sums(weights, group), 1e-12)
    centered = advantage - _group_sums(shares * advantage, group)
    return centered * jax.lax.rsqrt(_group_sums(shares * centered**2, group) + 1e-16)


def _group_sums(x: jax.Array, group: int | None) -> jax.Array:
    """``[T, B]``, at each step the sum of ``x`` over its group."""
    parts = x.reshape(x.shape[0], -1, group or x.shape[1])
    return jnp.broadcast_to(jnp.sum(parts, axis=(0, 2), keepdims=True), parts.shape).reshape(x.shape)
