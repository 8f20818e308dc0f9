"""Progress of a curriculum over agents: ``alpha``, 0 for the simplest agent alone and 1 for the one to be trained."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import jax
import jax.numpy as jnp

from discover import Component, Scalar, component, real


class Share(Component):
    """A schedule of ``alpha``."""

    kind: ClassVar[str] = "share"

    def __call__(self, progress: jax.Array) -> jax.Array:
        """``alpha`` in ``[0, 1]`` when ``progress`` of the lifetime is spent."""
        raise NotImplementedError

    def completed(self) -> "Share":
        """The schedule of the agent to be trained alone."""
        return Held(alpha=1.0)


@component
class Held(Share):
    """A constant ``alpha``: for a search, or for population-based training, which changes it while agents learn.

    >>> Held(alpha=0.25)(jnp.array(0.9))
    Array(0.25, dtype=float32)
    """

    alpha: Scalar = real(0.0, low=0.0, high=1.0)

    def __call__(self, progress: jax.Array) -> jax.Array:
        del progress
        return jnp.asarray(self.alpha)


@component
class Ramp(Share):
    """From ``start`` to ``stop`` while the progress goes from ``begin`` to ``end``; before and after it stays.

    With ``u = (progress - begin) / (end - begin)`` clipped to ``[0, 1]``: ``alpha = start + (stop - start) * s(u)``, where
    ``s(u) = u`` if linear, or ``u^2 (3 - 2 u)``, whose slope is 0 at both ends, if smooth.

    >>> Ramp(end=0.5)(jnp.array(0.25))
    Array(0.5, dtype=float32)

    Attributes:
        start, stop: ``alpha`` before and after the ramp.
        begin, end: progress of the lifetime between which the ramp lies.
        shape: linear or smooth.
    """

    start: Scalar = real(0.0, low=0.0, high=1.0)
    stop: Scalar = real(1.0, low=0.0, high=1.0)
    begin: Scalar = real(0.0, low=0.0, high=1.0)
    end: Scalar = real(0.5, low=0.0, high=1.0)
    shape: Literal["linear", "smooth"] = "linear"

    def __call__(self, progress: jax.Array) -> jax.Array:
        u = jnp.clip((progress - self.begin) / jnp.maximum(self.end - self.begin, 1e-6), 0.0, 1.0)
        return self.start + (self.stop - self.start) * (u if self.shape == "linear" else u**2 * (3.0 - 2.0 * u))

    def figures(self) -> Mapping[str, Any]:
        from matplotlib.figure import Figure

        figure, progress = Figure(figsize=(5, 3), layout="constrained"), jnp.linspace(0.0, 1.0, 201)
        axes = figure.add_subplot(xlabel="share of the lifetime", ylabel="alpha", ylim=(-0.05, 1.05))
        axes.plot(progress, self(progress))
        return {"alpha": figure}
