"""Multi-layer perceptron."""

from discover import Registry, component, hookimpl
from discover_zoo.networks.perceptron import Perceptron
from discover_zoo.networks.plain_mlp import PlainMLP


@component
class MLP(Perceptron):
    """Fully connected layers on the flattened observation.

    >>> import jax
    >>> import jax.numpy as jnp
    >>> from discover import Discrete, Head, Heads, Inputs, Spec
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

    def standalone(self) -> PlainMLP:
        kept = ("hidden", "activation", "shared", "initializer")
        return PlainMLP(**{name: getattr(self, name) for name in kept})


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("mlp", MLP)
