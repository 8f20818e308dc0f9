"""Multi-layer perceptron."""

import math

import jax

from discover import Carry, Count, Inputs, Key, Params, Registry, Spec, component, hookimpl
from discover_zoo.networks.layers import flat, joined, stack, through
from discover_zoo.networks.plain_mlp import PlainMLP
from discover_zoo.networks.torso import TorsoNetwork


@component
class MLP(TorsoNetwork):
    """Fully connected layers on the flattened observation.

    >>> import jax.numpy as jnp
    >>> from discover import Discrete, Head, Heads
    >>> mlp, heads = MLP(hidden=(8,), initializer="lecun"), Heads({"policy": Head((2,)), "value": Head(())})
    >>> params = mlp.init(jax.random.key(0), Spec((3,), Discrete(2)), heads)
    >>> inputs = Inputs(jnp.ones((5, 3)), jnp.zeros(5, bool), context={}, progress=jnp.zeros(()))
    >>> outputs, _ = mlp.apply(params, heads, inputs, mlp.carry(heads))
    >>> {name: output.shape for name, output in outputs.items()}
    {'policy': (5, 2), 'value': (5,)}

    Attributes:
        hidden: widths of the hidden layers.
        activation, shared, initializer: as in `TorsoNetwork`.
    """

    hidden: tuple[Count, ...] = (64, 64)

    def standalone(self) -> PlainMLP:
        kept = ("hidden", "activation", "shared", "initializer")
        return PlainMLP(**{name: getattr(self, name) for name in kept})

    def torso(self, key: Key, spec: Spec, read: int) -> Params:
        return stack(key, (math.prod(spec.observation_shape) + read, *self.hidden), self.initializer)

    def width(self, spec: Spec, read: int) -> int:
        return (math.prod(spec.observation_shape) + read, *self.hidden)[-1]

    def features(self, params: Params, inputs: Inputs, read: tuple[str, ...], carry: Carry) -> tuple[jax.Array, Carry]:
        return through(params, joined(flat(inputs), inputs, read), self.activation), carry


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("mlp", MLP)
