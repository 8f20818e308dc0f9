"""The algorithms of evosax with settings of their own, or with other defaults than evosax's."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from discover import Key, Scalar, Space, StrategyState, component, real
from discover_zoo.strategies.evosax.adapter import EvosaxAlgorithm, EvosaxParams, EvosaxStrategy
from discover_zoo.strategies.evosax.pairs import Mirrored
from discover_zoo.strategies.evosax.populations import GESMRGA, DiffusionEvolution, GradientlessDescent, ParticleSwarm, SimpleGA
from discover_zoo.strategies.evosax.repaired import ASEBO, LMMAES, MAES, XNES, RmES, SimulatedAnnealing
from discover_zoo.strategies.evosax.settings import Adapting, Climbing
from discover_zoo.strategies.evosax.stein import SVCMAES, SVOpenES


@component
class ARS(Climbing):
    """Augmented random search: a gradient estimated from the better half of random pairs.

    Ranks within pairs do not say which half that is: with these, it is estimated from all pairs.

    >>> ARS()
    ARS(std=1.0, decay=0.95, learning_rate=0.5)
    """

    algorithm = "ARS"
    paper = "Mania et al. 2018, arXiv 1803.07055"
    least = 4

    def build(self, space: Space, population: int) -> EvosaxAlgorithm:
        algorithm = super().build(space, population)
        if self.ranks == "pairs":
            algorithm.elite_ratio = 1.0
        return algorithm


@component
class ESMC(Climbing):
    """A gradient estimated from random pairs whose fitness is clipped at a baseline.

    >>> ESMC()
    ESMC(std=1.0, decay=0.95, learning_rate=0.5)
    """

    algorithm = "ESMC"
    paper = "Merchant et al. 2021, ICML"
    least = 4

    def pairs(self, members: int) -> np.ndarray:
        """The first two are the mean."""
        return np.concatenate([[[0, 1]], 2 + super().pairs(members - 2)])


@component
class Estimated(EvosaxStrategy):
    """Algorithms that estimate a Gaussian from the better half, with an anticipated shift of its mean.

    evosax adds the deviation of a schedule, 1 by default, to the estimated one, which can never shrink below it. Here it is a
    thousandth, so that it does not matter beside the estimate, which starts at 1.
    """

    paper = "Bosman et al. 2013, GECCO"
    least = 4

    def arguments(self, space: Space) -> Mapping[str, Any]:
        return {"std_schedule": lambda generation: jnp.asarray(1e-3)}


@component
class IAMaLGaMFull(Estimated):
    """A Gaussian estimated from the better half, with an anticipated shift of its mean: a full covariance.

    >>> IAMaLGaMFull()
    IAMaLGaMFull()
    """

    algorithm = "iAMaLGaM_Full"


@component
class IAMaLGaMUnivariate(Estimated):
    """A Gaussian estimated from the better half, with an anticipated shift of its mean: a deviation for each coordinate.

    >>> IAMaLGaMUnivariate()
    IAMaLGaMUnivariate()
    """

    algorithm = "iAMaLGaM_Univariate"


@component
class Unrolling(Climbing):
    """Algorithms for problems that go on from one generation to the next: an evaluation is a part of an unroll.

    Here each evaluation is a whole lifetime, hence a whole unroll. No noise is carried into the next one, so that they equal
    `Open_ES`.
    """

    def parameters(self, defaults: EvosaxParams, population: int) -> Mapping[str, Any]:
        return {"T": 1, "K": 1}


@component
class NoiseReuseES(Unrolling):
    """Antithetic pairs whose noise would be kept over an unroll.

    >>> NoiseReuseES()
    NoiseReuseES(std=1.0, decay=0.95, learning_rate=0.5)
    """

    algorithm = "NoiseReuseES"
    paper = "Li et al. 2023, arXiv 2304.12180"


@component
class PersistentES(Unrolling):
    """Antithetic pairs whose noise would be summed over an unroll.

    >>> PersistentES()
    PersistentES(std=1.0, decay=0.95, learning_rate=0.5)
    """

    algorithm = "PersistentES"
    paper = "Vicol et al. 2021, arXiv 2112.13835"


@component
class PGPE(Mirrored, Adapting):
    """Parameter-exploring policy gradients: antithetic pairs, a deviation for each coordinate.

    evosax follows the gradient by steps of one size. Here they are proportional to it, and so to the deviation: at a rate of
    4 the mean moves about as far as that of a natural evolution strategy.

    Ranks within pairs do not say which pairs are better: with these, the deviations stay as they are.

    Attributes:
        learning_rate: learning rate of the mean.
        std_rate: learning rate of the standard deviations.

    >>> PGPE()
    PGPE(std=1.0, learning_rate=4.0, std_rate=1.0)
    """

    algorithm = "PGPE"
    paper = "Sehnke et al. 2010, Neural Networks 23"

    learning_rate: Scalar = real(4.0, low=1e-4, high=10.0, scale="log")
    std_rate: Scalar = real(1.0, low=1e-3, high=10.0, scale="log")

    def arguments(self, space: Space) -> Mapping[str, Any]:
        import optax

        return {**super().arguments(space), "optimizer": optax.sgd(self.learning_rate)}

    def parameters(self, defaults: EvosaxParams, population: int) -> Mapping[str, Any]:
        return {**super().parameters(defaults, population), "std_lr": jnp.asarray(self.std_rate)}


@component
class EvosaxRandomSearch(EvosaxStrategy):
    """Draws each generation from the prior of the space; the strategy ``random_search`` evaluates the start genome too.

    >>> EvosaxRandomSearch()
    EvosaxRandomSearch()
    """

    algorithm = "RandomSearch"
    paper = "Bergstra & Bengio 2012, JMLR 13"
    least = 1

    def arguments(self, space: Space) -> Mapping[str, Any]:
        return {"sampling_fn": space.sample}

    def begin_at(
        self, key: Key, state: StrategyState, space: Space, population: int, *, genomes: jax.Array
    ) -> StrategyState | None:
        """None: it draws from the prior, wherever others lie, and is told them."""
        return None


SPECIAL: dict[str, type[EvosaxStrategy]] = {
    strategy.algorithm: strategy
    for strategy in (
        ARS,
        ASEBO,
        DiffusionEvolution,
        ESMC,
        EvosaxRandomSearch,
        GESMRGA,
        GradientlessDescent,
        IAMaLGaMFull,
        IAMaLGaMUnivariate,
        LMMAES,
        MAES,
        NoiseReuseES,
        ParticleSwarm,
        PersistentES,
        PGPE,
        RmES,
        SimpleGA,
        SimulatedAnnealing,
        SVCMAES,
        SVOpenES,
        XNES,
    )
}
"""The classes of this module, `populations`, `repaired` and `stein` by evosax's names."""
