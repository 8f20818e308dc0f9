"""Dense layers, of which all networks consist: orthogonally initialized (Saxe et al. 2014) by default."""

import math
from collections.abc import Iterable
from typing import Literal, TypeAlias

import jax
import jax.numpy as jnp

from discover import Inputs, Key

Activation: TypeAlias = Literal["tanh", "relu"]
Layer: TypeAlias = dict[str, jax.Array]
"""A dense layer: ``kernel[inputs, outputs]`` and ``bias[outputs]``."""

Initializer: TypeAlias = Literal["orthogonal", "lecun"]
"""Distribution of new kernels: orthogonal, or normal with variance 1 over the number of inputs (LeCun et al. 1998)."""

_ACTIVATIONS = {"tanh": jnp.tanh, "relu": jax.nn.relu}


def stack(key: Key, sizes: tuple[int, ...], initializer: Initializer) -> list[Layer]:
    """Dense layers from ``sizes[0]`` inputs through all further widths.

    >>> [layer["kernel"].shape for layer in stack(jax.random.key(0), (3, 4, 2), "lecun")]
    [(3, 4), (4, 2)]
    """
    keys = jax.random.split(key, len(sizes))
    return [dense(k, a, b, initializer) for k, a, b in zip(keys, sizes[:-1], sizes[1:], strict=False)]


def dense(key: Key, inputs: int, outputs: int, initializer: Initializer) -> Layer:
    """One hidden layer: ``kernel[inputs, outputs]`` of gain sqrt(2) (``lecun``: 1), and ``bias[outputs]`` of zeros."""
    gain = math.sqrt(2.0) if initializer == "orthogonal" else 1.0
    return {"kernel": kernel(key, inputs, outputs, gain=gain, initializer=initializer), "bias": jnp.zeros(outputs)}


def kernel(key: Key, inputs: int, outputs: int, *, gain: float, initializer: Initializer) -> jax.Array:
    """A new kernel ``[inputs, outputs]``."""
    if initializer == "orthogonal":
        return orthogonal(key, inputs, outputs, gain)
    return gain * jax.random.normal(key, (inputs, outputs)) / math.sqrt(inputs)


def through(layers: Iterable[Layer], x: jax.Array, activation: Activation) -> jax.Array:
    """The output of dense layers for ``x[..., inputs]``; the non-linearity follows each layer."""
    for layer in layers:
        x = activated(x @ layer["kernel"] + layer["bias"], activation)
    return x


def activated(x: jax.Array, activation: Activation) -> jax.Array:
    """The non-linearity of ``x``, element by element."""
    return _ACTIVATIONS[activation](x)


_NARROW = 4
"""The most columns that are multiplied one at a time, which is faster on a CPU (two columns cost XLA more than sixty-four)."""


def product(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """The product ``[..., *shape]`` of ``x[..., I]`` and ``kernel[I, *shape]``.

    >>> product(jnp.ones((5, 3)), jnp.ones((3, 2))).shape
    (5, 2)
    """
    flat = kernel.reshape(kernel.shape[0], -1)
    if flat.shape[1] <= _NARROW:
        columns = jnp.stack([x @ flat[:, column] for column in range(flat.shape[1])], axis=-1)
    else:
        columns = x @ flat
    return columns.reshape(*x.shape[:-1], *kernel.shape[1:])


def flat(inputs: Inputs) -> jax.Array:
    """The observation as one float32 vector per step."""
    return inputs.observation.reshape(*inputs.is_first.shape, -1).astype(jnp.float32)


def joined(x: jax.Array, inputs: Inputs, names: tuple[str, ...]) -> jax.Array:
    """Features, with those inputs of the context that ``names`` lists, along the last axis."""
    return jnp.concatenate([x, *(inputs.context[n] for n in names)], axis=-1) if names else x


def orthogonal(key: Key, rows: int, columns: int, gain: float) -> jax.Array:
    """A random ``[rows, columns]`` matrix with orthonormal columns (rows, if it is wide), times ``gain``.

    Gram-Schmidt on Gaussian columns, each made orthogonal to the earlier ones twice, for accuracy: the distribution of the QR
    factor with positive diagonal, without XLA's batched QR, which deadlocks on CPUs under ``vmap``.
    """
    tall, narrow = max(rows, columns), min(rows, columns)
    gaussian = jax.random.normal(key, (tall, narrow))

    def orthogonalize(i: jax.Array, q: jax.Array) -> jax.Array:
        j = i // 2
        along = jnp.where(jnp.arange(narrow) < j, q[:, j] @ q, 0.0)
        column = q[:, j] - q @ along
        return q.at[:, j].set(column / jnp.linalg.norm(column))

    q = jax.lax.fori_loop(0, 2 * narrow, orthogonalize, gaussian)
    return gain * (q if rows >= columns else q.T)
