"""A limit on the length of episodes."""

import jax
import jax.numpy as jnp

from discover import Count, Environment, Key, Registry, Step, Task, Wrapper, component, hookimpl
from discover_zoo.wrappers.wrapped import Watched, Wrapped


@component
class TimeLimit(Wrapper):
    """Truncates an episode after ``steps`` steps. It does not terminate: the value of the true next state still follows.

    An episode that ends by itself in that very step is not truncated.
    """

    steps: Count = 1000

    def wrap(self, environment: Environment) -> Environment:
        return Limited(inner=environment, steps=self.steps)


@component
class Limited(Wrapped):
    """The family that `TimeLimit` makes; its state counts steps."""

    steps: int

    def reset(self, key: Key, task: Task) -> tuple[Watched, jax.Array]:
        inner, observation = self.inner.reset(key, task)
        return Watched(inner, jnp.zeros((), jnp.int32)), observation

    def step(self, key: Key, state: Watched, action: jax.Array, task: Task) -> Step:
        made, count = self.inner.step(key, state.inner, action, task), state.kept + 1
        late = (count >= self.steps) & ~made.terminated
        return made._replace(state=Watched(made.state, count), truncated=made.truncated | late)


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("time_limit", TimeLimit)
