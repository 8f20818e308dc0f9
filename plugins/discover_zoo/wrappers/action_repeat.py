"""Repetition of each action."""

from typing import Any

import jax
import jax.numpy as jnp

from discover import Count, Environment, EnvState, Key, Registry, Step, Task, Wrapper, component, hookimpl
from discover_zoo.wrappers.wrapped import Wrapped


@component
class ActionRepeat(Wrapper):
    """Repeats each action ``times`` times and sums the rewards; stops early where the episode ends.

    The budget of a lifetime counts the agent's actions: one step, however often each is repeated.

    >>> from discover_zoo.environments.catch import Catch
    >>> repeated, zero = ActionRepeat(times=3).wrap(Catch()), jnp.zeros((), jnp.int32)
    >>> state, _ = repeated.reset(jax.random.key(0), zero)
    >>> int(repeated.step(jax.random.key(1), state, jnp.int32(1), zero).state.ball_row)
    3

    Attributes:
        times: how often each action is repeated.
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
        first = self.inner.step(keys[0], state, action, task)
        first = first._replace(**_rewards(first))

        def repeat(step: Step, key: Key) -> tuple[Step, None]:
            following = self.inner.step(key, step.state, action, task)
            sums = jax.tree.map(jnp.add, _rewards(step), _rewards(following))
            following = following._replace(**sums)
            ended = step.terminated | step.truncated
            return jax.tree.map(lambda a, b: jnp.where(ended, a, b), step, following), None

        return jax.lax.scan(repeat, first, keys[1:])[0]


def _rewards(step: Step) -> dict[str, Any]:
    """The reward and the shaped reward, if there is one, in float32."""
    return jax.tree.map(lambda x: jnp.asarray(x, jnp.float32), {"reward": step.reward, "shaped": step.shaped})


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("action_repeat", ActionRepeat)
