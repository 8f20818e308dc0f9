"""Algorithms of evosax, with our own defaults: coordinates are in units of a natural step, so the first deviation is 1."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp

from discover import Scalar, component, real
from discover_evosax.adapter import EvosaxStrategy

if TYPE_CHECKING:
    from evosax.algorithms.base import EvolutionaryAlgorithm


def decayed(first: Scalar, decay: Scalar) -> Callable[[Any], jax.Array]:
    """``max(first * decay^generation, first / 100)``: a deviation that shrinks, yet never to nothing."""
    return lambda generation: first * jnp.maximum(decay**generation, 0.01)


@component
class OpenES(EvosaxStrategy):
    """OpenAI's evolution strategy (Salimans et al. 2017, algorithm 2): antithetic pairs, centred ranks, Adam.

    Attributes:
        learning_rate: about how far each coordinate of the mean moves in a generation.
        deviation: standard deviation of the first generation.
        decay: factor on the deviation from one generation to the next.
    """

    paper = "Salimans et al. 2017, arXiv 1703.03864"
    even = True

    learning_rate: Scalar = real(0.1, low=1e-4, high=10.0, scale="log")
    deviation: Scalar = real(1.0, low=1e-3, high=10.0, scale="log")
    decay: Scalar = real(0.99, low=0.5, high=1.0)

    def build(self, population: int, solution: jax.Array) -> EvolutionaryAlgorithm:
        import optax
        from evosax.algorithms import Open_ES

        adam = optax.adam(self.learning_rate)
        return Open_ES(population, solution, optimizer=adam, std_schedule=decayed(self.deviation, self.decay))


@component
class SNES(EvosaxStrategy):
    """Separable natural evolution strategy (Wierstra et al. 2014, algorithm 6): a deviation of its own for each coordinate.

    Attributes:
        deviation: standard deviation of the first generation, the same for all coordinates.
    """

    paper = "Wierstra et al. 2014, JMLR 15"

    deviation: Scalar = real(1.0, low=1e-3, high=10.0, scale="log")

    def build(self, population: int, solution: jax.Array) -> EvolutionaryAlgorithm:
        from evosax.algorithms import SNES as Algorithm  # noqa: N811  its own name

        return Algorithm(population, solution)

    def parameters(self) -> Mapping[str, Any]:
        return {"std_init": jnp.asarray(self.deviation)}


@component
class SepCMAES(EvosaxStrategy):
    """Separable CMA-ES (Ros & Hansen 2008): a diagonal covariance, so that cost and learning time grow with D alone.

    Attributes:
        deviation: step size of the first generation.
    """

    paper = "Ros & Hansen 2008, PPSN X"
    least = 4

    deviation: Scalar = real(1.0, low=1e-3, high=10.0, scale="log")

    def build(self, population: int, solution: jax.Array) -> EvolutionaryAlgorithm:
        from evosax.algorithms import Sep_CMA_ES

        return Sep_CMA_ES(population, solution)

    def parameters(self) -> Mapping[str, Any]:
        return {"std_init": jnp.asarray(self.deviation)}


@component
class CMAES(EvosaxStrategy):
    """CMA-ES (Hansen 2016): a full covariance. Memory grows with D^2 and time with D^3: for a few hundred coordinates at most.

    Attributes:
        deviation: step size of the first generation.
    """

    paper = "Hansen 2016, arXiv 1604.00772"
    least = 4

    deviation: Scalar = real(1.0, low=1e-3, high=10.0, scale="log")

    def build(self, population: int, solution: jax.Array) -> EvolutionaryAlgorithm:
        from evosax.algorithms import CMA_ES

        return CMA_ES(population, solution)

    def parameters(self) -> Mapping[str, Any]:
        return {"std_init": jnp.asarray(self.deviation)}


@component
class SimpleGA(EvosaxStrategy):
    """A genetic algorithm on bare coordinates (Such et al. 2017): truncation selection, uniform crossover, Gaussian mutation.

    It knows nothing of domains; the strategy ``genetic`` does.

    Attributes:
        elite: share of a generation that has children.
        crossover: share of the coordinates that come from the second parent.
        deviation: standard deviation of the first generation's mutation.
        decay: factor on the deviation from one generation to the next.
    """

    paper = "Such et al. 2017, arXiv 1712.06567"

    elite: Scalar = real(0.25, low=0.01, high=1.0)
    crossover: Scalar = real(0.5, low=0.0, high=0.5)
    deviation: Scalar = real(1.0, low=1e-3, high=10.0, scale="log")
    decay: Scalar = real(0.95, low=0.5, high=1.0)

    def build(self, population: int, solution: jax.Array) -> EvolutionaryAlgorithm:
        from evosax.algorithms import SimpleGA as Algorithm

        made = Algorithm(population, solution, std_schedule=decayed(self.deviation, self.decay))
        made.elite_ratio = float(self.elite)
        return made

    def parameters(self) -> Mapping[str, Any]:
        return {"crossover_rate": jnp.asarray(self.crossover)}
