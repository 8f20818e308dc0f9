"""Copies of the hidden units of a multi-layer perceptron, and what becomes of its parameters and of gradients."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp

from discover import Key, Params, ParamsMap, Scalar

Layer: TypeAlias = dict[str, jax.Array]


class Units(NamedTuple):
    """The units of one hidden layer after some were copied, out of N that it has in the end.

    Attributes:
        source: ``[N]`` the unit g(j) that unit j is a copy of, or j itself.
        share: ``[N]`` 1 over the number of copies that there are of that unit, itself included.
        new: ``[N]`` whether the unit was not in use before.
    """

    source: jax.Array
    share: jax.Array
    new: jax.Array


def copied(key: Key, size: int, before: jax.Array, after: jax.Array) -> Units:
    """Random copies: the units ``before .. after - 1`` are each a copy of one of the first ``before``, with equal chances.

    >>> units = copied(jax.random.key(0), 6, jnp.int32(2), jnp.int32(4))
    >>> print(units.source[:2], units.new, bool((units.source[2:4] < 2).all()), units.source[4:])
    [0 1] [False False  True  True False False] True [4 5]
    """
    place = jnp.arange(size)
    new = (place >= before) & (place < after)
    source = jnp.where(new, jax.random.randint(key, (size,), 0, before), place)
    copies = jnp.zeros(size).at[source].add(1.0)
    return Units(source, 1.0 / copies[source], new)


def widened(units: Sequence[Units], key: Key, noise: Scalar) -> ParamsMap:
    """The change of all parameters by copies of units (see `Net2Wider` for the equations).

    Args:
        units: of each hidden layer.
        key: randomness of the noise.
        noise: standard deviation of a new unit's incoming parameters around those of its source, as a share of each.
    """

    def params(tree: Params) -> Params:
        def layer(layer: Layer, before: Units | None, after: Units | None, number: int) -> Layer:
            kernel, bias = _taken(layer, before, after)
            if before is not None:
                share = _rows(before.share, kernel.shape[0], 1.0)
                kernel = kernel * share.reshape(-1, *(1,) * (kernel.ndim - 1))
            if after is not None:
                keys = jax.random.split(jax.random.fold_in(key, number))
                kernel, bias = (x * _noise(k, x, after.new, noise) for k, x in zip(keys, (kernel, bias), strict=True))
            return {"kernel": kernel, "bias": bias}

        return each_layer(layer, tree, units)

    def gradient(tree: Params, power: int) -> Params:
        def layer(layer: Layer, before: Units | None, after: Units | None, number: int) -> Layer:
            del number
            kernel, bias = _taken(layer, before, after)
            share = 1.0 if after is None else after.share**power
            return {"kernel": kernel * share, "bias": bias * share}

        return each_layer(layer, tree, units)

    return ParamsMap(params, gradient)


def each_layer(
    function: Callable[[Layer, Units | None, Units | None, int], Layer], params: Params, units: Sequence[Units]
) -> Params:
    """The parameters of a perceptron with every layer changed.

    Args:
        function: ``(layer, units before it, units that it gives, number of the layer)``. No units are before a first layer, and
            an output layer gives none.
        params: of a perceptron.
        units: of each hidden layer.
    """
    numbers = iter(range(10**6))

    def through(torso: Any) -> Any:
        around = zip(torso, [None, *units], [*units, None], strict=False)
        return [function(layer, before, after, next(numbers)) for layer, before, after in around]

    heads = {}
    for name, own in sorted(params["heads"].items()):
        heads[name] = dict(own)
        if "torso" in own:
            heads[name]["torso"] = through(own["torso"])
        if "output" in own:
            heads[name]["output"] = function(own["output"], units[-1], None, next(numbers))
    return {"heads": heads, "torso": through(params["torso"]) if params["torso"] else params["torso"]}


def _taken(layer: Layer, before: Units | None, after: Units | None) -> tuple[jax.Array, jax.Array]:
    """Kernel and bias between the copies: each entry is that of the sources."""
    kernel, bias = layer["kernel"], layer["bias"]
    if before is not None:
        kernel = kernel[_rows(before.source, kernel.shape[0])]
    return (kernel, bias) if after is None else (kernel[:, after.source], bias[after.source])


def _rows(values: jax.Array, rows: int, beyond: float | None = None) -> jax.Array:
    """One value for each row of a kernel; rows of inputs that join the units have ``beyond``, or else their own place."""
    rest = jnp.arange(len(values), rows)
    return jnp.concatenate([values, rest if beyond is None else jnp.full(len(rest), beyond)])


def _noise(key: Key, like: jax.Array, new: jax.Array, noise: Scalar) -> jax.Array:
    """Factors around 1 for new units, along the last axis; 1 for others."""
    return 1.0 + jnp.where(new, noise, 0.0) * jax.random.normal(key, like.shape)
