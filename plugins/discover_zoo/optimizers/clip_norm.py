"""A bound on the norm of the gradient, around any optimiser."""

from typing import Any

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from discover import Optimiser, Registry, Scalar, component, hookimpl, real
from discover_zoo.optimizers.slopes import FINITE_SLOPE


@component
class ClipNorm(Optimiser):
    """Scale the gradient down to a global norm of at most ``max_norm``, then let ``optimiser`` use it.

    An optimiser that does not care which array a parameter is in gets one flat vector, which is faster.
    """

    optimiser: Optimiser
    max_norm: Scalar = real(0.5, low=0.01, high=100.0, scale="log")

    @property
    def layerwise(self) -> bool:
        return self.optimiser.layerwise

    def init(self, params: Any) -> Any:
        return self.optimiser.init(params if self.layerwise else ravel_pytree(params)[0])

    def update(self, gradient: Any, state: Any, params: Any, progress: jax.Array) -> tuple[Any, Any]:
        flat, unravel = ravel_pytree(gradient)
        flat = flat * jnp.minimum(1.0, self.max_norm * jax.lax.rsqrt(jnp.sum(flat**2) + FINITE_SLOPE))
        if self.layerwise:
            return self.optimiser.update(unravel(flat), state, params, progress)
        after, state = self.optimiser.update(flat, state, ravel_pytree(params)[0], progress)
        return unravel(after), state


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("clip_norm", ClipNorm)
