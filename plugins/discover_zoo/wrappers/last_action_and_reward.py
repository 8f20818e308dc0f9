"""The last action and reward beside the observation."""

import math

import jax
import jax.numpy as jnp

from discover import Environment, EnvState, Key, Registry, Spec, Step, Task, Wrapper, action_size, component, hookimpl
from discover_zoo.wrappers.wrapped import Wrapped, shown_action


@component
class LastActionAndReward(Wrapper):
    """Adds the last action (one-hot if discrete) and the last reward to the observation; zeros at the start of an episode.

    Of a factored action, each choice is one-hot.

    The observation becomes one vector ``[n + actions + 1]``.

    >>> from discover_zoo.environments.catch import Catch
    >>> LastActionAndReward().wrap(Catch()).spec().observation_shape
    (68,)
    """

    paper = "Mirowski et al. 2017, arXiv 1611.03673"

    def wrap(self, environment: Environment) -> Environment:
        return Extended(inner=environment)


@component
class Extended(Wrapped):
    """The family that `LastActionAndReward` makes."""

    def spec(self) -> Spec:
        spec = self.inner.spec()
        return spec._replace(observation_shape=(math.prod(spec.observation_shape) + action_size(spec) + 1,))

    def reset(self, key: Key, task: Task) -> tuple[EnvState, jax.Array]:
        state, observation = self.inner.reset(key, task)
        return state, self._joined(observation, jnp.zeros(action_size(self.inner.spec())), jnp.zeros(()))

    def step(self, key: Key, state: EnvState, action: jax.Array, task: Task) -> Step:
        step = self.inner.step(key, state, action, task)
        return step._replace(observation=self._joined(step.observation, shown_action(self.inner.spec(), action), step.reward))

    def _joined(self, observation: jax.Array, action: jax.Array, reward: jax.Array) -> jax.Array:
        flat = observation.astype(jnp.float32).ravel()
        return jnp.concatenate([flat, action, jnp.asarray(reward, jnp.float32)[None]])


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("last_action_and_reward", LastActionAndReward)
