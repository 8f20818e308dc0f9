"""The last few observations in one."""

import jax
import jax.numpy as jnp

from discover import Count, Environment, Key, Registry, Spec, Step, Task, Wrapper, component, hookimpl
from discover_zoo.wrappers.wrapped import Watched, Wrapped


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

    def reset(self, key: Key, task: Task) -> tuple[Watched, jax.Array]:
        inner, observation = self.inner.reset(key, task)
        shown = jnp.concatenate([self._frame(observation)] * self.frames, axis=-1)
        return Watched(inner, shown), shown

    def step(self, key: Key, state: Watched, action: jax.Array, task: Task) -> Step:
        made = self.inner.step(key, state.inner, action, task)
        frame = self._frame(made.observation)
        shown = jnp.concatenate([state.kept[..., frame.shape[-1] :], frame], axis=-1)
        return made._replace(state=Watched(made.state, shown), observation=shown)

    def _frame(self, observation: jax.Array) -> jax.Array:
        return observation[..., None] if observation.ndim == 2 else observation


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("frame_stack", FrameStack)
