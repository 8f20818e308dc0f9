"""Multi-layer perceptron with one output per head."""

import math
from typing import Any, Literal

import jax
import jax.numpy as jnp

from discover import Head, Heads, Inputs, Network, Outputs, Spec, component

_ACTIVATIONS = {"tanh": jnp.tanh, "relu": jax.nn.relu}


@component
class MLP(Network):
    """Fully connected layers on the flattened observation, orthogonally initialised (gain sqrt(2), biases 0).

    Attributes:
        hidden: widths of the hidden layers.
        activation: their non-linearity.
        shared: one torso for all heads; otherwise each head has its own.
    """

    hidden: tuple[int, ...] = (64, 64)
    activation: Literal["tanh", "relu"] = "tanh"
    shared: bool = False

    def init(self, key: jax.Array, spec: Spec, heads: Heads) -> Any:
        inputs = math.prod(spec.observation_shape) + heads.context
        params: dict[str, Any] = {}
        for index, (name, head) in enumerate(sorted(heads.outputs.items())):
            key_torso, key_head = jax.random.split(jax.random.fold_in(key, index))
            if head.form == "constant":
                params[name] = {"constant": jnp.zeros(head.shape)}
                continue
            params[name] = {"head": self._head(key_head, inputs, head)}
            if not self.shared:
                params[name]["torso"] = self._torso(key_torso, inputs)
        return {"heads": params, "torso": self._torso(key, inputs) if self.shared else ()}

    def apply(self, params: Any, inputs: Inputs, carry: Any) -> tuple[Outputs, Any]:
        batch = inputs.first.shape
        x = inputs.observation.reshape(*batch, -1).astype(jnp.float32)
        if inputs.context is not None:
            x = jnp.concatenate([x, inputs.context], axis=-1)
        features = self._hidden(params["torso"], x) if self.shared else None
        outputs = {}
        for name, own in params["heads"].items():
            if "constant" in own:
                outputs[name] = jnp.broadcast_to(own["constant"], batch + own["constant"].shape)
                continue
            h = features if features is not None else self._hidden(own["torso"], x)
            outputs[name] = jnp.tensordot(h, own["head"]["kernel"], axes=1) + own["head"]["bias"]
        return outputs, carry

    def _torso(self, key: jax.Array, inputs: int) -> list[dict[str, jax.Array]]:
        sizes = (inputs, *self.hidden)
        keys = jax.random.split(key, len(sizes))
        return [
            {"kernel": orthogonal(k, a, b, math.sqrt(2.0)), "bias": jnp.zeros(b)}
            for k, a, b in zip(keys, sizes[:-1], sizes[1:], strict=False)
        ]

    def _head(self, key: jax.Array, inputs: int, head: Head) -> dict[str, jax.Array]:
        last = self.hidden[-1] if self.hidden else inputs
        kernel = orthogonal(key, last, math.prod(head.shape), head.gain)
        return {"kernel": kernel.reshape(last, *head.shape), "bias": jnp.zeros(head.shape)}

    def _hidden(self, layers: list[dict[str, jax.Array]], x: jax.Array) -> jax.Array:
        for layer in layers:
            x = _ACTIVATIONS[self.activation](x @ layer["kernel"] + layer["bias"])
        return x


def orthogonal(key: jax.Array, rows: int, columns: int, gain: float) -> jax.Array:
    """A random ``[rows, columns]`` matrix with orthonormal columns (rows, if it is wide), times ``gain``.

    Gram-Schmidt on Gaussian columns, twice for accuracy: the distribution of the QR factor with positive diagonal, without
    XLA's batched QR, which deadlocks on CPUs under ``vmap``.
    """
    tall, narrow = max(rows, columns), min(rows, columns)
    gaussian = jax.random.normal(key, (tall, narrow))

    def orthogonalise(j: jax.Array, q: jax.Array) -> jax.Array:
        column, earlier = q[:, j], jnp.where(jnp.arange(narrow) < j, q, 0.0)
        for _ in range(2):
            column = column - earlier @ (earlier.T @ column)
        return q.at[:, j].set(column / jnp.linalg.norm(column))

    q = jax.lax.fori_loop(0, narrow, orthogonalise, gaussian)
    return gain * (q if rows >= columns else q.T)
