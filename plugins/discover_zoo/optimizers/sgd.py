"""Stochastic gradient descent."""

import jax

from discover import Optimizer, OptimizerState, Params, Registry, Scalar, component, hookimpl, real
from discover_zoo.optimizers.equations import step_size


@component
class SGD(Optimizer):
    """Stochastic gradient descent: ``params - learning_rate * (1 - anneal * progress) * gradient``.

    >>> import jax.numpy as jnp
    >>> SGD(learning_rate=0.5).update(jnp.array([3.0, -4.0]), (), jnp.zeros(2), progress=jnp.zeros(()))[0]
    Array([-1.5,  2. ], dtype=float32)

    Attributes:
        learning_rate: size of the step.
        anneal: share of the learning rate that is gone at the end of the lifetime.
    """

    learning_rate: Scalar = real(1e-2, low=1e-5, high=10.0, scale="log")
    anneal: Scalar = real(0.0, low=0.0, high=1.0)

    def formula(self) -> str:
        return rf"\theta \leftarrow \theta - {step_size(self.learning_rate, self.anneal)}\, g"

    @property
    def layerwise(self) -> bool:
        return False

    def init(self, params: Params) -> OptimizerState:
        return ()

    def update(
        self, gradient: Params, state: OptimizerState, params: Params, progress: jax.Array
    ) -> tuple[Params, OptimizerState]:
        rate = self.learning_rate * (1.0 - self.anneal * progress)
        return jax.tree.map(lambda p, g: p - rate * g, params, gradient), state


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("sgd", SGD)
