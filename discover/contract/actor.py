"""Actors: environments in the middle of their episodes, and the record of what they have returned."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp


class Episodes(NamedTuple):
    """Running record of episodes, per environment ``[B]`` and summed over the steps since the last reading."""

    current_return: jax.Array
    current_length: jax.Array
    last_return: jax.Array
    last_length: jax.Array
    finished: jax.Array  # [B] whether any episode has ended yet
    return_sum: jax.Array  # sum over steps and environments of the last finished episode's return
    length_sum: jax.Array
    covered: jax.Array  # how many (step, environment) pairs the sums cover


class Actor(NamedTuple):
    """B environments in the middle of their episodes, and how many env steps have been taken in them."""

    state: Any
    observation: jax.Array
    carry: Any
    is_first: jax.Array
    task: Any
    normalizer: Any
    episodes: Episodes
    env_steps: jax.Array
    unscaled: Any = ()  # the observation before the normalizer, if there is one


def recorded(episodes: Episodes, reward: jax.Array, done: jax.Array) -> Episodes:
    """The record with one step of every environment added."""
    current = episodes.current_return + reward
    length = episodes.current_length + 1.0
    last = jnp.where(done, current, episodes.last_return)
    last_length = jnp.where(done, length, episodes.last_length)
    finished = episodes.finished | done
    return Episodes(
        current_return=jnp.where(done, 0.0, current),
        current_length=jnp.where(done, 0.0, length),
        last_return=last,
        last_length=last_length,
        finished=finished,
        return_sum=episodes.return_sum + jnp.sum(jnp.where(finished, last, 0.0)),
        length_sum=episodes.length_sum + jnp.sum(jnp.where(finished, last_length, 0.0)),
        covered=episodes.covered + jnp.sum(finished.astype(jnp.float32)),
    )


def where(condition: jax.Array, chosen: Any, otherwise: Any) -> Any:
    """Per column: ``chosen`` where ``condition[B]``, else ``otherwise``."""

    def pick(a: jax.Array, b: jax.Array) -> jax.Array:
        a, b = jnp.asarray(a), jnp.asarray(b)
        return jnp.where(condition.reshape(condition.shape + (1,) * (a.ndim - 1)), a, b).astype(b.dtype)

    return jax.tree.map(pick, chosen, otherwise)
