"""The algorithms of evosax with an error, repaired without a change to evosax; each docstring says how."""

import math
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from discover import Key, Scalar, Space, StrategyState, Told, component, real
from discover_zoo.strategies.evosax.adapter import EvosaxParams, with_fixed_dtypes
from discover_zoo.strategies.evosax.settings import Adapting, Climbing, Schedule, Scheduled, decaying_std


@component
class Ordered(Adapting):
    """Algorithms of evosax that weight the draws of a generation by their place, as if they were sorted.

    evosax leaves them unsorted, so that the covariance that they learn is noise. Here they are sorted, the best first.
    """

    def tell(self, key: Key, state: StrategyState, space: Space, told: Told) -> StrategyState:
        order = jnp.argsort(-told.fitness, stable=True)
        return super().tell(key, state.replace(z=state.z[order]), space, jax.tree.map(lambda x: x[order], told))


@component
class MAES(Ordered):
    """CMA-ES without a covariance matrix.

    >>> MAES()
    MAES(std=1.0)
    """

    algorithm = "MA_ES"
    paper = "Beyer & Sendhoff 2017, IEEE TEVC 21"
    least = 4


@component
class LMMAES(Ordered):
    """Limited-memory matrix adaptation, for many coordinates.

    Its learning rates ``c_c = population / (4^i * D)`` were meant for populations far below D: from 2 D on evosax takes the
    root of a negative number. Here none is above 1.

    >>> LMMAES()
    LMMAES(std=1.0)
    """

    algorithm = "LM_MA_ES"
    paper = "Loshchilov et al. 2017, arXiv 1705.06693"
    least = 4

    def parameters(self, defaults: EvosaxParams, population: int) -> Mapping[str, Any]:
        return {**super().parameters(defaults, population), "c_c": jnp.minimum(defaults.c_c, 1.0)}


@component
class RmES(Adapting):
    """A covariance of rank m, and a step size by the ranks of a generation among those of the one before.

    evosax compares the weights of the worst half, which are always the same, so that its step shrinks whatever the fitness.
    Here the costs of the better half are compared.

    >>> RmES()
    RmES(std=1.0)
    """

    algorithm = "Rm_ES"
    paper = "Li & Zhang 2018, IEEE TEVC 22"
    least = 4

    def tell(self, key: Key, state: StrategyState, space: Space, told: Told) -> StrategyState:
        params, elites = self._built(space, len(told.genomes)).params, len(state.fitness_elites_sorted)
        after = super().tell(key, state, space, told)
        best = jnp.sort(-told.fitness)[:elites]
        ranks = jax.scipy.stats.rankdata(jnp.concatenate([state.fitness_elites_sorted, best]))
        gain = jnp.dot(params.weights[:elites], ranks[:elites] - ranks[elites:]) / elites
        gain = jnp.where(state.generation_counter == 0, params.q_star, gain)  # there is no generation before the first
        rate = (1.0 - params.c_std) * state.cumulative_rank_rate + params.c_std * (gain - params.q_star)
        deviation = jnp.clip(state.std * jnp.exp(rate / params.d_std), params.std_min, params.std_max)
        return with_fixed_dtypes(after.replace(std=deviation, cumulative_rank_rate=rate, fitness_elites_sorted=best))


@component
class ASEBO(Climbing):
    """A gradient estimated from random pairs along recent gradients.

    evosax divides the variance among all coordinates; here each coordinate has the standard deviation ``std``.

    >>> ASEBO()
    ASEBO(std=1.0, decay=0.95, learning_rate=0.5)
    """

    algorithm = "ASEBO"
    paper = "Choromanski et al. 2019, arXiv 1903.04268"

    def schedule(self, space: Space) -> Schedule:
        return decaying_std(self.std * math.sqrt(space.dimension), self.decay)


@component
class XNES(Adapting):
    """Natural evolution strategy with a step size and a deviation for each coordinate.

    In evosax its covariance stays diagonal. evosax uses the first deviation twice, as step size and for each coordinate; here
    both are its root.

    >>> XNES()
    XNES(std=1.0)
    """

    algorithm = "xNES"
    paper = "Wierstra et al. 2014, JMLR 15"

    def parameters(self, defaults: EvosaxParams, population: int) -> Mapping[str, Any]:
        return {"std_init": jnp.sqrt(self.std)}


@component
class SimulatedAnnealing(Scheduled):
    """A random walk: the best of a generation replaces the one before it, at a high temperature even if it is worse.

    evosax's temperature is in units of the cost. Here it is in units of the spread of the costs of a generation.

    Attributes:
        temperature: a best that is worse by so many spreads is accepted with a probability of 1/e, in the first generation.

    >>> SimulatedAnnealing()
    SimulatedAnnealing(std=1.0, decay=0.95, temperature=0.1)
    """

    algorithm = "SimulatedAnnealing"
    paper = "Kirkpatrick et al. 1983, Science 220"

    temperature: Scalar = real(0.1, low=1e-3, high=10.0, scale="log")

    def parameters(self, defaults: EvosaxParams, population: int) -> Mapping[str, Any]:
        return {
            "temperature_init": jnp.asarray(self.temperature),
            "temperature_limit": jnp.asarray(self.temperature) / 100.0,
            "temperature_decay": jnp.asarray(self.decay),
            "boltzmann_constant": jnp.asarray(1.0),
        }

    def tell(self, key: Key, state: StrategyState, space: Space, told: Told) -> StrategyState:
        spread = jnp.maximum(jnp.std(told.fitness), 1e-20)
        inner = state.replace(fitness=state.fitness / spread, best_fitness=state.best_fitness / spread)
        after = super().tell(key, inner, space, told._replace(fitness=told.fitness / spread))
        return after.replace(fitness=after.fitness * spread, best_fitness=after.best_fitness * spread)
