"""The last action and reward beside the observation."""

import math

import jax
import jax.numpy as jnp

from discover import Discrete, Environment, EnvState, Key, Registry, Spec, Step, Task, Wrapper, component, hookimpl
from discover_zoo.wrappers.wrapped import Wrapped, no_action


@component
class LastActionAndReward(Wrapper):
    """Adds the last action (one-hot if discrete) and the last reward to the observation; zeros at the start of an episode.

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
        actions = spec.action.n if isinstance(spec.action, Discrete) else len(spec.action.low)
        return spec._replace(observation_shape=(math.prod(spec.observation_shape) + actions + 1,))

    def reset(self, key: Key, task: Task) -> tuple[EnvState, jax.Array]:
        state, observation = self.inner.reset(key, task)
        zero = jnp.zeros_like(self._encoded(no_action(self.inner.spec())))
        return state, self._joined(observation, zero, jnp.zeros(()))

    def step(self, key: Key, state: EnvState, action: jax.Array, task: Task) -> Step:
        step = self.inner.step(key, state, action, task)
        return step._replace(observation=self._joined(step.observation, self._encoded(action), step.reward))

    def _encoded(self, action: jax.Array) -> jax.Array:
        space = self.inner.spec().action
        return jax.nn.one_hot(action, space.n) if isinstance(space, Discrete) else jnp.asarray(action, jnp.float32)

    def _joined(self, observation: jax.Array, action: jax.Array, reward: jax.Array) -> jax.Array:
        flat = observation.astype(jnp.float32).ravel()
        return jnp.concatenate([flat, action, jnp.asarray(reward, jnp.float32)[None]])


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("last_action_and_reward", LastActionAndReward)
