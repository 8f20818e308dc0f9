"""Multi-layer perceptron with one output per head."""

import math
from typing import Any, Literal

import jax
import jax.numpy as jnp

from discover import ACTION, REWARD, Head, Heads, Inputs, Network, Outputs, Spec, component

_ACTIVATIONS = {"tanh": jnp.tanh, "relu": jax.nn.relu}


@component
class MLP(Network):
    """Fully connected layers on the flattened observation; biases begin at 0.

    Attributes:
        hidden: widths of the hidden layers.
        activation: their non-linearity.
        shared: one torso for all heads; otherwise each head has its own.
        initialiser: kernels begin ``orthogonal`` (gain sqrt(2)), or normal with variance 1 over the number of inputs
            (``lecun``), which makes the first layer of few inputs much larger. Heads have their own gain in either case.
    """

    hidden: tuple[int, ...] = (64, 64)
    activation: Literal["tanh", "relu"] = "tanh"
    shared: bool = False
    initialiser: Literal["orthogonal", "lecun"] = "orthogonal"

    def init(self, key: jax.Array, spec: Spec, heads: Heads) -> Any:
        common = self._common(heads)
        inputs = math.prod(spec.observation_shape) + sum(heads.context[n] for n in common)
        params: dict[str, Any] = {}
        for index, (name, head) in enumerate(sorted(heads.outputs.items())):
            key_torso, key_head = jax.random.split(jax.random.fold_in(key, index))
            if head.form == "constant":
                params[name] = {"constant": jnp.zeros(head.shape)}
                continue
            read = sum(heads.context[n] for n in head.reads if n not in common)
            if self.shared:
                params[name] = {"head": self._head(key_head, self._width(inputs) + read, head)}
            else:
                torso = self._torso(key_torso, inputs + read)
                params[name] = {"head": self._head(key_head, self._width(inputs + read), head), "torso": torso}
        return {"heads": params, "torso": self._torso(key, inputs) if self.shared else ()}

    def apply(self, params: Any, heads: Heads, inputs: Inputs, carry: Any) -> tuple[Outputs, Any]:
        batch, common = inputs.first.shape, self._common(heads)
        x = inputs.observation.reshape(*batch, -1).astype(jnp.float32)
        if self.shared:
            x = self._hidden(params["torso"], _with(x, inputs, common))
        outputs = {}
        for name, head in heads.outputs.items():
            own = params["heads"][name]
            if head.form == "constant":
                outputs[name] = jnp.broadcast_to(own["constant"], batch + own["constant"].shape)
            elif head.known(inputs):
                h = _with(x, inputs, tuple(n for n in head.reads if n not in common))
                h = h if self.shared else self._hidden(own["torso"], h)
                outputs[name] = product(h, own["head"]["kernel"]) + own["head"]["bias"]
        return outputs, carry

    def _common(self, heads: Heads) -> tuple[str, ...]:
        """What a shared torso reads: what all heads read and acting knows."""
        reads = [set(head.reads) - {ACTION, REWARD} for head in heads.outputs.values() if head.form != "constant"]
        return tuple(sorted(set.intersection(*reads))) if self.shared and reads else ()

    def _width(self, inputs: int) -> int:
        return self.hidden[-1] if self.hidden else inputs

    def _torso(self, key: jax.Array, inputs: int) -> list[dict[str, jax.Array]]:
        sizes = (inputs, *self.hidden)
        keys = jax.random.split(key, len(sizes))
        return [
            {"kernel": self._kernel(k, a, b, math.sqrt(2.0) if self.initialiser == "orthogonal" else 1.0), "bias": jnp.zeros(b)}
            for k, a, b in zip(keys, sizes[:-1], sizes[1:], strict=False)
        ]

    def _head(self, key: jax.Array, inputs: int, head: Head) -> dict[str, jax.Array]:
        kernel = self._kernel(key, inputs, math.prod(head.shape), head.gain)
        return {"kernel": kernel.reshape(inputs, *head.shape), "bias": jnp.zeros(head.shape)}

    def _kernel(self, key: jax.Array, inputs: int, outputs: int, gain: float) -> jax.Array:
        if self.initialiser == "orthogonal":
            return orthogonal(key, inputs, outputs, gain)
        return gain * jax.random.normal(key, (inputs, outputs)) / math.sqrt(inputs)

    def _hidden(self, layers: list[dict[str, jax.Array]], x: jax.Array) -> jax.Array:
        for layer in layers:
            x = _ACTIVATIONS[self.activation](x @ layer["kernel"] + layer["bias"])
        return x


def _with(x: jax.Array, inputs: Inputs, names: tuple[str, ...]) -> jax.Array:
    """Features with what is read besides them, along the last axis."""
    return jnp.concatenate([x, *(inputs.context[n] for n in names)], axis=-1) if names else x


_NARROW = 4
"""Up to so many columns, a product one column at a time is faster on a CPU (two columns cost XLA more than sixty-four)."""


def product(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """``x[..., I]`` times ``kernel[I, *shape]``, giving ``[..., *shape]``."""
    flat = kernel.reshape(kernel.shape[0], -1)
    if flat.shape[1] <= _NARROW:
        made = jnp.stack([x @ flat[:, column] for column in range(flat.shape[1])], axis=-1)
    else:
        made = x @ flat
    return made.reshape(*x.shape[:-1], *kernel.shape[1:])


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
