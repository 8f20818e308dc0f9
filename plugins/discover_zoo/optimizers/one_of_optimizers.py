"""A choice between optimizers within one compiled program."""

import jax

from discover import Integer, Optimizer, OptimizerState, Params, ParamsMap, Registry, component, hookimpl, option_index


@component
class OneOfOptimizers(Optimizer):
    """One of several optimizers, by index: all options share one compiled program.

    A `choice` between components compiles each structure anew. Here the state is that of all options together, of which only
    the one in use changes: its memory is their sum. Among lifetimes side by side, all options are
    computed.

    >>> import jax.numpy as jnp
    >>> from discover_zoo.optimizers.adam import Adam
    >>> from discover_zoo.optimizers.sgd import SGD
    >>> either, params = OneOfOptimizers(options=(Adam(), SGD(learning_rate=0.5)), index=1), jnp.ones(2)
    >>> either.update(jnp.array([1.0, 0.0]), either.init(params), params, progress=jnp.zeros(()))[0]
    Array([0.5, 1. ], dtype=float32)

    Attributes:
        options: the optimizers.
        index: which of them is used.
    """

    not_differentiable = ("index",)

    options: tuple[Optimizer, ...]
    index: Integer = option_index(count=lambda self: len(self.options))

    def effective(self) -> Optimizer:
        return self.options[int(self.index)]

    @property
    def layerwise(self) -> bool:
        return any(option.layerwise for option in self.options)

    def init(self, params: Params) -> OptimizerState:
        return tuple(option.init(params) for option in self.options)

    def update(
        self, gradient: Params, state: OptimizerState, params: Params, progress: jax.Array
    ) -> tuple[Params, OptimizerState]:
        def by(place: int, option: Optimizer) -> tuple[Params, OptimizerState]:
            after, own = option.update(gradient, state[place], params, progress)
            return after, (*state[:place], own, *state[place + 1 :])

        return jax.lax.switch(self.index, [lambda i=i, o=o: by(i, o) for i, o in enumerate(self.options)])

    def map_state(self, state: OptimizerState, params: Params, change: ParamsMap) -> OptimizerState:
        return tuple(option.map_state(own, params, change) for option, own in zip(self.options, state, strict=True))


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("one_of_optimizers", OneOfOptimizers)
