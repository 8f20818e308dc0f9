"""The base class of recurrent networks."""

import math
from typing import ClassVar

import jax
import jax.numpy as jnp

from discover import ACTION, REWARD, Carry, Count, Inputs, Key, Params, Spec, component
from discover_zoo.networks.layers import Activation, flat, joined, orthogonal, stack, through
from discover_zoo.networks.torso import TorsoNetwork


@component
class Recurrent(TorsoNetwork):
    """Dense layers, a memory that is empty at the start of an episode, and dense layers for each head.

    All are orthogonally initialized. The action and the reward of a step are not known when acting, so that no memory holds
    them: heads read them after it. (The wrapper ``last_action_and_reward`` shows both one step later.)

    Attributes:
        encoder: widths of the layers before the memory.
        memory: size of the output of the memory.
        hidden: widths of the layers after it; each head has its own.
        activation, shared, initializer: as in `TorsoNetwork`.
    """

    reads_after: ClassVar[frozenset[str]] = frozenset({ACTION, REWARD})

    encoder: tuple[Count, ...] = (64,)
    memory: Count = 64
    hidden: tuple[Count, ...] = (64,)
    activation: Activation = "relu"
    shared: bool = True

    def cell(self, key: Key, inputs: int) -> Params:
        """New parameters of a memory with ``inputs`` input features."""
        raise NotImplementedError

    def advance(self, cell: Params, x: jax.Array, carry: Carry) -> tuple[jax.Array, Carry]:
        """The output of the memory, ``[..., memory]``, and its next carry."""
        raise NotImplementedError

    @property
    def between(self) -> tuple[int, ...]:
        return self.hidden

    def torso(self, key: Key, spec: Spec, read: int) -> Params:
        key_encoder, key_cell = jax.random.split(key)
        sizes = (math.prod(spec.observation_shape) + read, *self.encoder)
        return {"encoder": stack(key_encoder, sizes, self.initializer), "cell": self.cell(key_cell, sizes[-1])}

    def width(self, spec: Spec, read: int) -> int:
        return self.memory

    def features(self, params: Params, inputs: Inputs, read: tuple[str, ...], carry: Carry) -> tuple[jax.Array, Carry]:
        x = through(params["encoder"], joined(flat(inputs), inputs, read), self.activation)
        carry = jax.tree.map(lambda c: jnp.where(inputs.is_first[..., None], 0.0, c), carry)
        return self.advance(params["cell"], x, carry)


def gate_weights(key: Key, gates: int, inputs: int, width: int) -> dict[str, jax.Array]:
    """New weights: ``kernel[inputs, gates, width]``, orthogonal for each gate, and ``bias[gates, width]`` of zeros."""
    kernels = jax.vmap(lambda k: orthogonal(k, inputs, width, 1.0))(jax.random.split(key, gates))
    return {"kernel": jnp.moveaxis(kernels, 0, 1), "bias": jnp.zeros((gates, width))}


def gate_sums(layer: dict[str, jax.Array], x: jax.Array) -> list[jax.Array]:
    """The weighted sum of ``x[..., inputs]`` for each gate, ``[..., width]``, by one product for all."""
    kernel = layer["kernel"]
    sums = x @ kernel.reshape(kernel.shape[0], -1)
    if "bias" in layer:
        sums = sums + layer["bias"].reshape(-1)
    return jnp.split(sums, kernel.shape[1], axis=-1)
