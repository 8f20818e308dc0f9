"""Multi-layer perceptron."""

import math
from typing import Any

import jax

from discover import Count, Inputs, Registry, Spec, component, hookimpl
from discover_zoo.networks.layers import flat, joined, stack, through
from discover_zoo.networks.torso import TorsoNetwork


@component
class MLP(TorsoNetwork):
    """Fully connected layers on the flattened observation.

    Attributes:
        hidden: widths of the hidden layers.
    """

    hidden: tuple[Count, ...] = (64, 64)

    def torso(self, key: jax.Array, spec: Spec, read: int) -> Any:
        return stack(key, (math.prod(spec.observation_shape) + read, *self.hidden), self.initializer)

    def width(self, spec: Spec, read: int) -> int:
        return (math.prod(spec.observation_shape) + read, *self.hidden)[-1]

    def features(self, params: Any, inputs: Inputs, read: tuple[str, ...], carry: Any) -> tuple[jax.Array, Any]:
        return through(params, joined(flat(inputs), inputs, read), self.activation), carry


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("mlp", MLP)
