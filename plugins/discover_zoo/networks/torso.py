"""The base class of networks with torsos, which turn observations into features, and one output layer per head."""

import math
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from discover import ACTION, REWARD, Carry, Head, Heads, Inputs, Key, Network, Outputs, Params, Spec, component, named_key
from discover_zoo.networks.layers import Activation, Initializer, joined, kernel, product, stack, through


@component
class TorsoNetwork(Network):
    """A torso, shared by all heads or one for each, and an output layer per head (its own gain, bias 0).

    A head may read inputs besides the observation: they go into its own torso. They join the features after the torso instead
    where the torso is shared and other heads do not read them, or where the torso cannot read them (`reads_after`).

    Attributes:
        activation: the non-linearity after each layer.
        shared: one torso for all heads; otherwise each head has its own.
        initializer: distribution of new kernels: ``orthogonal`` (gain sqrt(2) in hidden layers), or normal with variance 1 over
            the number of inputs (``lecun``), which makes the first layer of few inputs much larger. Heads have their own gain.
    """

    reads_after: ClassVar[frozenset[str]] = frozenset()
    """Inputs that even a head's own torso does not read."""

    activation: Activation = "tanh"
    shared: bool = False
    initializer: Initializer = "orthogonal"

    def torso(self, key: Key, spec: Spec, read: int) -> Params:
        """New parameters of one torso that reads ``read`` numbers besides the observation."""
        raise NotImplementedError

    def width(self, spec: Spec, read: int) -> int:
        """The number of features of such a torso."""
        raise NotImplementedError

    def features(self, params: Params, inputs: Inputs, read: tuple[str, ...], carry: Carry) -> tuple[jax.Array, Carry]:
        """Features ``[..., width]`` and the torso's next carry; ``read`` names the inputs besides the observation."""
        raise NotImplementedError

    def torso_carry(self) -> Carry:
        """The carry of one torso at the start of an episode."""
        return ()

    @property
    def between(self) -> tuple[int, ...]:
        """Widths of the layers between a torso and the output layer; each head has its own."""
        return ()

    def init(self, key: Key, spec: Spec, heads: Heads) -> Params:
        params: dict[str, Any] = {}
        for index, (name, head) in enumerate(sorted(heads.outputs.items())):
            key_torso, key_head = jax.random.split(jax.random.fold_in(key, index))
            if head.form == "constant":
                params[name] = {"constant": jnp.zeros(head.shape)}
                continue
            before, after = (_size(heads, names) for names in self._reads(heads, head))
            own = self._output(key_head, self.width(spec, before) + after, head)
            params[name] = own if self.shared else own | {"torso": self.torso(key_torso, spec, before)}
        common = _size(heads, self._common(heads))
        return {"heads": params, "torso": self.torso(named_key(key, "torso"), spec, common) if self.shared else ()}

    def carry(self, heads: Heads) -> Carry:
        empty = self.torso_carry()
        if self.shared or not jax.tree.leaves(empty):
            return empty
        return {name: empty for name, head in heads.outputs.items() if head.form != "constant"}

    def apply(self, params: Params, heads: Heads, inputs: Inputs, carry: Carry) -> tuple[Outputs, Carry]:
        outputs, x = {}, jnp.zeros(())
        if self.shared:
            x, carry = self.features(params["torso"], inputs, self._common(heads), carry)
        for name, head in heads.outputs.items():
            own = params["heads"][name]
            if head.form == "constant":
                outputs[name] = jnp.broadcast_to(own["constant"], inputs.is_first.shape + own["constant"].shape)
                continue
            before, after = self._reads(heads, head)
            if not self.shared and all(read in inputs.context for read in before):
                x, next_carry = self.features(own["torso"], inputs, before, carry[name] if carry else ())
                carry = {**carry, name: next_carry} if carry else carry
            if head.known(inputs):
                h = through(own["between"], joined(x, inputs, after), self.activation)
                outputs[name] = product(h, own["output"]["kernel"]) + own["output"]["bias"]
        return outputs, carry

    def _reads(self, heads: Heads, head: Head) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The names of the inputs that a head reads before its torso, and after it."""
        early = set(self._common(heads)) if self.shared else set(head.reads) - self.reads_after
        return tuple(n for n in head.reads if n in early), tuple(n for n in head.reads if n not in early)

    def _common(self, heads: Heads) -> tuple[str, ...]:
        """The inputs of a shared torso: those that all heads read and that are known when acting."""
        reads = [set(head.reads) - {ACTION, REWARD} for head in heads.outputs.values() if head.form != "constant"]
        return tuple(sorted(set.intersection(*reads))) if self.shared and reads else ()

    def _output(self, key: Key, inputs: int, head: Head) -> dict[str, Any]:
        sizes = (inputs, *self.between)
        last = kernel(key, sizes[-1], math.prod(head.shape), gain=head.gain, initializer=self.initializer)
        return {
            "between": stack(jax.random.fold_in(key, 1), sizes, self.initializer),
            "output": {"kernel": last.reshape(sizes[-1], *head.shape), "bias": jnp.zeros(head.shape)},
        }


def _size(heads: Heads, names: tuple[str, ...]) -> int:
    return sum(heads.context[name] for name in names)
