"""Optimisers: optax, with numbers that can be searched and derivatives that stay finite at a zero gradient."""

from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree

from discover import Optimiser, Scalar, component, real

_FINITE_SLOPE = 1e-16
"""Under a square root: far below any figure that matters, but the slope at zero stays finite (a dead unit gave NaN)."""


@component
class Adam(Optimiser):
    """Adam (Kingma & Ba 2015, algorithm 1) on the parameters as one flat vector.

    The step is ``learning_rate * (1 - anneal * progress)``: ``anneal = 1`` falls linearly to zero over the lifetime.
    """

    paper = "Kingma & Ba 2015, arXiv 1412.6980"

    learning_rate: Scalar = real(3e-4, low=1e-5, high=1e-1, scale="log")
    beta1: Scalar = real(0.9, low=0.0, high=0.999)
    beta2: Scalar = real(0.999, low=0.5, high=0.99999, scale="log1m")
    eps: Scalar = real(1e-8, low=1e-10, high=1e-2, scale="log")
    anneal: Scalar = real(0.0, low=0.0, high=1.0)

    @property
    def layerwise(self) -> bool:
        return False

    def init(self, params: Any) -> Any:
        return self._transform().init(params)

    def update(self, gradient: Any, state: Any, params: Any, progress: jax.Array) -> tuple[Any, Any]:
        direction, state = self._transform().update(gradient, state, params)
        rate = self.learning_rate * (1.0 - self.anneal * progress)
        return jax.tree.map(lambda p, d: p - rate * d, params, direction), state

    def _transform(self) -> optax.GradientTransformation:
        inner = optax.scale_by_adam(self.beta1, self.beta2, self.eps, eps_root=_FINITE_SLOPE)
        return optax.flatten(inner)


@component
class SGD(Optimiser):
    """Stochastic gradient descent: ``params - learning_rate * (1 - anneal * progress) * gradient``."""

    learning_rate: Scalar = real(1e-2, low=1e-5, high=10.0, scale="log")
    anneal: Scalar = real(0.0, low=0.0, high=1.0)

    @property
    def layerwise(self) -> bool:
        return False

    def init(self, params: Any) -> Any:
        return ()

    def update(self, gradient: Any, state: Any, params: Any, progress: jax.Array) -> tuple[Any, Any]:
        rate = self.learning_rate * (1.0 - self.anneal * progress)
        return jax.tree.map(lambda p, g: p - rate * g, params, gradient), state


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
        flat = flat * jnp.minimum(1.0, self.max_norm * jax.lax.rsqrt(jnp.sum(flat**2) + _FINITE_SLOPE))
        if self.layerwise:
            return self.optimiser.update(unravel(flat), state, params, progress)
        after, state = self.optimiser.update(flat, state, ravel_pytree(params)[0], progress)
        return unravel(after), state
