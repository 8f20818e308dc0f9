"""Wrappers that change what the agent sees."""

import math
from typing import Any

import jax
import jax.numpy as jnp

from discover import Count, Discrete, Environment, Spec, Step, Wrapper, component
from discover_wrappers.actions import no_action
from discover_wrappers.wrapped import Watched, Wrapped


@component
class FrameStack(Wrapper):
    """Shows the last ``frames`` observations, the newest last; at the start of an episode the first one stands for all.

    Vectors ``[n]`` become ``[frames * n]``; pictures ``[height, width]`` or ``[height, width, channels]`` become
    ``[height, width, frames * channels]``.
    """

    paper = "Mnih et al. 2015, Nature 518"

    frames: Count = 4

    def wrap(self, environment: Environment) -> Environment:
        return Stacked(inner=environment, frames=self.frames)


@component
class Stacked(Wrapped):
    """The family that `FrameStack` makes; its state holds the observations that are shown."""

    frames: int

    def spec(self) -> Spec:
        spec = self.inner.spec()
        *outer, last = (*spec.observation_shape, 1) if len(spec.observation_shape) == 2 else spec.observation_shape
        return spec._replace(observation_shape=(*outer, self.frames * last))

    def reset(self, key: jax.Array, task: Any) -> tuple[Watched, jax.Array]:
        inner, observation = self.inner.reset(key, task)
        shown = jnp.concatenate([self._frame(observation)] * self.frames, axis=-1)
        return Watched(inner, shown), shown

    def step(self, key: jax.Array, state: Watched, action: jax.Array, task: Any) -> Step:
        made = self.inner.step(key, state.inner, action, task)
        frame = self._frame(made.observation)
        shown = jnp.concatenate([state.kept[..., frame.shape[-1] :], frame], axis=-1)
        return made._replace(state=Watched(made.state, shown), observation=shown)

    def _frame(self, observation: jax.Array) -> jax.Array:
        return observation[..., None] if observation.ndim == 2 else observation


@component
class LastActionAndReward(Wrapper):
    """Shows the last action (one-hot if discrete) and the last reward after the observation; zeros at the start of an episode.

    The observation becomes one vector ``[n + actions + 1]``.
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

    def reset(self, key: jax.Array, task: Any) -> tuple[Any, jax.Array]:
        state, observation = self.inner.reset(key, task)
        nothing = jnp.zeros_like(self._encoded(no_action(self.inner.spec())))
        return state, self._shown(observation, nothing, jnp.zeros(()))

    def step(self, key: jax.Array, state: Any, action: jax.Array, task: Any) -> Step:
        made = self.inner.step(key, state, action, task)
        return made._replace(observation=self._shown(made.observation, self._encoded(action), made.reward))

    def _encoded(self, action: jax.Array) -> jax.Array:
        space = self.inner.spec().action
        return jax.nn.one_hot(action, space.n) if isinstance(space, Discrete) else jnp.asarray(action, jnp.float32)

    def _shown(self, observation: jax.Array, action: jax.Array, reward: jax.Array) -> jax.Array:
        seen = observation.astype(jnp.float32).ravel()
        return jnp.concatenate([seen, action, jnp.asarray(reward, jnp.float32)[None]])
