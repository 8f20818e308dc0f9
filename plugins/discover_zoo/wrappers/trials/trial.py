"""A family of tasks whose episodes are trials: several episodes of one task."""

import math

import jax
import jax.numpy as jnp

from discover import Count, EnvState, Key, Redraw, Spec, Step, Task, action_size, component
from discover_zoo.wrappers.wrapped import Wrapped, WrappedState, shown_action


@component
class Trial(Wrapped):
    """Several episodes of one task as one episode, a trial: the family that the wrapper ``trials`` makes.

    A config writes it where a task consists of trials, as ``bandits-10`` does. A trial terminates with the last of its
    episodes. The network sees the ends of the others, the rule does not.

    >>> from discover_zoo.environments.catch import Catch
    >>> Trial(inner=Catch(), episodes=3).spec().observation_shape
    (69,)

    Attributes:
        inner: the family whose episodes they are.
        episodes: the number of episodes of a trial.
    """

    paper = "Duan et al. 2016, arXiv 1611.02779, section 2.2"

    episodes: Count = 2

    @property
    def redraw(self) -> Redraw:
        return "never" if self.inner.redraw == "never" else "episode"

    @property
    def episodes_per_trial(self) -> int:
        return self.episodes

    def episode_in_trial(self, state: WrappedState) -> jax.Array:
        return state.own

    def spec(self) -> Spec:
        spec = self.inner.spec()
        return spec._replace(observation_shape=(math.prod(spec.observation_shape) + action_size(spec) + 2,))

    def reset(self, key: Key, task: Task) -> tuple[EnvState, jax.Array]:
        inner, observation = self.inner.reset(key, task)
        nothing, zero = jnp.zeros(action_size(self.inner.spec())), jnp.zeros(())
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
            observation=_joined(observation, shown_action(self.inner.spec(), action), step.reward, ended=ended),
            reward=step.reward,
            terminated=over,
            truncated=jnp.array(False),
            shaped=step.shaped,
        )


def _joined(observation: jax.Array, action: jax.Array, reward: jax.Array, *, ended: jax.Array) -> jax.Array:
    flat = observation.astype(jnp.float32).ravel()
    return jnp.concatenate([flat, action, jnp.stack([reward, ended]).astype(jnp.float32)])
