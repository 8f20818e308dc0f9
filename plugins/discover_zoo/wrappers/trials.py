"""Several episodes of one task as one episode."""

import math

import jax
import jax.numpy as jnp

from discover import (
    Count,
    Discrete,
    Environment,
    EnvState,
    Key,
    Redraw,
    Registry,
    Spec,
    Step,
    Task,
    Wrapper,
    component,
    hookimpl,
)
from discover_zoo.wrappers.wrapped import Wrapped, WrappedState, no_action


@component
class Trials(Wrapper):
    """Makes ``episodes`` episodes of one task one long episode, a trial (Duan et al. 2016, section 2.2).

    A recurrent network then keeps its memory, and returns are discounted, across the ends of the episodes inside; a family
    draws a new task for each trial. The observation becomes one vector: the observation, the last action (one-hot if discrete),
    the last reward, and 1 where an episode inside has just ended; all but the first part are zeros at the start of a trial.

    >>> from discover_zoo.environments.catch import Catch
    >>> Trials(episodes=3).wrap(Catch()).spec().observation_shape
    (69,)

    Attributes:
        episodes: the number of episodes of a trial.
    """

    paper = "Duan et al. 2016, arXiv 1611.02779, section 2.2"

    episodes: Count = 2

    def wrap(self, environment: Environment) -> Environment:
        return Trial(inner=environment, episodes=self.episodes)


@component
class Trial(Wrapped):
    """The family that `Trials` makes; its own state counts the episodes inside that have ended."""

    episodes: Count = 2

    @property
    def redraw(self) -> Redraw:
        return "never" if self.inner.redraw == "never" else "episode"

    def spec(self) -> Spec:
        spec = self.inner.spec()
        actions = spec.action.n if isinstance(spec.action, Discrete) else len(spec.action.low)
        return spec._replace(observation_shape=(math.prod(spec.observation_shape) + actions + 2,))

    def reset(self, key: Key, task: Task) -> tuple[EnvState, jax.Array]:
        inner, observation = self.inner.reset(key, task)
        nothing, zero = jnp.zeros_like(self._encoded(no_action(self.inner.spec()))), jnp.zeros(())
        return WrappedState(inner, jnp.zeros((), jnp.int32)), _joined(observation, nothing, zero, ended=zero)

    def step(self, key: Key, state: WrappedState, action: jax.Array, task: Task) -> Step:
        key_step, key_reset = jax.random.split(key)
        step = self.inner.step(key_step, state.inner, action, task)
        ended = step.terminated | step.truncated
        count = state.own + ended
        over = count >= self.episodes
        fresh, first = self.inner.reset(key_reset, task)
        inner = jax.tree.map(lambda new, old: jnp.where(ended & ~over, new, old), fresh, step.state)
        observation = jnp.where(ended & ~over, first, step.observation)
        return Step(
            state=WrappedState(inner, count),
            observation=_joined(observation, self._encoded(action), step.reward, ended=ended),
            reward=step.reward,
            terminated=over,
            truncated=jnp.array(False),
            shaped=step.shaped,
        )

    def _encoded(self, action: jax.Array) -> jax.Array:
        space = self.inner.spec().action
        return jax.nn.one_hot(action, space.n) if isinstance(space, Discrete) else jnp.asarray(action, jnp.float32)


def _joined(observation: jax.Array, action: jax.Array, reward: jax.Array, *, ended: jax.Array) -> jax.Array:
    flat = observation.astype(jnp.float32).ravel()
    return jnp.concatenate([flat, action, jnp.stack([reward, ended]).astype(jnp.float32)])


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("trials", Trials)
    registry.add("trial", Trial)
