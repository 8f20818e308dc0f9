"""A choice between return functions within one compiled program."""

import jax

from discover import Integer, Registry, ReturnFunction, Segment, Targets, component, hookimpl, option_index


@component
class OneOfReturns(ReturnFunction):
    """One of several return functions, by index: all options share one compiled program.

    A `choice` between components compiles each structure anew; this one searches over the same choice for the price of
    computing every option.
    """

    not_differentiable = ("index",)

    options: tuple[ReturnFunction, ...]
    index: Integer = option_index(count=lambda self: len(self.options))

    def __call__(self, segment: Segment) -> Targets:
        return jax.lax.switch(self.index, [lambda s, f=f: f(s) for f in self.options], segment)


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("one_of_returns", OneOfReturns)
