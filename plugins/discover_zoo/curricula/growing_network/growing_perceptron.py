"""The multi-layer perceptron of which a part is in use."""

from typing import Any

import jax
import jax.numpy as jnp

from discover import Carry, Count, Heads, Inputs, Key, Params, Spec, component
from discover_zoo.networks.layers import Layer, through
from discover_zoo.networks.perceptron import Perceptron


@component
class GrowingPerceptron(Perceptron):
    """The network that `GrowingNetwork` makes: a perceptron of its last size, of which a part is in use at first.

    The parameters are laid out as those of the candidate's own network. A unit that is not in use has zeros before and behind
    it: it gives 0, and its gradient is 0 in all of its parameters, since ``tanh(0) = relu(0) = 0``. A layer that is not in use
    has zeros, and is passed by. So the parameters alone say what is in use.

    >>> from discover import Discrete, Head
    >>> network = GrowingPerceptron(hidden=(4, 4), start=(2, 2), inserted=1)
    >>> params = network.init(jax.random.key(0), Spec((3,), Discrete(2)), Heads({"policy": Head((2,))}))["heads"]["policy"]
    >>> [int(units_in_use(layer).sum()) for layer in params["torso"]], params["output"]["kernel"].any(axis=1).tolist()
    ([2, 0], [True, True, False, False])

    Attributes:
        start: widths of the hidden layers at first.
        inserted: how many of the last hidden layers are not in use at first.
        hidden, activation, shared, initializer: as in `Perceptron`.
    """

    start: tuple[Count, ...] = ()
    inserted: int = 0

    @property
    def kept(self) -> int:
        """The number of hidden layers that are in use from the beginning."""
        return len(self.hidden) - self.inserted

    def small(self) -> Perceptron:
        """The network that is in use at first."""
        settings = {"activation": self.activation, "shared": self.shared, "initializer": self.initializer}
        return Perceptron(hidden=self.start[: self.kept], **settings)

    def init(self, key: Key, spec: Spec, heads: Heads) -> Params:
        whole, small = super().init, self.small().init(key, spec, heads)
        large = jax.eval_shape(lambda key: whole(key, spec, heads), key)

        def torso(layers: Any, shapes: Any) -> Any:
            pairs = enumerate(zip(layers, shapes, strict=False))
            padded = [self._padded(layer, shape, place) for place, (layer, shape) in pairs]
            return [*padded, *jax.tree.map(_zeros, shapes[len(padded) :])] if shapes else shapes

        own = {}
        for name, head in small["heads"].items():
            own[name] = dict(head)
            if "torso" in head:
                own[name]["torso"] = torso(head["torso"], large["heads"][name]["torso"])
            if "output" in head:
                own[name]["output"] = self._padded(head["output"], large["heads"][name]["output"], self.kept)
        return {"heads": own, "torso": torso(small["torso"], large["torso"])}

    def features(self, params: Params, inputs: Inputs, read: tuple[str, ...], carry: Carry) -> tuple[jax.Array, Carry]:
        x, carry = super().features(params[: self.kept], inputs, read, carry)
        for layer in params[self.kept :]:
            x = jnp.where(layer_in_use(layer), through([layer], x, self.activation), x)
        return x, carry

    def _padded(self, layer: Layer, shape: Layer, place: int) -> Layer:
        """A layer of the small network with zeros for units that are not in use; inputs that join the units stay last."""
        kernel = layer["kernel"]
        units = self.start[place - 1] if place else kernel.shape[0]
        rows, others = shape["kernel"].shape[0] - kernel.shape[0], ((0, 0),) * (kernel.ndim - 1)
        kernel = jnp.concatenate([jnp.pad(kernel[:units], ((0, rows), *others)), kernel[units:]])
        if place == self.kept:
            return {"kernel": kernel, "bias": layer["bias"]}
        columns = ((0, shape["bias"].shape[0] - layer["bias"].shape[0]),)
        return {"kernel": jnp.pad(kernel, ((0, 0), *columns)), "bias": jnp.pad(layer["bias"], columns)}


def units_in_use(layer: Layer) -> jax.Array:
    """The units ``[N]`` of a hidden layer that are in use: those with a weight before them."""
    return jnp.any(layer["kernel"] != 0.0, axis=0)


def layer_in_use(layer: Layer) -> jax.Array:
    """Whether a square hidden layer is in use: whether a unit has a weight of the unit at its own place."""
    return jnp.any(jnp.diagonal(layer["kernel"]) != 0.0)


def first_torso(params: Params) -> list[Layer]:
    """The hidden layers of one torso of a perceptron; all torsos grow at the same time."""
    if params["torso"]:
        return params["torso"]
    return next(own["torso"] for _, own in sorted(params["heads"].items()) if "torso" in own)


def _zeros(shape: jax.ShapeDtypeStruct) -> jax.Array:
    return jnp.zeros(shape.shape, shape.dtype)
