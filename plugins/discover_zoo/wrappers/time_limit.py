"""A limit on the length of episodes."""

import jax
import jax.numpy as jnp

from discover import Count, Environment, Key, Registry, Step, Task, Wrapper, component, hookimpl
from discover_zoo.wrappers.wrapped import Wrapped, WrappedState


@component
class TimeLimit(Wrapper):
    """Truncates an episode after ``steps`` steps. It does not terminate: the value of the true next state still follows.

    An episode that ends by itself in that very step is not truncated.

    >>> from discover_zoo.environments.catch import Catch
    >>> limited, zero = TimeLimit(steps=1).wrap(Catch()), jnp.zeros((), jnp.int32)
    >>> state, _ = limited.reset(jax.random.key(0), zero)
    >>> bool(limited.step(jax.random.key(1), state, jnp.int32(1), zero).truncated)
    True

    Attributes:
        steps: the most steps of an episode.
    """

    steps: Count = 1000

    def wrap(self, environment: Environment) -> Environment:
        return Limited(inner=environment, steps=self.steps)


@component
class Limited(Wrapped):
    """The family that `TimeLimit` makes; its own state counts the steps of the episode."""

    steps: int

    def reset(self, key: Key, task: Task) -> tuple[WrappedState, jax.Array]:
        inner, observation = self.inner.reset(key, task)
        return WrappedState(inner, jnp.zeros((), jnp.int32)), observation

    def step(self, key: Key, state: WrappedState, action: jax.Array, task: Task) -> Step:
        step, count = self.inner.step(key, state.inner, action, task), state.own + 1
        late = (count >= self.steps) & ~step.terminated
        return step._replace(state=WrappedState(step.state, count), truncated=step.truncated | late)


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("time_limit", TimeLimit)
