"""The last few observations in one."""

import jax
import jax.numpy as jnp

from discover import Count, Environment, Key, Registry, Spec, Step, Task, Wrapper, component, hookimpl
from discover_zoo.wrappers.wrapped import Wrapped, WrappedState


@component
class FrameStack(Wrapper):
    """Gives the last ``frames`` observations, the newest last; at the start of an episode they are copies of the first one.

    Vectors ``[n]`` become ``[frames * n]``; images ``[height, width]`` or ``[height, width, channels]`` become
    ``[height, width, frames * channels]``.

    >>> from discover_zoo.environments.catch import Catch
    >>> FrameStack(frames=4).wrap(Catch()).spec().observation_shape
    (8, 8, 4)

    Attributes:
        frames: how many observations.
    """

    paper = "Mnih et al. 2015, Nature 518"

    frames: Count = 4

    def wrap(self, environment: Environment) -> Environment:
        return Stacked(inner=environment, frames=self.frames)


@component
class Stacked(Wrapped):
    """The family that `FrameStack` makes; its own state is the stack of observations."""

    frames: int

    def spec(self) -> Spec:
        spec = self.inner.spec()
        *outer, last = (*spec.observation_shape, 1) if len(spec.observation_shape) == 2 else spec.observation_shape
        return spec._replace(observation_shape=(*outer, self.frames * last))

    def reset(self, key: Key, task: Task) -> tuple[WrappedState, jax.Array]:
        inner, observation = self.inner.reset(key, task)
        stack = jnp.concatenate([self._frame(observation)] * self.frames, axis=-1)
        return WrappedState(inner, stack), stack

    def step(self, key: Key, state: WrappedState, action: jax.Array, task: Task) -> Step:
        step = self.inner.step(key, state.inner, action, task)
        frame = self._frame(step.observation)
        stack = jnp.concatenate([state.own[..., frame.shape[-1] :], frame], axis=-1)
        return step._replace(state=WrappedState(step.state, stack), observation=stack)

    def _frame(self, observation: jax.Array) -> jax.Array:
        return observation[..., None] if observation.ndim == 2 else observation


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("frame_stack", FrameStack)
