"""A bound on the norm of the gradient, around any optimizer."""

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from discover import Optimizer, OptimizerState, Params, ParamsMap, Registry, Scalar, component, hookimpl, latex_number, real
from discover_zoo.optimizers.slopes import FINITE_SLOPE


@component
class ClipNorm(Optimizer):
    """Scale the gradient down to a global norm of at most ``max_norm``, then let ``optimizer`` use it.

    ``gradient * min(1, max_norm / |gradient|)``. An optimizer that is not layer-wise gets one flat vector, which is faster.

    >>> from discover_zoo.optimizers.sgd import SGD
    >>> clipped = ClipNorm(optimizer=SGD(learning_rate=1.0), max_norm=1.0)
    >>> clipped.update(jnp.array([3.0, -4.0]), (), jnp.zeros(2), progress=jnp.zeros(()))[0].round(3)
    Array([-0.6,  0.8], dtype=float32)

    Attributes:
        optimizer: gets the clipped gradient.
        max_norm: the largest Euclidean norm over all parameters.
    """

    optimizer: Optimizer
    max_norm: Scalar = real(0.5, low=0.01, high=100.0, scale="log")

    def formula(self) -> str:
        return rf"g \leftarrow g\, \min\left(1, \frac{{{latex_number(self.max_norm)}}}{{\|g\|_2}}\right)"

    @property
    def layerwise(self) -> bool:
        return self.optimizer.layerwise

    def init(self, params: Params) -> OptimizerState:
        return self.optimizer.init(params if self.layerwise else ravel_pytree(params)[0])

    def update(
        self, gradient: Params, state: OptimizerState, params: Params, progress: jax.Array
    ) -> tuple[Params, OptimizerState]:
        flat, unravel = ravel_pytree(gradient)
        flat = flat * jnp.minimum(1.0, self.max_norm * jax.lax.rsqrt(jnp.sum(flat**2) + FINITE_SLOPE))
        if self.layerwise:
            return self.optimizer.update(unravel(flat), state, params, progress)
        after, state = self.optimizer.update(flat, state, ravel_pytree(params)[0], progress)
        return unravel(after), state

    def map_state(self, state: OptimizerState, params: Params, change: ParamsMap) -> OptimizerState:
        if self.layerwise:
            return self.optimizer.map_state(state, params, change)
        return self.optimizer.map_state(state, ravel_pytree(params)[0], change.flat(params))


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("clip_norm", ClipNorm)
