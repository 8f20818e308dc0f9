"""The base class of wrapped task families."""

from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp

from discover import Discrete, Environment, EnvState, Key, Redraw, Spec, Task, component

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class WrappedState(NamedTuple):
    """The state of a wrapped environment: that of the inner environment, and the wrapper's own."""

    inner: EnvState
    own: Any


@component
class Wrapped(Environment):
    """A task family around another: the same tasks, drawn anew when the other draws them.

    Attributes:
        inner: the other.
    """

    inner: Environment

    @property
    def redraw(self) -> Redraw:
        return self.inner.redraw

    def spec(self) -> Spec:
        return self.inner.spec()

    def sample_task(self, key: Key) -> Task:
        return self.inner.sample_task(key)

    def expert(self, state: EnvState, task: Task) -> jax.Array:
        return self.inner.expert(_inner(state), task)

    def difficulty(self, task: Task) -> jax.Array:
        return self.inner.difficulty(task)

    @property
    def episodes_per_trial(self) -> int:
        return self.inner.episodes_per_trial

    def episode_in_trial(self, state: EnvState) -> jax.Array:
        return self.inner.episode_in_trial(_inner(state))

    def render(self, axes: "Axes", state: EnvState, task: Task) -> None:
        self.inner.render(axes, _inner(state), task)


def _inner(state: EnvState) -> EnvState:
    return state.inner if isinstance(state, WrappedState) else state


def no_action(spec: Spec) -> jax.Array:
    """Zero, in the place of the action before the first.

    >>> no_action(Spec((4,), Discrete(2)))
    Array(0, dtype=int32)
    """
    return jnp.zeros((), jnp.int32) if isinstance(spec.action, Discrete) else jnp.zeros(len(spec.action.low))


def with_fixed_dtype(spec: Spec, action: jax.Array) -> jax.Array:
    """The action in the dtype of `no_action`."""
    return jnp.asarray(action, jnp.int32 if isinstance(spec.action, Discrete) else jnp.float32)
