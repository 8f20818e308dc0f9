"""What all wrapped families share."""

from typing import Any, NamedTuple

import jax

from discover import Environment, Redraw, Spec, component


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

    def sample_task(self, key: jax.Array) -> Any:
        return self.inner.sample_task(key)
