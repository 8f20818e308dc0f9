"""Any algorithm of evosax as a strategy.

evosax minimizes and has two kinds of algorithm: some hold a distribution and start from its mean, others hold a population and
start from one that has been evaluated. Here both start from a space's start genome, and higher is better.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from discover import Key, Proposal, Space, Strategy, StrategyState, Told, named_keys

EvosaxAlgorithm: TypeAlias = Any
"""An object of evosax with ``init``, ``ask`` and ``tell``; evosax is imported later, since its import starts JAX."""

EvosaxParams: TypeAlias = Any
"""Parameters of an algorithm of evosax: a dataclass of its own for each."""


class EvosaxStrategy(Strategy):
    """An algorithm of evosax. A subclass names it, with its settings and the populations that suit it.

    The state is evosax's own, so that its counter tells the first generation. The first proposal of an algorithm that holds a
    population is the start genome and neighbors one standard deviation away; their fitness goes into evosax's ``init``.

        @component
        class PGPE(EvosaxStrategy):
            algorithm = "PGPE"
            even = True

    >>> from discover import Space, free
    >>> from discover_zoo.optimizers.sgd import SGD
    >>> from discover_zoo.strategies.evosax.algorithms import SNES
    >>> strategy, space = SNES(), Space(SGD(learning_rate=free()))
    >>> state = strategy.init(jax.random.key(0), space, 4)
    >>> proposal, state = strategy.ask(jax.random.key(1), state, space, 4)
    >>> proposal.genomes.shape
    (4, 1)
    """

    algorithm: ClassVar[str]
    """Its name in ``evosax.algorithms.algorithms``."""

    least: ClassVar[int] = 2
    """The smallest population."""

    even: ClassVar[bool] = False
    """Whether populations are made of pairs."""

    def arguments(self, space: Space) -> Mapping[str, Any]:
        """Arguments of its constructor beside the population and a solution."""
        del space
        return {}

    def parameters(self, defaults: EvosaxParams, population: int) -> Mapping[str, Any]:
        """Those of evosax's parameters that differ from its defaults."""
        del defaults, population
        return {}

    def build(self, space: Space, population: int) -> EvosaxAlgorithm:
        """The evosax object."""
        from evosax.algorithms import algorithms  # here, since the import starts JAX

        return algorithms[self.algorithm](population, jnp.zeros(space.dimension), **self.arguments(space))

    def first(self, key: Key, start: jax.Array, space: Space, population: int) -> jax.Array:
        """The first population ``[P, D]`` of an algorithm that holds one: the start genome and neighbors."""
        return start + jax.random.normal(key, (population, space.dimension)).at[0].set(0.0)

    def check_population(self, space: Space, population: int) -> str | None:
        del space
        if population < self.least:
            return f"it needs {self.least} at least"
        if self.even and population % 2:
            return f"it works with pairs, so take {population + 1}"
        return None

    def init(self, key: Key, space: Space, population: int) -> StrategyState:
        built = self._built(space, population)
        key_start, key_noise, key_init = named_keys(key, "start", "noise", "init")
        start = space.start(key_start)
        if not built.holds_population:
            return with_fixed_dtypes(built.algorithm.init(key_init, start, built.params))
        first = self.first(key_noise, start, space, population)
        unknown = jnp.full(population, jnp.inf)
        return with_fixed_dtypes(built.algorithm.init(key_init, first, unknown, built.params))

    def begin_at(
        self, key: Key, state: StrategyState, space: Space, population: int, *, genomes: jax.Array
    ) -> StrategyState | None:
        """A distribution begins anew around the best genome; a population is told all of them."""
        built = self._built(space, population)
        return None if built.holds_population else with_fixed_dtypes(built.algorithm.init(key, genomes[0], built.params))

    def ask(self, key: Key, state: StrategyState, space: Space, population: int) -> tuple[Proposal, StrategyState]:
        built = self._built(space, population)
        genomes, after = built.algorithm.ask(key, state, built.params)
        if built.holds_population:
            genomes = jnp.where(state.generation_counter == 0, state.population, genomes)
        return Proposal(genomes), with_fixed_dtypes(after)

    def tell(self, key: Key, state: StrategyState, space: Space, told: Told) -> StrategyState:
        built = self._built(space, len(told.genomes))
        genomes, cost = told.genomes, -told.fitness
        after, _ = built.algorithm.tell(key, genomes, cost, state, params=built.params)
        if built.holds_population:
            begun = built.algorithm.init(key, genomes, cost, built.params)
            begun = begun.replace(generation_counter=begun.generation_counter + 1)
            if hasattr(begun, "best_fitness_shaped"):  # evosax forgets these, which leaves NaN in the state
                begun = begun.replace(best_solution_shaped=begun.best_solution, best_fitness_shaped=begun.best_fitness)
            first = state.generation_counter == 0
            after = jax.tree.map(lambda a, b: jnp.where(first, a, b), begun, after)
        return with_fixed_dtypes(after)

    def recommendation(self, state: StrategyState, space: Space) -> jax.Array | None:
        """The mean of the distribution, where there is one."""
        del space
        return getattr(state, "mean", None)

    def _built(self, space: Space, population: int) -> Built:
        settings = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}  # type: ignore[arg-type]
        plain = tuple((k, v.item() if isinstance(v, np.ndarray | jax.Array) else v) for k, v in settings.items())
        return _build(type(self), plain, space, population)


class Built(NamedTuple):
    """An evosax object, its parameters, and whether it holds a population."""

    algorithm: EvosaxAlgorithm
    params: EvosaxParams
    holds_population: bool


@functools.lru_cache(maxsize=64)
def _build(strategy: type[EvosaxStrategy], settings: tuple[tuple[str, Any], ...], space: Space, population: int) -> Built:
    """A cached evosax object: each new one compiles its methods anew, since it is a static argument of them."""
    component = strategy(**dict(settings))
    with jax.ensure_compile_time_eval():  # the first call may come from inside a trace, and evosax makes arrays when imported
        from evosax.algorithms.population_based.base import PopulationBasedAlgorithm

        algorithm = component.build(space, population)
        defaults = algorithm.default_params
        params = defaults.replace(**component.parameters(defaults, population))
    return Built(algorithm, params, isinstance(algorithm, PopulationBasedAlgorithm))


def with_fixed_dtypes(state: StrategyState) -> StrategyState:
    """The state without weak types: arrays made from Python numbers would else take the dtype of their operands."""
    return jax.tree.map(lambda x: jax.lax.convert_element_type(x, jnp.asarray(x).dtype), state)
