"""Net2DeeperNet: hidden layers that are put in."""

import jax
import jax.numpy as jnp

from discover import Component, Count, Params, ParamsMap, Scalar, UserError, component, real
from discover_zoo.curricula.growing_network.growing_perceptron import (
    GrowingPerceptron,
    Layer,
    first_torso,
    layer_in_use,
    units_in_use,
)
from discover_zoo.curricula.growing_network.times import due


@component
class Net2Deeper(Component):
    """Hidden layers that are put in one by one, without a change of the outputs (Chen et al. 2016, section 2.3).

    The last ``layers`` hidden layers of the candidate's network are passed by at first. When its time has come, one begins as
    the identity, ``W = 1`` and ``b = 0``, on what the layer before it gives::

        relu(W h + b) = h,    since h = relu(...) >= 0

    That is exact for relu alone: ``tanh(h)`` is not ``h``, so that other activations are refused. What an optimizer keeps of
    the new parameters is zero, as it was; all else stays, since the gradient of all else does.

    Pitfall: Adam's correction of the bias of its first steps does not start again for new parameters: its first steps on them
    are about three times as long as its learning rate.

    Attributes:
        layers: number of layers that are put in, all as wide as the one before them.
        first, last: share of the lifetime at which the first and the last is due; others lie evenly between.

    >>> from discover_zoo.networks.perceptron import Perceptron
    >>> Net2Deeper(layers=2).check((64, 64), "relu")
    Traceback (most recent call last):
    discover.base.errors.UserError: net2deeper puts in 2 layers, and the network has 2 hidden layers in the end (hidden: \
[64, 64]): give it at least 3, the last 3 of them of one width.
    """

    kind = "growth in depth"
    paper = "Chen et al. 2016, Net2Net: accelerating learning via knowledge transfer, arXiv 1511.05641"
    not_differentiable = ("first", "last")

    layers: Count = 1
    first: Scalar = real(0.5, low=0.0, high=1.0)
    last: Scalar = real(0.75, low=0.0, high=1.0)

    def check(self, hidden: tuple[int, ...], activation: str) -> None:
        """Check that layers can be put in.

        Raises:
            UserError: the identity is not exact, there are too few layers, or those to be put in are not all of one width.
        """
        if activation != "relu":
            raise UserError(
                "net2deeper puts in layers that begin as the identity, which needs relu; the network's activation is "
                f"{activation}: set activation to relu, or leave deeper out."
            )
        if len(set(hidden[-self.layers - 1 :])) > 1 or len(hidden) <= self.layers:
            raise UserError(
                f"net2deeper puts in {self.layers} layers, and the network has {len(hidden)} hidden layers in the end (hidden: "
                f"{list(hidden)}): give it at least {self.layers + 1}, the last {self.layers + 1} of them of one width."
            )

    def change(self, network: GrowingPerceptron, params: Params, progress: jax.Array) -> tuple[jax.Array, ParamsMap]:
        """Whether the next layer is due, and the change that it is."""
        torso = first_torso(params)
        done = jnp.sum(jnp.stack([layer_in_use(layer) for layer in torso[network.kept :]]).astype(jnp.int32))

        def deepened(tree: Params) -> Params:
            heads = dict(tree["heads"])
            for name, own in heads.items():
                heads[name] = own | {"torso": grown(own["torso"])} if "torso" in own else own
            return {"heads": heads, "torso": grown(tree["torso"])}

        def grown(layers: list[Layer]) -> list[Layer]:
            layers = layers[:] if layers else layers
            for place in range(network.kept, len(layers)):
                identity = jnp.diag(units_in_use(layers[place - 1]).astype(jnp.float32))
                begins = done == place - network.kept
                layers[place] = layers[place] | {"kernel": jnp.where(begins, identity, layers[place]["kernel"])}
            return layers

        return due(done, self.layers, progress, self.first, last=self.last), ParamsMap(deepened, lambda tree, power: tree)
