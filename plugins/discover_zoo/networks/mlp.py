"""Multi-layer perceptron."""

import math

import jax

from discover import Carry, Count, Inputs, Key, Params, Registry, Spec, component, hookimpl
from discover_zoo.networks.layers import flat, joined, stack, through
from discover_zoo.networks.torso import TorsoNetwork


@component
class MLP(TorsoNetwork):
    """Fully connected layers on the flattened observation.

    Attributes:
        hidden: widths of the hidden layers.
    """

    hidden: tuple[Count, ...] = (64, 64)

    def torso(self, key: Key, spec: Spec, read: int) -> Params:
        return stack(key, (math.prod(spec.observation_shape) + read, *self.hidden), self.initializer)

    def width(self, spec: Spec, read: int) -> int:
        return (math.prod(spec.observation_shape) + read, *self.hidden)[-1]

    def features(self, params: Params, inputs: Inputs, read: tuple[str, ...], carry: Carry) -> tuple[jax.Array, Carry]:
        return through(params, joined(flat(inputs), inputs, read), self.activation), carry


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("mlp", MLP)
