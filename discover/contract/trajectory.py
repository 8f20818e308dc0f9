"""Trajectory: what rules learn from, as `World.collect` gives it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias, TypeVar

import jax
import jax.numpy as jnp

from discover.contract.network import Outputs

T = TypeVar("T")

Info: TypeAlias = Mapping[str, jax.Array]
"""Scalars for a human to read, by name; averaged over the rows of the learning curve."""

Context: TypeAlias = Mapping[str, jax.Array]
"""What a rule feeds to the network, by name: ``[size]``, or ``[B, size]`` for a value per environment."""


class Unscaled(NamedTuple):
    """What experience was before the normalizer, for rules that learn from it much later.

    Attributes:
        observation, reward, next_observation: ``[T, B, ...]``.
        normalizer, statistics: by which it is rescaled now, that is, after the segment.
    """

    observation: jax.Array
    reward: jax.Array
    next_observation: jax.Array
    normalizer: Any = ()
    statistics: Any = ()


class Trajectory(NamedTuple):
    """T steps of B environments, each ``[T, B, ...]`` unless said otherwise; gradients are stopped.

    Attributes:
        observation: what the agent saw.
        action, log_prob: what it did, and the log-probability of that when it did it.
        outputs: what the network says of the observations with the parameters that acted, by head.
        reward, terminated, truncated: what came of it.
        next_observation: the *true* next observation, before any reset.
        is_first: true where an episode starts.
        context: what the rule fed to the network, by name.
        carry: ``[B, ...]`` the network's carry before the first step.
        task: ``[B, ...]`` the task of each column at the segment's start; empty where single steps were shuffled.
        extra: ``[G, ...]`` what a rule that wraps another lets travel with each group of columns (see `World.view`).
        unscaled: what it was before the normalizer; empty without one, and where steps or columns were rearranged. A
            `ReplayBuffer` sees to it: no rule need know.
    """

    observation: jax.Array
    action: jax.Array
    log_prob: jax.Array
    outputs: Outputs
    reward: jax.Array
    terminated: jax.Array
    truncated: jax.Array
    next_observation: jax.Array
    is_first: jax.Array
    context: Context
    carry: Any
    task: Any
    extra: Any = ()
    unscaled: Unscaled | tuple[()] = ()


def group_columns(batch: Trajectory, size: int) -> Trajectory:
    """Groups of ``size`` neighboring columns along a new leading axis: ``[T, B, ...]`` becomes ``[G, T, size, ...]``."""

    def columns(x: jax.Array) -> jax.Array:
        return x.reshape(-1, size, *x.shape[1:])

    def steps(x: jax.Array) -> jax.Array:
        return jnp.moveaxis(x.reshape(x.shape[0], -1, size, *x.shape[2:]), 1, 0)

    whole = jax.tree.map(columns, {"carry": batch.carry, "task": batch.task})
    rest = batch._replace(carry=(), task=(), extra=(), unscaled=())
    return jax.tree.map(steps, rest)._replace(**whole, extra=batch.extra)


def join_columns(groups: T) -> T:
    """The inverse of `group_columns`, for trajectory or outputs: ``[G, T, size, ...]`` becomes ``[T, B, ...]``."""

    def columns(x: jax.Array) -> jax.Array:
        return x.reshape(-1, *x.shape[2:])

    def steps(x: jax.Array) -> jax.Array:
        return jnp.moveaxis(x, 0, 1).reshape(x.shape[1], -1, *x.shape[3:])

    if not isinstance(groups, Trajectory):
        return jax.tree.map(steps, groups)
    whole = jax.tree.map(columns, {"carry": groups.carry, "task": groups.task})
    rest = groups._replace(carry=(), task=(), extra=(), unscaled=())
    return jax.tree.map(steps, rest)._replace(**whole, extra=groups.extra)
