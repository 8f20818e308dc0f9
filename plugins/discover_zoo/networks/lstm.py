"""Long short-term memory."""

import jax
import jax.numpy as jnp

from discover import Carry, Key, Params, Registry, component, hookimpl
from discover_zoo.networks.recurrent import Recurrent, gate_sums, gate_weights


@component
class LSTM(Recurrent):
    """Long short-term memory (Hochreiter & Schmidhuber 1997) with a forget gate (Gers et al. 2000), its bias 1 at first.

    With ``a, b, c, d`` the four parts of ``x W + w + h U``::

        m' = sigmoid(b) * m + sigmoid(a) * tanh(c);  h' = sigmoid(d) * tanh(m')

    >>> lstm, zero = LSTM(memory=4), jnp.zeros((5, 4))
    >>> output, carry = lstm.advance(lstm.cell(jax.random.key(0), 3), jnp.ones((5, 3)), {"cell": zero, "output": zero})
    >>> output.shape
    (5, 4)
    """

    paper = "Hochreiter & Schmidhuber 1997; Gers et al. 2000"

    def torso_carry(self) -> Carry:
        return {"cell": jnp.zeros(self.memory), "output": jnp.zeros(self.memory)}

    def cell(self, key: Key, inputs: int) -> Params:
        key_input, key_memory = jax.random.split(key)
        weights = gate_weights(key_input, 4, inputs, self.memory)
        return {
            "input": weights | {"bias": weights["bias"].at[1].set(1.0)},
            "memory": {"kernel": gate_weights(key_memory, 4, self.memory, self.memory)["kernel"]},
        }

    def advance(self, cell: Params, x: jax.Array, carry: Carry) -> tuple[jax.Array, Carry]:
        from_input, from_memory = gate_sums(cell["input"], x), gate_sums(cell["memory"], carry["output"])
        a, b, c, d = (i + m for i, m in zip(from_input, from_memory, strict=True))
        memory = jax.nn.sigmoid(b) * carry["cell"] + jax.nn.sigmoid(a) * jnp.tanh(c)
        h = jax.nn.sigmoid(d) * jnp.tanh(memory)
        return h, {"cell": memory, "output": h}


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("lstm", LSTM)
