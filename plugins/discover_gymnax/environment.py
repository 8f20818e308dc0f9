"""gymnax environments as task families of one."""

import functools
from typing import Any

import gymnax
import jax
import jax.numpy as jnp

from discover import Continuous, Discrete, Environment, Spec, Step, component


@functools.cache
def _make(name: str) -> tuple[Any, Any]:
    return gymnax.make(name)


@component
class Gymnax(Environment):
    """A gymnax environment with its default parameters. Truncation (a time limit) is told from termination."""

    id: str

    def spec(self) -> Spec:
        env, params = _make(self.id)
        space = env.action_space(params)
        if hasattr(space, "n"):
            action = Discrete(int(space.n))
        else:
            low, high = (jnp.broadcast_to(x, space.shape).ravel().tolist() for x in (space.low, space.high))
            action = Continuous(tuple(low), tuple(high))
        return Spec(tuple(env.observation_space(params).shape), action)

    def sample_task(self, key: jax.Array) -> Any:
        return jnp.zeros((), jnp.int32)

    def reset(self, key: jax.Array, task: Any) -> tuple[Any, jax.Array]:
        env, params = _make(self.id)
        observation, state = env.reset_env(key, params)
        return state, observation

    def step(self, key: jax.Array, state: Any, action: jax.Array, task: Any) -> Step:
        env, params = _make(self.id)
        observation, state, reward, terminated, _ = env.step_env(key, state, action, params)
        return Step(state, observation, jnp.float32(reward), terminated, env.is_truncated(state, params))
