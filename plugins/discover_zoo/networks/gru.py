"""The gated recurrent unit."""

import jax
import jax.numpy as jnp

from discover import Carry, Key, Params, Registry, Scalar, component, hookimpl, real
from discover_zoo.networks.recurrent import Recurrent, gate_sums, gate_weights


@component
class GRU(Recurrent):
    """A gated recurrent unit (Cho et al. 2014, with the reset gate after the matrix, so that one product serves all gates).

    With ``a, b, c`` the three parts of ``x W + w`` and ``d, e, f`` those of ``h U + u``::

        z, r = sigmoid(a + d), sigmoid(b + e);  h' = z * h + (1 - z) * tanh(c + r * f)

    Attributes:
        keep_bias: the bias of ``z`` at first. At 0 each step forgets half of what there is, so that a gradient reaches back a
            few steps; at 2 it forgets an eighth (as the forget gate of an LSTM: Jozefowicz et al. 2015).
        encoder, memory, hidden, activation, shared, initializer: as in `Recurrent`.

    >>> gru = GRU(memory=4)
    >>> output, carry = gru.advance(gru.cell(jax.random.key(0), 3), jnp.ones((5, 3)), jnp.zeros((5, 4)))
    >>> output.shape
    (5, 4)
    """

    paper = "Cho et al. 2014, arXiv 1406.1078"

    keep_bias: Scalar = real(0.0, low=0.0, high=5.0)

    def torso_carry(self) -> Carry:
        return jnp.zeros(self.memory)

    def cell(self, key: Key, inputs: int) -> Params:
        key_input, key_memory = jax.random.split(key)
        weights = gate_weights(key_input, 3, inputs, self.memory)
        return {
            "input": weights | {"bias": weights["bias"].at[0].set(self.keep_bias)},
            "memory": gate_weights(key_memory, 3, self.memory, self.memory),
        }

    def advance(self, cell: Params, x: jax.Array, carry: Carry) -> tuple[jax.Array, Carry]:
        a, b, c = gate_sums(cell["input"], x)
        d, e, f = gate_sums(cell["memory"], carry)
        keep = jax.nn.sigmoid(a + d)
        h = keep * carry + (1.0 - keep) * jnp.tanh(c + jax.nn.sigmoid(b + e) * f)
        return h, h


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("gru", GRU)
