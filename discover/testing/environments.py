"""Laws of environments."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from discover.contract.environment import Discrete, Environment, Spec, Step
from discover.testing.components import settled
from discover.testing.failures import finite, form, require, same_bits


def check_environment(environment: Environment, steps: int = 128, columns: int = 4) -> None:
    """Check an environment by acting at random, several columns side by side, started anew where an episode ends.

    Shapes are as `check_environment_shapes` says; observations and rewards are finite; the same key gives the same bits; time
    passes; tasks of one structure.

    Raises:
        ConformanceError: in one sentence.
    """
    environment, name = settled(environment), _called(environment)
    check_environment_shapes(environment)
    roll = jax.jit(lambda e, keys: jax.vmap(lambda key: _roll(e, key, steps))(keys))
    keys = jax.random.split(jax.random.key(0), columns)
    observations, rewards, ended = roll(environment, keys)
    require(finite(observations), f"{name} gives observations that are not finite.")
    require(finite(rewards), f"{name} gives rewards that are not finite.")
    require(same_bits((observations, rewards, ended), roll(environment, keys)), f"{name} is not decided by its keys.")
    seen, paid = np.asarray(observations), np.asarray(rewards)
    passes = np.ptp(seen, axis=1).any() or np.ptp(paid, axis=1).any() or np.asarray(ended).any()
    require(passes, f"{name} shows and pays the same for {steps} random steps, and never ends.")


def check_environment_shapes(environment: Environment) -> None:
    """Check shapes and dtypes by a trace alone: nothing is run.

    `reset` and `step` give the same form of state and an observation as the spec says; the reward is one float32;
    terminated and truncated are two truth values.

    Raises:
        ConformanceError: in one sentence.
    """
    environment, name = settled(environment), _called(environment)
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
    made = jax.eval_shape(environment.step, key, state, action, task)
    require(isinstance(made, Step), f"{name}.step gives {type(made).__name__}, not Step.")
    require(form(made.state) == form(state), f"{name}.step gives a state of another form than reset does.")
    for how, seen in (("reset", observation), ("step", made.observation)):
        require(
            tuple(seen.shape) == tuple(spec.observation_shape),
            f"{name}.{how} gives an observation of shape {tuple(seen.shape)}; its spec says {tuple(spec.observation_shape)}.",
        )
    require(observation.dtype == made.observation.dtype, f"{name} gives observations of two dtypes.")
    require(_is(made.reward, jnp.float32), f"{name} gives a reward of {made.reward}, not one float32.")
    for how in ("terminated", "truncated"):
        require(_is(getattr(made, how), jnp.bool_), f"{name} gives '{how}' as {getattr(made, how)}, not one truth value.")


def _called(environment: Environment) -> str:
    return repr(environment)


def _is(value: Any, dtype: Any) -> bool:
    return value.shape == () and value.dtype == dtype


def _random_action(spec: Spec, key: jax.Array) -> jax.Array:
    if isinstance(spec.action, Discrete):
        return jax.random.randint(key, (), 0, spec.action.n)
    low, high = (jnp.clip(jnp.asarray(bound, jnp.float32), -1e3, 1e3) for bound in spec.action)
    return jax.random.uniform(key, low.shape, minval=low, maxval=high)


def _roll(environment: Environment, key: jax.Array, steps: int) -> tuple[jax.Array, jax.Array, jax.Array]:
    key_task, key_reset, key_steps = jax.random.split(key, 3)
    task, spec = environment.sample_task(key_task), environment.spec()

    def step(state: Any, key: jax.Array) -> tuple[Any, tuple[jax.Array, jax.Array, jax.Array]]:
        key_action, key_step, key_reset = jax.random.split(key, 3)
        made = environment.step(key_step, state, _random_action(spec, key_action), task)
        done = made.terminated | made.truncated
        fresh = environment.reset(key_reset, task)[0]
        state = jax.tree.map(lambda a, b: jnp.where(done, a, b), fresh, made.state)
        return state, (made.observation, made.reward, done)

    return jax.lax.scan(step, environment.reset(key_reset, task)[0], jax.random.split(key_steps, steps))[1]
