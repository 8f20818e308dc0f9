"""The base class of wrapped task families."""

from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp

from discover import (
    Continuous,
    Environment,
    EnvState,
    Key,
    Redraw,
    Spec,
    Task,
    component,
    encode_action,
    zero_action,
)

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


def shown_action(spec: Spec, action: jax.Array) -> jax.Array:
    """The action as a part of an observation: one-hot if discrete or factored; a real one as it is.

    >>> from discover import Discrete
    >>> print(shown_action(Spec((4,), Discrete(2)), jnp.array(1)))
    [0. 1.]
    """
    return jnp.asarray(action, jnp.float32) if isinstance(spec.action, Continuous) else encode_action(spec, action)


def with_fixed_dtype(spec: Spec, action: jax.Array) -> jax.Array:
    """The action in the dtype of `zero_action`."""
    return jnp.asarray(action, zero_action(spec).dtype)
