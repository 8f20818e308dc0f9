"""A bound on the norm of the gradient, around any optimizer."""

from typing import Any

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from discover import Optimizer, Registry, Scalar, component, hookimpl, real
from discover_zoo.optimizers.slopes import FINITE_SLOPE


@component
class ClipNorm(Optimizer):
    """Scale the gradient down to a global norm of at most ``max_norm``, then let ``optimizer`` use it.

    An optimizer that does not care which array a parameter is in gets one flat vector, which is faster.
    """

    optimizer: Optimizer
    max_norm: Scalar = real(0.5, low=0.01, high=100.0, scale="log")

    @property
    def layerwise(self) -> bool:
        return self.optimizer.layerwise

    def init(self, params: Any) -> Any:
        return self.optimizer.init(params if self.layerwise else ravel_pytree(params)[0])

    def update(self, gradient: Any, state: Any, params: Any, progress: jax.Array) -> tuple[Any, Any]:
        flat, unravel = ravel_pytree(gradient)
        flat = flat * jnp.minimum(1.0, self.max_norm * jax.lax.rsqrt(jnp.sum(flat**2) + FINITE_SLOPE))
        if self.layerwise:
            return self.optimizer.update(unravel(flat), state, params, progress)
        after, state = self.optimizer.update(flat, state, ravel_pytree(params)[0], progress)
        return unravel(after), state


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("clip_norm", ClipNorm)
