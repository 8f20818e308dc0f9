"""Weights of the steps of a batch, for rules that need the whole return of an episode.

A batch of fixed shape cuts episodes off, and the return of an unfinished episode is not known. Its steps are padding: their
weight is 0.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp

from discover.contract.trajectory import Trajectory


def ends_within(trajectory: Trajectory) -> jax.Array:
    """Whether an episode ends within the batch: ``[T, B]``, 1 at all its steps if it does, else 0.

    >>> from types import SimpleNamespace
    >>> ends = jnp.array([[False], [True], [False]])  # one environment, three steps; the last step begins another episode
    >>> print(ends_within(SimpleNamespace(terminated=ends, truncated=jnp.zeros_like(ends)))[:, 0])
    [1. 1. 0.]
    """
    done = (trajectory.terminated | trajectory.truncated).astype(jnp.float32)
    return jax.lax.cummax(done, axis=0, reverse=True)


def step_weights(trajectory: Trajectory, group: int | None) -> jax.Array:
    """Weights for a mean over groups of the mean over the steps of ended episodes.

    ``w = e / (G * sum_of_group(e))`` with `ends_within` as ``e`` and G groups.

    Args:
        trajectory: a batch ``[T, B, ...]``.
        group: how many neighboring environments belong together (`World.group`); None for all of them.

    Returns:
        ``[T, B]`` weights. They sum to 1 if an episode ends in each group; a group in which none ends has the weight 0.

    >>> from types import SimpleNamespace
    >>> ends = jnp.array([[False], [True], [False]])
    >>> print(step_weights(SimpleNamespace(terminated=ends, truncated=jnp.zeros_like(ends)), group=None)[:, 0])
    [0.5 0.5 0. ]
    """
    ended = ends_within(trajectory)
    groups = 1 if group is None else ended.shape[1] // group
    return ended / (groups * jnp.maximum(_group_sums(ended, group), 1.0))


def standardized(advantage: jax.Array, weights: jax.Array, group: int | None) -> jax.Array:
    """Advantages with mean 0 and standard deviation 1 in each group, under weights.

    ``(a - mean) / sqrt(variance + 1e-16)``: the gradient is finite even where all advantages are equal.

    Args:
        advantage: ``[T, B]``.
        weights: ``[T, B]``, as `step_weights` returns them.
        group: how many neighboring environments belong together; None for all of them.

    >>> advantage, weights = jnp.array([[1.0], [3.0], [9.0]]), jnp.array([[0.5], [0.5], [0.0]])
    >>> print(standardized(advantage, weights, group=None)[:2, 0])
    [-1.  1.]
    """
    shares = weights / jnp.maximum(_group_sums(weights, group), 1e-12)
    centered = advantage - _group_sums(shares * advantage, group)
    return centered * jax.lax.rsqrt(_group_sums(shares * centered**2, group) + 1e-16)


def _group_sums(x: jax.Array, group: int | None) -> jax.Array:
    """The sum of ``x`` over the group of each step, ``[T, B]``."""
    parts = x.reshape(x.shape[0], -1, group or x.shape[1])
    return jnp.broadcast_to(jnp.sum(parts, axis=(0, 2), keepdims=True), parts.shape).reshape(x.shape)
