"""A specialist for each task."""

import jax
import jax.numpy as jnp

from discover import Carry, Count, Heads, Inputs, Key, Network, Outputs, Params, Spec, component


@component
class Specialists(Network):
    """A copy of a network for each task, which acts and learns in its own task alone.

    The last ``tasks`` numbers of the observation tell the task: 1 at the task, else 0.

    >>> from discover import Discrete, Head
    >>> from discover_zoo.networks.linear import Linear
    >>> network = Specialists(network=Linear(), tasks=2)
    >>> len(network.init(jax.random.key(0), Spec((4,), Discrete(3)), Heads({"policy": Head((3,))})))
    2

    Attributes:
        network: the network of every specialist.
        tasks: number of tasks.
    """

    network: Network
    tasks: Count = 2

    @property
    def forms(self) -> frozenset[str]:
        return self.network.forms

    def init(self, key: Key, spec: Spec, heads: Heads) -> Params:
        return tuple(self.network.init(k, spec, heads) for k in jax.random.split(key, self.tasks))

    def carry(self, heads: Heads) -> Carry:
        return tuple(self.network.carry(heads) for _ in range(self.tasks))

    def apply(self, params: Params, heads: Heads, inputs: Inputs, carry: Carry) -> tuple[Outputs, Carry]:
        steps = [self.network.apply(p, heads, inputs, c) for p, c in zip(params, carry, strict=True)]
        task = jnp.argmax(inputs.observation[..., -self.tasks :], axis=-1)
        task = task.reshape(*inputs.is_first.shape, -1)[..., -1]  # of an image, its last row tells
        outputs, carries = zip(*steps, strict=True)
        return {name: _select([one[name] for one in outputs], task) for name in outputs[0]}, carries


def _select(values: list[jax.Array], task: jax.Array) -> jax.Array:
    """Each state's value from the specialist of its task."""
    selection = values[0]
    for index, value in enumerate(values[1:], start=1):
        selection = jnp.where((task == index).reshape(task.shape + (1,) * (value.ndim - task.ndim)), value, selection)
    return selection
