"""A specialist for each task."""

import jax
import jax.numpy as jnp

from discover import Carry, Count, Heads, Inputs, Key, Network, Outputs, Params, Spec, component


@component
class Specialists(Network):
    """As many copies of a network as there are tasks, each of which sees and learns its own task alone.

    Which task it is stands at the end of the observation: its last ``tasks`` numbers are 1 at the task, else 0.

    Attributes:
        network: of every specialist.
        tasks: how many there are.
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
        task = task.reshape(*inputs.is_first.shape, -1)[..., -1]  # of a picture, its last row tells
        said, carries = zip(*steps, strict=True)
        return {name: _chosen([one[name] for one in said], task) for name in said[0]}, carries


def _chosen(values: list[jax.Array], task: jax.Array) -> jax.Array:
    """Per state, what its task's specialist says."""
    found = values[0]
    for index, value in enumerate(values[1:], start=1):
        found = jnp.where((task == index).reshape(task.shape + (1,) * (value.ndim - task.ndim)), value, found)
    return found
