"""The base class of multi-layer perceptrons."""

import math

import jax

from discover import Carry, Count, Inputs, Key, Params, Spec, component
from discover_zoo.networks.layers import flat, joined, stack, through
from discover_zoo.networks.torso import TorsoNetwork


@component
class Perceptron(TorsoNetwork):
    """Fully connected layers on the flattened observation.

    Attributes:
        hidden: widths of the hidden layers.
        activation, shared, initializer: as in `TorsoNetwork`.
    """

    hidden: tuple[Count, ...] = (64, 64)

    def torso(self, key: Key, spec: Spec, read: int) -> Params:
        return stack(key, (math.prod(spec.observation_shape) + read, *self.hidden), self.initializer)

    def width(self, spec: Spec, read: int) -> int:
        return (math.prod(spec.observation_shape) + read, *self.hidden)[-1]

    def features(self, params: Params, inputs: Inputs, read: tuple[str, ...], carry: Carry) -> tuple[jax.Array, Carry]:
        return through(params, joined(flat(inputs), inputs, read), self.activation), carry
