"""A gated recurrent unit."""

from typing import Any

import jax
import jax.numpy as jnp

from discover import Registry, component, hookimpl
from discover_zoo.networks.recurrent import Recurrent, gate_sums, gate_weights


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
        return {
            "input": gate_weights(key_input, 3, inputs, self.memory),
            "memory": gate_weights(key_memory, 3, self.memory, self.memory),
        }

    def advance(self, cell: Any, x: jax.Array, carry: Any) -> tuple[jax.Array, Any]:
        a, b, c = gate_sums(cell["input"], x)
        d, e, f = gate_sums(cell["memory"], carry)
        keep = jax.nn.sigmoid(a + d)
        h = keep * carry + (1.0 - keep) * jnp.tanh(c + jax.nn.sigmoid(b + e) * f)
        return h, h


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("gru", GRU)
