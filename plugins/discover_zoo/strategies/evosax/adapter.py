"""Any algorithm of evosax as a strategy.

evosax minimizes and has two kinds of algorithm: some hold a distribution and start from its mean, others hold a population and
start from one that has been evaluated. Here both start from a space's start genome, and higher is better.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from discover import Key, Proposal, Space, Strategy, StrategyState, named_keys


class EvosaxStrategy(Strategy):
    """An algorithm of evosax. A subclass says which, with what settings, and which populations it takes.

    The state is evosax's own, so its counter tells the first generation. An algorithm that holds a population is asked for
    the start genome and neighbors one standard deviation away first; evosax's ``init`` then is what tells it of them.

        @component
        class PGPE(EvosaxStrategy):
            algorithm = "PGPE"
            even = True
    """

    algorithm: ClassVar[str]
    """Its name in ``evosax.algorithms.algorithms``."""

    least: ClassVar[int] = 2
    """The smallest population."""

    even: ClassVar[bool] = False
    """Whether populations are made of pairs."""

    def arguments(self, space: Space) -> Mapping[str, Any]:
        """What its constructor is given beside the population and a solution."""
        del space
        return {}

    def parameters(self, defaults: Any, population: int) -> Mapping[str, Any]:
        """Which of evosax's default parameters to exchange."""
        del defaults, population
        return {}

    def build(self, space: Space, population: int) -> Any:
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
        made = self._built(space, population)
        key_start, key_noise, key_init = named_keys(key, "start", "noise", "init")
        start = space.start(key_start)
        if not made.holds_population:
            return settled(made.algorithm.init(key_init, start, made.params))
        first = self.first(key_noise, start, space, population)
        unknown = jnp.full(population, jnp.inf)
        return settled(made.algorithm.init(key_init, first, unknown, made.params))

    def ask(self, key: Key, state: StrategyState, space: Space, population: int) -> tuple[Proposal, StrategyState]:
        made = self._built(space, population)
        genomes, asked = made.algorithm.ask(key, state, made.params)
        if made.holds_population:
            genomes = jnp.where(state.generation_counter == 0, state.population, genomes)
        return Proposal(genomes), settled(asked)

    def tell(self, key: Key, state: StrategyState, space: Space, genomes: jax.Array, fitness: jax.Array) -> StrategyState:
        made = self._built(space, len(genomes))
        cost = -fitness
        told, _ = made.algorithm.tell(key, genomes, cost, state, made.params)
        if made.holds_population:
            begun = made.algorithm.init(key, genomes, cost, made.params)
            begun = begun.replace(generation_counter=begun.generation_counter + 1)
            if hasattr(begun, "best_fitness_shaped"):  # evosax forgets these, which leaves NaN in the state
                begun = begun.replace(best_solution_shaped=begun.best_solution, best_fitness_shaped=begun.best_fitness)
            first = state.generation_counter == 0
            told = jax.tree.map(lambda a, b: jnp.where(first, a, b), begun, told)
        return settled(told)

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

    algorithm: Any
    params: Any
    holds_population: bool


@functools.lru_cache(maxsize=64)
def _build(strategy: type[EvosaxStrategy], settings: tuple[tuple[str, Any], ...], space: Space, population: int) -> Built:
    """Built once: each evosax object compiles its methods anew, since they take it as static."""
    made = strategy(**dict(settings))
    with jax.ensure_compile_time_eval():  # the first call may come from inside a trace, and evosax makes arrays when imported
        from evosax.algorithms.population_based.base import PopulationBasedAlgorithm

        algorithm = made.build(space, population)
        defaults = algorithm.default_params
        params = defaults.replace(**made.parameters(defaults, population))
    return Built(algorithm, params, isinstance(algorithm, PopulationBasedAlgorithm))


def settled(state: StrategyState) -> StrategyState:
    """The state with its dtypes fixed: arrays that came from Python numbers take the dtype of what they meet."""
    return jax.tree.map(lambda x: jax.lax.convert_element_type(x, jnp.asarray(x).dtype), state)
