"""Recurrent networks."""

import math
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from discover import ACTION, REWARD, Count, Inputs, Spec, component
from discover_networks.layers import Activation, flat, joined, orthogonal, stack, through
from discover_networks.torso import TorsoNetwork


@component
class Recurrent(TorsoNetwork):
    """Dense layers, a memory, and dense layers for each head, all orthogonally initialised; the memory is empty at `first`.

    The action and the reward of a step are not known when acting, so that no memory holds them: heads that read them do so
    after it. (The wrapper ``last_action_and_reward`` shows both one step later.)

    Attributes:
        encoder: widths of the layers before the memory.
        memory: how many numbers the memory gives.
        hidden: widths of the layers after it, of which each head has its own.
    """

    reads_after: ClassVar[frozenset[str]] = frozenset({ACTION, REWARD})

    encoder: tuple[Count, ...] = (64,)
    memory: Count = 64
    hidden: tuple[Count, ...] = (64,)
    activation: Activation = "relu"
    shared: bool = True

    def cell(self, key: jax.Array, inputs: int) -> Any:
        """Fresh parameters of a memory that sees ``inputs`` numbers."""
        raise NotImplementedError

    def advance(self, cell: Any, x: jax.Array, carry: Any) -> tuple[jax.Array, Any]:
        """What the memory gives, ``[..., memory]``, and its next carry."""
        raise NotImplementedError

    @property
    def between(self) -> tuple[int, ...]:
        return self.hidden

    def torso(self, key: jax.Array, spec: Spec, read: int) -> Any:
        key_encoder, key_cell = jax.random.split(key)
        sizes = (math.prod(spec.observation_shape) + read, *self.encoder)
        return {"encoder": stack(key_encoder, sizes, self.initialiser), "cell": self.cell(key_cell, sizes[-1])}

    def width(self, spec: Spec, read: int) -> int:
        return self.memory

    def features(self, params: Any, inputs: Inputs, read: tuple[str, ...], carry: Any) -> tuple[jax.Array, Any]:
        x = through(params["encoder"], joined(flat(inputs), inputs, read), self.activation)
        carry = jax.tree.map(lambda c: jnp.where(inputs.first[..., None], 0.0, c), carry)
        return self.advance(params["cell"], x, carry)


@component
class GRU(Recurrent):
    """A gated recurrent unit (Cho et al. 2014, with the reset gate after the matrix, so that one product serves all gates).

    With ``a, b, c`` the three parts of ``x W + w`` and ``d, e, f`` those of ``h U + u``::

        z, r = sigmoid(a + d), sigmoid(b + e);  h' = z * h + (1 - z) * tanh(c + r * f)
    """

    paper = "Cho et al. 2014, arXiv 1406.1078"

    def torso_carry(self) -> Any:
        return jnp.zeros(self.memory)

    def cell(self, key: jax.Array, inputs: int) -> Any:
        key_input, key_memory = jax.random.split(key)
        return {"input": _gates(key_input, 3, inputs, self.memory), "memory": _gates(key_memory, 3, self.memory, self.memory)}

    def advance(self, cell: Any, x: jax.Array, carry: Any) -> tuple[jax.Array, Any]:
        a, b, c = _sums(cell["input"], x)
        d, e, f = _sums(cell["memory"], carry)
        keep = jax.nn.sigmoid(a + d)
        h = keep * carry + (1.0 - keep) * jnp.tanh(c + jax.nn.sigmoid(b + e) * f)
        return h, h


@component
class LSTM(Recurrent):
    """Long short-term memory (Hochreiter & Schmidhuber 1997) with a forget gate (Gers et al. 2000), its bias 1 at first.

    With ``a, b, c, d`` the four parts of ``x W + w + h U``::

        m' = sigmoid(b) * m + sigmoid(a) * tanh(c);  h' = sigmoid(d) * tanh(m')
    """

    paper = "Hochreiter & Schmidhuber 1997; Gers et al. 2000"

    def torso_carry(self) -> Any:
        return {"cell": jnp.zeros(self.memory), "output": jnp.zeros(self.memory)}

    def cell(self, key: jax.Array, inputs: int) -> Any:
        key_input, key_memory = jax.random.split(key)
        given = _gates(key_input, 4, inputs, self.memory)
        return {
            "input": given | {"bias": given["bias"].at[1].set(1.0)},
            "memory": {"kernel": _gates(key_memory, 4, self.memory, self.memory)["kernel"]},
        }

    def advance(self, cell: Any, x: jax.Array, carry: Any) -> tuple[jax.Array, Any]:
        given, remembered = _sums(cell["input"], x), _sums(cell["memory"], carry["output"])
        a, b, c, d = (g + r for g, r in zip(given, remembered, strict=True))
        kept = jax.nn.sigmoid(b) * carry["cell"] + jax.nn.sigmoid(a) * jnp.tanh(c)
        h = jax.nn.sigmoid(d) * jnp.tanh(kept)
        return h, {"cell": kept, "output": h}


def _gates(key: jax.Array, gates: int, inputs: int, width: int) -> dict[str, jax.Array]:
    """``kernel[inputs, gates, width]``, orthogonal for each gate, and ``bias[gates, width]``."""
    kernels = jax.vmap(lambda k: orthogonal(k, inputs, width, 1.0))(jax.random.split(key, gates))
    return {"kernel": jnp.moveaxis(kernels, 0, 1), "bias": jnp.zeros((gates, width))}


def _sums(layer: dict[str, jax.Array], x: jax.Array) -> list[jax.Array]:
    """The weighted sum of ``x[..., inputs]`` for each gate, ``[..., width]``, by one product for all."""
    kernel = layer["kernel"]
    sums = x @ kernel.reshape(kernel.shape[0], -1)
    if "bias" in layer:
        sums = sums + layer["bias"].reshape(-1)
    return jnp.split(sums, kernel.shape[1], axis=-1)
