"""Checks of environments."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from discover.contract.environment import Discrete, Environment, Spec, Step
from discover.contract.types import EnvState, Key
from discover.testing.components import complete
from discover.testing.failures import finite, form, require, same_bits


def check_environment(environment: Environment, steps: int = 128, num_envs: int = 4) -> None:
    """Check a family with random actions, in several environments side by side; after the end of an episode a new one starts.

    Shapes are those of `check_environment_shapes`. Observations and rewards are finite. The same key gives the same bits. Not
    every step looks the same.

    Args:
        environment: open values are set first.
        steps: of each environment.
        num_envs: B environments, each with a task and keys of its own.

    Raises:
        ConformanceError: the first check that fails, in one sentence.
    """
    environment, name = complete(environment), repr(environment)
    check_environment_shapes(environment)
    roll = jax.jit(lambda e, keys: jax.vmap(lambda key: _roll(e, key, steps))(keys))
    keys = jax.random.split(jax.random.key(0), num_envs)
    observations, rewards, ended = roll(environment, keys)
    require(finite(observations), f"{name} gives observations that are not finite.")
    require(finite(rewards), f"{name} gives rewards that are not finite.")
    require(same_bits((observations, rewards, ended), roll(environment, keys)), f"{name} is not decided by its keys.")
    varied = np.ptp(np.asarray(observations), axis=1).any() or np.ptp(np.asarray(rewards), axis=1).any()
    passes = varied or np.asarray(ended).any()
    require(passes, f"{name} shows and pays the same for {steps} random steps, and never ends.")


def check_environment_shapes(environment: Environment) -> None:
    """Check shapes and dtypes by a trace alone: nothing is run.

    `reset` and `step` give states of one structure, and observations of the spec's shape. The reward is one float32.
    ``terminated`` and ``truncated`` are one bool each.

    Raises:
        ConformanceError: the first check that fails, in one sentence.

    >>> from discover.testing.small import Corridor
    >>> check_environment_shapes(Corridor())
    """
    environment, name = complete(environment), repr(environment)
    spec = environment.spec()
    require(isinstance(spec, Spec), f"{name} gives no Spec but {type(spec).__name__}.")
    require(
        environment.redraw in ("never", "episode", "update"),
        f"{name} redraws '{environment.redraw}': never, episode or update.",
    )
    key = jax.random.key(0)
    task = jax.eval_shape(environment.sample_task, key)
    require(jax.tree.leaves(task), f"{name} has tasks without a single array: give at least a zero.")
    state, observation = jax.eval_shape(environment.reset, key, task)
    action = jax.eval_shape(lambda key: _random_action(spec, key), key)
    after = jax.eval_shape(environment.step, key, state, action, task)
    require(isinstance(after, Step), f"{name}.step gives {type(after).__name__}, not Step.")
    require(form(after.state) == form(state), f"{name}.step gives a state of another form than reset does.")
    for method, value in (("reset", observation), ("step", after.observation)):
        shape, expected = tuple(value.shape), tuple(spec.observation_shape)
        require(shape == expected, f"{name}.{method} gives an observation of shape {shape}; its spec says {expected}.")
    require(observation.dtype == after.observation.dtype, f"{name} gives observations of two dtypes.")
    require(_is(after.reward, jnp.float32), f"{name} gives a reward of {after.reward}, not one float32.")
    for end in ("terminated", "truncated"):
        require(_is(getattr(after, end), jnp.bool_), f"{name} gives '{end}' as {getattr(after, end)}, not one truth value.")


def _is(value: jax.Array, dtype: DTypeLike) -> bool:
    """Whether a value is a scalar of a dtype."""
    return value.shape == () and value.dtype == dtype


def _random_action(spec: Spec, key: Key) -> jax.Array:
    if isinstance(spec.action, Discrete):
        return jax.random.randint(key, (), 0, spec.action.n)
    low, high = (jnp.clip(jnp.asarray(bound, jnp.float32), -1e3, 1e3) for bound in spec.action)
    return jax.random.uniform(key, low.shape, minval=low, maxval=high)


def _roll(environment: Environment, key: Key, steps: int) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Observations, rewards and ends of episodes over ``steps`` steps with random actions."""
    key_task, key_reset, key_steps = jax.random.split(key, 3)
    task, spec = environment.sample_task(key_task), environment.spec()

    def step(state: EnvState, key: Key) -> tuple[EnvState, tuple[jax.Array, jax.Array, jax.Array]]:
        key_action, key_step, key_reset = jax.random.split(key, 3)
        after = environment.step(key_step, state, _random_action(spec, key_action), task)
        done = after.terminated | after.truncated
        fresh = environment.reset(key_reset, task)[0]
        state = jax.tree.map(lambda a, b: jnp.where(done, a, b), fresh, after.state)
        return state, (after.observation, after.reward, done)

    return jax.lax.scan(step, environment.reset(key_reset, task)[0], jax.random.split(key_steps, steps))[1]
