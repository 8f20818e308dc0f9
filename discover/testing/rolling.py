"""Steps in environments: with random actions, and with actions that are held."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from discover.contract.environment import Discrete, Environment, MultiDiscrete, Spec, Step
from discover.contract.types import EnvState, Key, Task

_STARTS = 64
"""Starts of an episode from which the range of its first states is taken."""

_MOST_HELD = 8
"""Discrete or factored actions of which each is held for whole episodes, at most."""


class Roll(NamedTuple):
    """Steps with random actions or one that is held, each field ``[steps, ...]``.

    Attributes:
        observation, reward, terminated, truncated: as `Environment.step` gave them.
        at_start: whether state and observation both lie where episodes start.
    """

    observation: jax.Array
    reward: jax.Array
    terminated: jax.Array
    truncated: jax.Array
    at_start: jax.Array


def random_action(spec: Spec, key: Key) -> jax.Array:
    if isinstance(spec.action, Discrete):
        return jax.random.randint(key, (), 0, spec.action.n)
    if isinstance(spec.action, MultiDiscrete):
        return jax.random.randint(key, (len(spec.action.factors),), 0, jnp.asarray(spec.action.factors))
    low, high = (jnp.clip(jnp.asarray(bound, jnp.float32), -1e3, 1e3) for bound in spec.action)
    return jax.random.uniform(key, low.shape, minval=low, maxval=high)


def held_actions(spec: Spec) -> np.ndarray:
    """Actions of which each is held for whole episodes."""
    if isinstance(spec.action, Discrete):
        return np.arange(min(spec.action.n, _MOST_HELD), dtype=np.int32)
    if isinstance(spec.action, MultiDiscrete):
        numbers = np.linspace(0, spec.action.combinations - 1, min(spec.action.combinations, _MOST_HELD)).round()
        return np.stack(np.unravel_index(numbers.astype(np.int32), spec.action.factors), axis=-1).astype(np.int32)
    low, high = (np.clip(np.asarray(bound, np.float32), -1e3, 1e3) for bound in spec.action)
    return np.stack([low, (low + high) / 2, high])


def rolls(environment: Environment, keys: Key, held: jax.Array, steps: int) -> Roll:
    """Rows of steps with random actions, and below them a row for each action that is held."""
    count, more = len(keys), len(held)
    every = jnp.concatenate([jnp.broadcast_to(held[:1], (count, *held.shape[1:])), held])
    again = jnp.concatenate([keys, jnp.broadcast_to(keys[:1], (more,))])
    random = jnp.arange(count + more) < count
    each = jax.vmap(lambda key, action, random: _roll(environment, key, steps, held=action, random=random))
    return each(again, every, random)


def _roll(environment: Environment, key: Key, steps: int, *, held: jax.Array, random: jax.Array) -> Roll:
    """Steps with random actions or one that is held, with a new episode after the end of one."""
    key_task, key_reset, key_steps = jax.random.split(key, 3)
    task, spec = environment.sample_task(key_task), environment.spec()
    starts = jax.vmap(lambda key: _numbers(*environment.reset(key, task)))(jax.random.split(key_reset, _STARTS))
    low, high = starts.min(axis=0), starts.max(axis=0)
    low, high = low - 0.1 * (high - low), high + 0.1 * (high - low)  # a start may lie a little outside of those that were drawn

    def step(state: EnvState, key: Key) -> tuple[EnvState, Roll]:
        after, fresh = _any_step(environment, spec, task, state=state, key=key, held=held, random=random)
        numbers = _numbers(after.state, after.observation)
        at_start = jnp.all((numbers >= low) & (numbers <= high))
        return fresh, Roll(after.observation, after.reward, after.terminated, after.truncated, at_start=at_start)

    return jax.lax.scan(step, environment.reset(key_reset, task)[0], jax.random.split(key_steps, steps))[1]


def _any_step(
    environment: Environment, spec: Spec, task: Task, *, state: EnvState, key: Key, held: jax.Array, random: jax.Array | bool
) -> tuple[Step, EnvState]:
    """A step with a random action or one that is held, and the state to go on from: a fresh one where the episode has ended."""
    key_action, key_step, key_reset = jax.random.split(key, 3)
    action = jnp.where(random, random_action(spec, key_action), held)
    after = environment.step(key_step, state, action, task)
    done, fresh = after.terminated | after.truncated, environment.reset(key_reset, task)[0]
    return after, jax.tree.map(lambda a, b: jnp.where(done, a, b), fresh, after.state)


def _numbers(state: EnvState, observation: jax.Array) -> jax.Array:
    """All numbers of a state and an observation in one row; random keys are left out."""
    leaves = [x for x in jax.tree.leaves((state, observation)) if not jnp.issubdtype(x.dtype, jax.dtypes.prng_key)]
    return jnp.concatenate([jnp.ravel(x).astype(jnp.float32) for x in leaves])


def ends_within(environment: Environment, key: Key, most: int) -> jax.Array:
    """Whether an episode ends within so many random steps."""
    key_task, key_reset = jax.random.split(key)
    task, spec = environment.sample_task(key_task), environment.spec()

    def step(carry: tuple[jax.Array, jax.Array, EnvState]) -> tuple[jax.Array, jax.Array, EnvState]:
        index, _, state = carry
        own = jax.random.fold_in(key, index)
        after, fresh = _any_step(environment, spec, task, state=state, key=own, held=random_action(spec, key), random=True)
        return index + 1, after.terminated | after.truncated, fresh

    start = jnp.zeros((), jnp.int32), jnp.array(False), environment.reset(key_reset, task)[0]
    return jax.lax.while_loop(lambda carry: (carry[0] < most) & ~carry[1], step, start)[1]
