"""One step of all environments of an actor: act, step, reset what has ended, rescale, record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from discover.base.randomness import named_keys
from discover.contract.actor import Actor, recorded, where
from discover.contract.experience import Context, Experience, Unscaled
from discover.contract.network import Inputs

if TYPE_CHECKING:
    from discover.contract.world import World


def next_step(world: World, params: Any, context: Context, actor: Actor, keys: jax.Array) -> tuple[Actor, Experience]:
    """Environments after one step, and the transitions ``[B, ...]`` that it was."""
    columns = actor.first.shape[0]
    key_act, keys_step, keys_reset = keys[0], keys[1 : 1 + columns], keys[1 + columns :]
    inputs = Inputs(actor.observation, actor.first, context, world.progress)
    outputs, carry = world.network.apply(params, world.network_heads, inputs, actor.carry)
    action, log_prob = world.act(key_act, world, outputs, context)
    made = jax.vmap(world.family.step)(keys_step, actor.state, action, actor.task)
    made = made._replace(reward=jnp.asarray(made.reward, jnp.float32))
    done = made.terminated | made.truncated
    task, state, fresh = _reset(world, keys_reset, actor.task, done, made)
    statistics, observation, seen, reward = _normalise(world, actor.normaliser, made, fresh, done)
    normalised = world.normaliser is not None
    experience = Experience(
        observation=actor.observation,
        action=action,
        log_prob=log_prob,
        outputs=outputs,
        reward=reward,
        terminated=made.terminated,
        truncated=made.truncated & ~made.terminated,
        next_observation=seen,
        first=actor.first,
        context=context,
        carry=(),
        task=(),
        unscaled=Unscaled(actor.unscaled, made.reward, made.observation) if normalised else (),
    )
    episodes = recorded(actor.episodes, made.reward, done)
    unscaled = fresh if normalised else ()
    return Actor(state, observation, carry, done, task, statistics, episodes, actor.env_steps, unscaled), experience


def _reset(world: World, keys: jax.Array, task: Any, done: jax.Array, made: Any) -> tuple[Any, Any, jax.Array]:
    """Task, state and observation to go on with: fresh ones where an episode ended."""
    if world.redraw == "episode":
        redrawn = jax.vmap(lambda key: world.family.sample_task(named_keys(key, "task")[0]))(keys)
        task = where(done, redrawn, task)
    state, observation = jax.vmap(world.family.reset)(keys, task)
    return task, where(done, state, made.state), where(done, observation, made.observation)


def _normalise(world: World, statistics: Any, made: Any, fresh: jax.Array, done: jax.Array) -> tuple[Any, ...]:
    """Statistics after the step, and by them: the observation to go on from, the true next one, and the reward."""
    if world.normaliser is None:
        return statistics, fresh, made.observation, made.reward
    statistics, observation = world.normaliser.observe(statistics, fresh)
    seen = world.normaliser.rescale(statistics, made.observation)
    statistics, reward = world.normaliser.reward(statistics, made.reward, done)
    return statistics, observation, where(done, seen, observation), reward
