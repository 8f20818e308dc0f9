"""Algorithms of evosax with several distributions that repel each other (Stein variational inference)."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from discover import Count, Key, Scalar, Space, StrategyState, Told, component, named_key, named_keys, real
from discover_zoo.strategies.evosax.adapter import EvosaxAlgorithm, EvosaxParams, EvosaxStrategy, with_fixed_dtypes
from discover_zoo.strategies.evosax.settings import Climbing


@component
class SteinVariational(EvosaxStrategy):
    """Several distributions that repel each other: each has a part of the population, and a kernel measures their nearness.

    Attributes:
        distributions: their number.
    """

    distributions: Count = 4

    def build(self, space: Space, population: int) -> EvosaxAlgorithm:
        from evosax.algorithms import algorithms

        each = population // self.distributions
        solution = jnp.zeros(space.dimension)
        return algorithms[self.algorithm](each, self.distributions, solution, **self.arguments(space))

    def check_population(self, space: Space, population: int) -> str | None:
        each, rest = divmod(population, self.distributions)
        fits = super().check_population(space, each) is None and not rest
        if fits:
            return None
        step = self.distributions * (2 if self.even else 1)
        nearest = max(self.least * self.distributions, -(-population // step) * step)
        return f"it shares it out among {self.distributions} distributions, so take {nearest}"

    def init(self, key: Key, space: Space, population: int) -> StrategyState:
        return self._around(key, space.start(named_key(key, "start"))[None], space, population)

    def begin_at(self, key: Key, state: StrategyState, space: Space, population: int, *, genomes: jax.Array) -> StrategyState:
        """Distributions around the best genomes; those that are too many begin near the best."""
        return self._around(key, genomes, space, population)

    def recommendation(self, state: StrategyState, space: Space) -> jax.Array | None:
        """The mean of the distribution with the best candidate so far."""
        del space
        return state.mean[jnp.argmin(state.best_fitness)]

    def _around(self, key: Key, genomes: jax.Array, space: Space, population: int) -> StrategyState:
        """The state whose distributions begin at some genomes ``[N, D]``, others one deviation from the first of them."""
        key_noise, key_init = named_keys(key, "noise", "init")
        apart = genomes[0] + jax.random.normal(key_noise, (self.distributions, space.dimension))
        known = min(len(genomes), self.distributions)
        built = self._built(space, population)
        return with_fixed_dtypes(built.algorithm.init(key_init, apart.at[:known].set(genomes[:known]), built.params))


@component
class SVCMAES(SteinVariational):
    """Several CMA-ES that repel each other.

    Attributes:
        std: step size of the first generation.

    >>> SVCMAES()
    SVCMAES(std=1.0)
    """

    algorithm = "SV_CMA_ES"
    paper = "Braun et al. 2024, arXiv 2410.10390"
    least = 4

    std: Scalar = real(1.0, low=1e-3, high=10.0, scale="log")

    def parameters(self, defaults: EvosaxParams, population: int) -> Mapping[str, Any]:
        return {"std_init": jnp.asarray(self.std)}


@component
class SVOpenES(SteinVariational, Climbing):
    """Several Open_ES that repel each other.

    evosax leaves the schedule of the deviation at its first value; here each generation advances it.

    >>> SVOpenES()
    SVOpenES(std=1.0, decay=0.95, learning_rate=0.5)
    """

    algorithm = "SV_Open_ES"
    paper = "Liu et al. 2017, arXiv 1704.02399"

    def tell(self, key: Key, state: StrategyState, space: Space, told: Told) -> StrategyState:
        after = super().tell(key, state, space, told)
        deviation = self.schedule(space)(after.generation_counter)
        return after.replace(std=jnp.broadcast_to(deviation, after.std.shape).astype(after.std.dtype))
