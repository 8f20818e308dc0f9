"""Stochastic gradient descent."""

from typing import Any

import jax

from discover import Optimizer, Registry, Scalar, component, hookimpl, real


@component
class SGD(Optimizer):
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


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("sgd", SGD)
