"""A choice between return functions within one compiled program."""

import jax

from discover import Integer, Registry, ReturnFunction, Segment, Targets, component, hookimpl, option_index


@component
class OneOfReturns(ReturnFunction):
    """One of several return functions, by index: all options share one compiled program.

    A `choice` between components compiles each structure anew. This component computes every option instead, and takes one.

    >>> import jax.numpy as jnp
    >>> from discover_zoo.returns.n_step import NStep
    >>> zero = jnp.zeros((2, 1))
    >>> segment = Segment(zero + 1.0, *[zero] * 6)  # two steps of one environment: each pays 1, all else is 0
    >>> OneOfReturns(options=(NStep(n=1), NStep(n=2, gamma=0.8)), index=1)(segment).value[:, 0]
    Array([1.8, 1. ], dtype=float32)

    Attributes:
        options: the return functions.
        index: which of them is used.
    """

    not_differentiable = ("index",)

    options: tuple[ReturnFunction, ...]
    index: Integer = option_index(count=lambda self: len(self.options))

    def effective(self) -> ReturnFunction:
        return self.options[int(self.index)]

    def __call__(self, segment: Segment) -> Targets:
        return jax.lax.switch(self.index, [lambda s, f=f: f(s) for f in self.options], segment)


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("one_of_returns", OneOfReturns)
