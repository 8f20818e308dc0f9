"""A tiny recurrent network."""

import math
from typing import Any

import jax
import jax.numpy as jnp

from discover import Heads, Inputs, Network, Outputs, Spec, component


@component
class GRU(Network):
    """A gated recurrent unit (Cho et al. 2014, eq. 5-8) and one linear layer per head; its carry starts anew at `first`."""

    width: int = 3

    def init(self, key: jax.Array, spec: Spec, heads: Heads) -> Any:
        inputs = math.prod(spec.observation_shape) + self.width + 1
        keys = jax.random.split(key, 1 + len(heads.outputs))
        gates = jax.random.normal(keys[0], (3, inputs, self.width)) / math.sqrt(inputs)
        return gates, {
            name: jax.random.normal(k, (self.width, *head.shape))
            for k, (name, head) in zip(keys[1:], heads.outputs.items(), strict=True)
        }

    def carry(self, heads: Heads) -> Any:
        return jnp.zeros(self.width)

    def apply(self, params: Any, heads: Heads, inputs: Inputs, carry: Any) -> tuple[Outputs, Any]:
        gates, kernels = params
        h, one = jnp.where(inputs.is_first[..., None], 0.0, carry), jnp.ones((*inputs.is_first.shape, 1))
        seen = inputs.observation.reshape(*inputs.is_first.shape, -1)
        x = jnp.concatenate([seen, one, h], axis=-1)
        update, reset = jax.nn.sigmoid(x @ gates[0]), jax.nn.sigmoid(x @ gates[1])
        new = jnp.tanh(jnp.concatenate([seen, one, reset * h], axis=-1) @ gates[2])
        h = update * h + (1.0 - update) * new
        return {name: jnp.tensordot(h, kernel, axes=1) for name, kernel in kernels.items()}, h
