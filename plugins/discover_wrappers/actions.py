"""Wrappers that change what actions do."""

from typing import Any

import jax
import jax.numpy as jnp

from discover import Count, Discrete, Environment, Scalar, Spec, Step, Wrapper, component, real
from discover_wrappers.wrapped import Watched, Wrapped


def no_action(spec: Spec) -> jax.Array:
    """What stands for the action before the first: zero."""
    return jnp.zeros((), jnp.int32) if isinstance(spec.action, Discrete) else jnp.zeros(len(spec.action.low))


def settled(spec: Spec, action: jax.Array) -> jax.Array:
    """An action in the dtype of `no_action`."""
    return jnp.asarray(action, jnp.int32 if isinstance(spec.action, Discrete) else jnp.float32)


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

    def reset(self, key: jax.Array, task: Any) -> tuple[Any, jax.Array]:
        return self.inner.reset(key, task)

    def step(self, key: jax.Array, state: Any, action: jax.Array, task: Any) -> Step:
        keys = jax.random.split(key, self.times)
        made = self.inner.step(keys[0], state, action, task)
        made = made._replace(reward=jnp.asarray(made.reward, jnp.float32))

        def again(made: Step, key: jax.Array) -> tuple[Step, None]:
            following = self.inner.step(key, made.state, action, task)
            following = following._replace(reward=made.reward + following.reward)
            over = made.terminated | made.truncated
            return jax.tree.map(lambda a, b: jnp.where(over, a, b), made, following), None

        return jax.lax.scan(again, made, keys[1:])[0]


@component
class StickyActions(Wrapper):
    """With ``probability``, the environment does its previous action once more instead of the agent's (Machado et al. 2018).

    The first action of an episode is always the agent's.
    """

    paper = "Machado et al. 2018, arXiv 1709.06009, section 5"

    probability: Scalar = real(0.25, low=0.0, high=1.0)

    def wrap(self, environment: Environment) -> Environment:
        return Sticky(inner=environment, probability=self.probability)


@component
class Sticky(Wrapped):
    """The family that `StickyActions` makes; its state holds what was done last, and whether anything was."""

    probability: Scalar = real(low=0.0, high=1.0)

    def reset(self, key: jax.Array, task: Any) -> tuple[Watched, jax.Array]:
        inner, observation = self.inner.reset(key, task)
        return Watched(inner, (no_action(self.spec()), jnp.array(False))), observation

    def step(self, key: jax.Array, state: Watched, action: jax.Array, task: Any) -> Step:
        key_sticks, key_step = jax.random.split(key)
        before, acted = state.kept
        sticks = acted & jax.random.bernoulli(key_sticks, self.probability)
        done = jnp.where(sticks, before, settled(self.spec(), action))
        made = self.inner.step(key_step, state.inner, done, task)
        return made._replace(state=Watched(made.state, (done, jnp.array(True))))
