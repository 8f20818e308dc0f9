"""Actors: environments in the middle of their episodes, and the record of the episodes that have ended in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp

from discover.contract.types import Carry, EnvState, OrderState, Statistics, Task

T = TypeVar("T")


class Episodes(NamedTuple):
    """Running record of the episodes in B environments.

    Attributes:
        current_return, current_length: ``[B]`` of the episode that is going on.
        last_return, last_length: ``[B]`` of the last episode to report that ended; 0 before the first.
        finished: ``[B]`` whether any episode to report has ended yet.
        return_sum, length_sum: sums of ``last_return`` and ``last_length`` over environments and steps since the sums were
            last read off, without environments in which no episode has ended yet.
        covered: how many pairs of step and environment the sums cover.
    """

    current_return: jax.Array
    current_length: jax.Array
    last_return: jax.Array
    last_length: jax.Array
    finished: jax.Array
    return_sum: jax.Array
    length_sum: jax.Array
    covered: jax.Array

    @classmethod
    def empty(cls, num_envs: int) -> Episodes:
        """The record before the first step."""
        zeros, none = jnp.zeros(num_envs), jnp.zeros((), jnp.float32)
        return cls(
            current_return=zeros,
            current_length=zeros,
            last_return=zeros,
            last_length=zeros,
            finished=jnp.zeros(num_envs, bool),
            return_sum=none,
            length_sum=none,
            covered=none,
        )

    def add_step(self, reward: jax.Array, done: jax.Array, counts: jax.Array | None = None) -> Episodes:
        """The record with one more step of every environment.

        Args:
            reward: ``[B]``.
            done: ``[B]`` whether the step ended an episode.
            counts: ``[B]`` whether the episode is one to report when it ends; by default all are.

        >>> episodes = Episodes.empty(2).add_step(jnp.array([1.0, 2.0]), jnp.array([False, True]))
        >>> print(episodes.current_return, episodes.last_return)
        [1. 0.] [0. 2.]
        """
        current = self.current_return + reward
        length = self.current_length + 1.0
        reported = done if counts is None else done & counts
        last = jnp.where(reported, current, self.last_return)
        last_length = jnp.where(reported, length, self.last_length)
        finished = self.finished | reported
        return Episodes(
            current_return=jnp.where(done, 0.0, current),
            current_length=jnp.where(done, 0.0, length),
            last_return=last,
            last_length=last_length,
            finished=finished,
            return_sum=self.return_sum + jnp.sum(jnp.where(finished, last, 0.0)),
            length_sum=self.length_sum + jnp.sum(jnp.where(finished, last_length, 0.0)),
            covered=self.covered + jnp.sum(finished.astype(jnp.float32)),
        )


class Ordered(NamedTuple):
    """Where B environments stand in the order of a curriculum, see `TaskOrder`.

    Attributes:
        state: what the order knows.
        level: ``[B]`` the row of each environment's level.
        fresh: ``[B]`` whether the family drew the level, and not the curriculum; the returns of these alone are reported.
        handed: how many fresh levels have been handed out in this rollout.
    """

    state: OrderState
    level: jax.Array
    fresh: jax.Array
    handed: jax.Array


class Actor(NamedTuple):
    """B environments in the middle of their episodes.

    Attributes:
        state: ``[B, ...]`` states of the environments.
        observation: ``[B, *observation_shape]``, what the agent will see at the next step.
        carry: ``[B, ...]`` memory of a recurrent network.
        is_first: ``[B]`` whether the next step is the first one of an episode.
        task: ``[B, ...]`` task of each environment.
        normalizer: statistics of the normalizer; ``()`` without one.
        episodes: record of the episodes.
        env_steps: how many env steps have been taken, in all B environments together.
        context: ``[B, size]`` inputs that are held for the episode, by name (`UpdateRule.episode_context`).
        unscaled: the observation before the normalizer; ``()`` without one.
        order: where they stand in the order of a curriculum, an `Ordered`; ``()`` without one.
    """

    state: EnvState
    observation: jax.Array
    carry: Carry
    is_first: jax.Array
    task: Task
    normalizer: Statistics
    episodes: Episodes
    env_steps: jax.Array
    context: Mapping[str, jax.Array]
    unscaled: Any = ()
    order: Any = ()


def where(condition: jax.Array, chosen: T, otherwise: T) -> T:
    """``chosen`` for each environment in which the condition holds, else ``otherwise``: `jax.numpy.where` for whole trees.

    Args:
        condition: ``[B]``.
        chosen, otherwise: trees of one structure, leaves ``[B, ...]``. The result has the dtypes of ``otherwise``.

    >>> print(where(jnp.array([True, False]), jnp.ones((2, 2)), jnp.zeros((2, 2))))
    [[1. 1.]
     [0. 0.]]
    """

    def pick(a: jax.Array, b: jax.Array) -> jax.Array:
        a, b = jnp.asarray(a), jnp.asarray(b)
        return jnp.where(condition.reshape(condition.shape + (1,) * (a.ndim - 1)), a, b).astype(b.dtype)

    return jax.tree.map(pick, chosen, otherwise)
