"""What all wrapped families share."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from discover import Discrete, Environment, Key, Redraw, Spec, Task, component


class Watched(NamedTuple):
    """The state of a wrapped environment: that of the inner one, and what the wrapper keeps beside it."""

    inner: Any
    kept: Any


@component
class Wrapped(Environment):
    """A family around another: the same tasks, drawn anew when the other says."""

    inner: Environment

    @property
    def redraw(self) -> Redraw:
        return self.inner.redraw

    def spec(self) -> Spec:
        return self.inner.spec()

    def sample_task(self, key: Key) -> Task:
        return self.inner.sample_task(key)


def no_action(spec: Spec) -> jax.Array:
    """What stands for the action before the first: zero."""
    return jnp.zeros((), jnp.int32) if isinstance(spec.action, Discrete) else jnp.zeros(len(spec.action.low))


def settled(spec: Spec, action: jax.Array) -> jax.Array:
    """An action in the dtype of `no_action`."""
    return jnp.asarray(action, jnp.int32 if isinstance(spec.action, Discrete) else jnp.float32)
