"""Each action several times."""

import jax
import jax.numpy as jnp

from discover import Count, Environment, EnvState, Key, Registry, Step, Task, Wrapper, component, hookimpl
from discover_zoo.wrappers.wrapped import Wrapped


@component
class ActionRepeat(Wrapper):
    """Does each action ``times`` times and pays the sum; stops early where the episode ends.

    The clock counts what the agent does: one step, however often its action is repeated.
    """

    times: Count = 4

    def wrap(self, environment: Environment) -> Environment:
        return Repeated(inner=environment, times=self.times)


@component
class Repeated(Wrapped):
    """The family that `ActionRepeat` makes."""

    times: int

    def reset(self, key: Key, task: Task) -> tuple[EnvState, jax.Array]:
        return self.inner.reset(key, task)

    def step(self, key: Key, state: EnvState, action: jax.Array, task: Task) -> Step:
        keys = jax.random.split(key, self.times)
        made = self.inner.step(keys[0], state, action, task)
        made = made._replace(reward=jnp.asarray(made.reward, jnp.float32))

        def again(made: Step, key: Key) -> tuple[Step, None]:
            following = self.inner.step(key, made.state, action, task)
            following = following._replace(reward=made.reward + following.reward)
            over = made.terminated | made.truncated
            return jax.tree.map(lambda a, b: jnp.where(over, a, b), made, following), None

        return jax.lax.scan(again, made, keys[1:])[0]


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("action_repeat", ActionRepeat)
