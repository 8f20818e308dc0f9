"""The algorithms of evosax that did not do what they say, mended from outside: each says how."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from discover import Key, Scalar, Space, StrategyState, component, real
from discover_zoo.strategies.evosax.adapter import settled
from discover_zoo.strategies.evosax.settings import Adapting, Climbing, Scheduled, decayed


@component
class Ordered(Adapting):
    """Algorithms of evosax that weigh the draws of a generation as they stand, as if the best stood first.

    Unsorted, as evosax leaves them, what they learn of the shape of the problem is noise. Here the best does stand first.
    """

    def tell(self, key: Key, state: StrategyState, space: Space, genomes: jax.Array, fitness: jax.Array) -> StrategyState:
        order = jnp.argsort(-fitness, stable=True)
        return super().tell(key, state.replace(z=state.z[order]), space, genomes[order], fitness[order])


@component
class MAES(Ordered):
    """CMA-ES without a covariance matrix."""

    algorithm = "MA_ES"
    paper = "Beyer & Sendhoff 2017, IEEE TEVC 21"
    least = 4


@component
class LMMAES(Ordered):
    """Limited-memory matrix adaptation, for many coordinates.

    Its learning rates ``c_c = population / (4^i * D)`` were meant for populations far below D: from 2 D on evosax takes the
    root of a negative number. Here none is above 1.
    """

    algorithm = "LM_MA_ES"
    paper = "Loshchilov et al. 2017, arXiv 1705.06693"
    least = 4

    def parameters(self, defaults: Any, population: int) -> Mapping[str, Any]:
        return {**super().parameters(defaults, population), "c_c": jnp.minimum(defaults.c_c, 1.0)}


@component
class RmES(Adapting):
    """A covariance of rank m, and a step size by the ranks of a generation among those of the one before.

    evosax compares the weights of the worst half, which are always the same, so that its step shrinks whatever it is told.
    Here the costs of the better half are compared.
    """

    algorithm = "Rm_ES"
    paper = "Li & Zhang 2018, IEEE TEVC 22"
    least = 4

    def tell(self, key: Key, state: StrategyState, space: Space, genomes: jax.Array, fitness: jax.Array) -> StrategyState:
        params, elites = self._built(space, len(genomes)).params, len(state.fitness_elites_sorted)
        told = super().tell(key, state, space, genomes, fitness)
        best = jnp.sort(-fitness)[:elites]
        ranks = jax.scipy.stats.rankdata(jnp.concatenate([state.fitness_elites_sorted, best]))
        gain = jnp.dot(params.weights[:elites], ranks[:elites] - ranks[elites:]) / elites
        gain = jnp.where(state.generation_counter == 0, params.q_star, gain)  # there is no generation before the first
        rate = (1.0 - params.c_std) * state.cumulative_rank_rate + params.c_std * (gain - params.q_star)
        deviation = jnp.clip(state.std * jnp.exp(rate / params.d_std), params.std_min, params.std_max)
        return settled(told.replace(std=deviation, cumulative_rank_rate=rate, fitness_elites_sorted=best))


@component
class ASEBO(Climbing):
    """Pairs along recent gradients.

    evosax shares a variance out among all coordinates; here each has the deviation that is set.
    """

    algorithm = "ASEBO"
    paper = "Choromanski et al. 2019, arXiv 1903.04268"
    even = True

    def schedule(self, space: Space) -> Callable[[Any], jax.Array]:
        return decayed(self.std * math.sqrt(space.dimension), self.decay)


@component
class XNES(Adapting):
    """Natural ES with a step size, and a deviation for each coordinate: in evosax its covariance stays diagonal.

    evosax takes the first deviation twice, as step size and as that of each coordinate; here its root is taken.
    """

    algorithm = "xNES"
    paper = "Wierstra et al. 2014, JMLR 15"

    def parameters(self, defaults: Any, population: int) -> Mapping[str, Any]:
        return {"std_init": jnp.sqrt(self.std)}


@component
class SimulatedAnnealing(Scheduled):
    """The best of a generation takes the place of the one before it, or by chance though it is worse, while warm.

    evosax's temperature is in units of the cost. Here it is in units of the spread of a generation's.

    Attributes:
        temperature: at which a best that is worse by so many spreads is taken with a probability of 1/e.
    """

    algorithm = "SimulatedAnnealing"
    paper = "Kirkpatrick et al. 1983, Science 220"

    temperature: Scalar = real(0.1, low=1e-3, high=10.0, scale="log")

    def parameters(self, defaults: Any, population: int) -> Mapping[str, Any]:
        return {
            "temperature_init": jnp.asarray(self.temperature),
            "temperature_limit": jnp.asarray(self.temperature) / 100.0,
            "temperature_decay": jnp.asarray(self.decay),
            "boltzmann_constant": jnp.asarray(1.0),
        }

    def tell(self, key: Key, state: StrategyState, space: Space, genomes: jax.Array, fitness: jax.Array) -> StrategyState:
        spread = jnp.maximum(jnp.std(fitness), 1e-20)
        inner = state.replace(fitness=state.fitness / spread, best_fitness=state.best_fitness / spread)
        told = super().tell(key, inner, space, genomes, fitness / spread)
        return told.replace(fitness=told.fitness * spread, best_fitness=told.best_fitness * spread)
