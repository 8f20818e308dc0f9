"""Multi-layer perceptron whose hidden units are scaled by an input."""

import itertools

import jax
import jax.numpy as jnp

from discover import Carry, Heads, Inputs, Key, Params, Registry, Spec, UserError, component, hookimpl
from discover_zoo.networks.layers import activated, flat, joined
from discover_zoo.networks.perceptron import Perceptron


@component
class ModulatedMLP(Perceptron):
    """An `MLP` in which an input of the rule scales the hidden units (Perez et al. 2018: feature-wise linear modulation).

    In a head that reads the input named by ``scaled_by``, a layer is, with its part ``s`` of that input::

        h' = activation((h W + b) * (1 + s))

    All hidden layers are scaled, in their order; the output layer is not. Parameters are those of the `MLP`, and so are the
    outputs, bit for bit, of heads that do not read the input and wherever it is zero.

    >>> from discover import Discrete, Head
    >>> mlp = ModulatedMLP(hidden=(8, 4))
    >>> heads = Heads({"policy": Head((2,), reads=("modulation",))}, context={"modulation": 12})
    >>> params = mlp.init(jax.random.key(0), Spec((3,), Discrete(2)), heads)
    >>> inputs = Inputs(jnp.ones((5, 3)), jnp.zeros(5, bool), {"modulation": -jnp.ones((5, 12))}, progress=jnp.zeros(()))
    >>> mlp.apply(params, heads, inputs, ())[0]["policy"].any()  # no unit is left
    Array(False, dtype=bool)

    Attributes:
        scaled_by: name of the input.
        hidden, activation, shared, initializer: as in `MLP`.
    """

    paper = "Perez et al. 2018, arXiv 1709.07871"

    scaled_by: str = "modulation"

    def init(self, key: Key, spec: Spec, heads: Heads) -> Params:
        reading = [name for name, head in heads.outputs.items() if self.scaled_by in head.reads]
        units = sum(self.hidden)
        if reading and heads.context[self.scaled_by] != units:
            raise UserError(
                f"modulated_mlp has {units} hidden units (hidden: {list(self.hidden)}), and the rule scales "
                f"{heads.context[self.scaled_by]} by '{self.scaled_by}': set the rule's units to {units}."
            )
        if reading and self.shared and self.scaled_by not in self._common(heads):
            raise UserError(
                f"modulated_mlp shares its hidden layers (shared: true), but '{self.scaled_by}' is not for all of its heads: "
                "set shared to false."
            )
        return super().init(key, spec, heads._replace(context={**heads.context, self.scaled_by: 0}))

    def features(self, params: Params, inputs: Inputs, read: tuple[str, ...], carry: Carry) -> tuple[jax.Array, Carry]:
        if self.scaled_by not in read:
            return super().features(params, inputs, read, carry)
        x = joined(flat(inputs), inputs, tuple(name for name in read if name != self.scaled_by))
        scales = jnp.split(inputs.context[self.scaled_by], list(itertools.accumulate(self.hidden[:-1])), axis=-1)
        for layer, scale in zip(params, scales, strict=True):
            x = activated((x @ layer["kernel"] + layer["bias"]) * (1.0 + scale), self.activation)
        return x, carry


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("modulated_mlp", ModulatedMLP)
