"""A choice between networks within one compiled program."""

import jax

from discover import (
    Carry,
    Heads,
    Inputs,
    Integer,
    Key,
    Network,
    Outputs,
    Params,
    Registry,
    Spec,
    UserError,
    component,
    hookimpl,
    option_index,
)


@component
class OneOfNetworks(Network):
    """One of several networks, by index: all options share one compiled program, which runs that option alone.

    A `choice` between components compiles each structure anew. Here the options must have parameters (and memories) of one
    shape: they may differ in their activation, their initializer, and in numbers.

    >>> from discover import Discrete, Head
    >>> import jax.numpy as jnp
    >>> from discover_zoo.networks.mlp import MLP
    >>> heads, spec, key = Heads({"value": Head(())}), Spec((3,), Discrete(2)), jax.random.key(0)
    >>> relu, inputs = MLP(activation="relu"), Inputs(jnp.ones((1, 3)), jnp.zeros(1, bool), context={}, progress=jnp.zeros(()))
    >>> either = OneOfNetworks(options=(MLP(), relu), index=1)
    >>> outputs = [net.apply(net.init(key, spec, heads), heads, inputs, ())[0]["value"] for net in (either, relu)]
    >>> bool(jnp.allclose(*outputs))
    True

    Attributes:
        options: the networks.
        index: which of them is used.
    """

    not_differentiable = ("index",)

    options: tuple[Network, ...]
    index: Integer = option_index(count=lambda self: len(self.options), apart=True)

    def effective(self) -> Network:
        return self.options[int(self.index)]

    @property
    def forms(self) -> frozenset[str]:
        return frozenset.intersection(*(option.forms for option in self.options))

    def init(self, key: Key, spec: Spec, heads: Heads) -> Params:
        self._check(key, spec, heads)
        return jax.lax.switch(self.index, [lambda k, o=o: o.init(k, spec, heads) for o in self.options], key)

    def carry(self, heads: Heads) -> Carry:
        carries = [option.carry(heads) for option in self.options]
        return jax.lax.switch(self.index, [lambda c=c: c for c in carries]) if jax.tree.leaves(carries[0]) else carries[0]

    def apply(self, params: Params, heads: Heads, inputs: Inputs, carry: Carry) -> tuple[Outputs, Carry]:
        def by(option: Network) -> tuple[Outputs, Carry]:
            outputs, after = option.apply(params, heads, inputs, carry)
            return dict(outputs), after

        return jax.lax.switch(self.index, [lambda o=o: by(o) for o in self.options])

    def _check(self, key: Key, spec: Spec, heads: Heads) -> None:
        """Check that all options have parameters and memories of one shape.

        Raises:
            UserError: two have not.
        """
        forms = [jax.eval_shape(lambda k, o=o: (o.init(k, spec, heads), o.carry(heads)), key) for o in self.options]
        for option, form in zip(self.options, forms, strict=True):
            if form != forms[0]:
                raise UserError(
                    f"one_of_networks needs options whose parameters have one shape, but those of {option!r} differ from those "
                    f"of {self.options[0]!r}: write a choice between them instead."
                )


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("one_of_networks", OneOfNetworks)
