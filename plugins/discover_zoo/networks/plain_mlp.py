"""The multi-layer perceptron without what a rule of an exported file never asks for."""

import itertools
import math

import jax
import jax.numpy as jnp

from discover import Carry, Count, Heads, Inputs, Key, Network, Outputs, Params, Spec, component
from discover_zoo.networks.layers import Activation, Initializer, Layer, product, through


@component
class PlainMLP(Network):
    """Fully connected layers on the flattened observation: a torso for each head or one for all, and an output layer per head.

    The parameters are laid out as those of `MLP`, and give the same outputs.

    >>> from discover import Discrete, Head
    >>> mlp, heads = PlainMLP(hidden=(8,)), Heads({"policy": Head((2,)), "value": Head(())})
    >>> params = mlp.init(jax.random.key(0), Spec((3,), Discrete(2)), heads)
    >>> inputs = Inputs(jnp.ones((5, 3)), jnp.zeros(5, bool), context={}, progress=jnp.zeros(()))
    >>> {name: output.shape for name, output in mlp.apply(params, heads, inputs, ())[0].items()}
    {'policy': (5, 2), 'value': (5,)}

    Attributes:
        hidden: widths of the hidden layers.
        activation: the non-linearity after each hidden layer.
        shared: one torso for all heads; otherwise each head has its own.
        initializer: distribution of new kernels: orthogonal with gain sqrt(2), or normal of variance 1 / inputs (lecun).
    """

    hidden: tuple[Count, ...] = (64, 64)
    activation: Activation = "tanh"
    shared: bool = False
    initializer: Initializer = "orthogonal"

    def init(self, key: Key, spec: Spec, heads: Heads) -> Params:
        key_torso, *keys = jax.random.split(key, 1 + len(heads.outputs))
        sizes, params = (math.prod(spec.observation_shape), *self.hidden), {}
        for key_head, (name, head) in zip(keys, sorted(heads.outputs.items()), strict=True):
            if head.form == "constant":
                params[name] = {"constant": jnp.zeros(head.shape)}
                continue
            key_own, key_output = jax.random.split(key_head)
            kernel = self._kernel(key_output, sizes[-1], math.prod(head.shape), head.gain)
            output = {"kernel": kernel.reshape(sizes[-1], *head.shape), "bias": jnp.zeros(head.shape)}
            own = {} if self.shared else {"torso": self._torso(key_own, sizes)}
            params[name] = {"between": [], "output": output, **own}
        return {"heads": params, "torso": self._torso(key_torso, sizes) if self.shared else ()}

    def apply(self, params: Params, heads: Heads, inputs: Inputs, carry: Carry) -> tuple[Outputs, Carry]:
        x = inputs.observation.reshape(*inputs.is_first.shape, -1).astype(jnp.float32)
        outputs = {}
        for name, head in heads.outputs.items():
            own = params["heads"][name]
            if head.form == "constant":
                outputs[name] = jnp.broadcast_to(own["constant"], inputs.is_first.shape + head.shape)
                continue
            h = through(params["torso"] if self.shared else own["torso"], x, self.activation)
            outputs[name] = product(h, own["output"]["kernel"]) + own["output"]["bias"]
        return outputs, carry

    def _torso(self, key: Key, sizes: tuple[int, ...]) -> list[Layer]:
        """New layers from ``sizes[0]`` inputs through all further widths."""
        gain = math.sqrt(2.0) if self.initializer == "orthogonal" else 1.0
        pairs = zip(jax.random.split(key, len(sizes)), itertools.pairwise(sizes), strict=False)
        return [{"kernel": self._kernel(k, a, b, gain), "bias": jnp.zeros(b)} for k, (a, b) in pairs]

    def _kernel(self, key: Key, inputs: int, outputs: int, gain: float) -> jax.Array:
        """A new kernel ``[inputs, outputs]``."""
        if self.initializer == "orthogonal":
            return jax.nn.initializers.orthogonal(gain)(key, (inputs, outputs))
        return gain * jax.random.normal(key, (inputs, outputs)) / math.sqrt(inputs)
