"""The algorithms of evosax with settings of their own, or with other defaults than evosax's."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from discover import Count, Key, Proposal, Scalar, Space, StrategyState, component, named_keys, real
from discover_zoo.strategies.evosax.adapter import EvosaxAlgorithm, EvosaxParams, EvosaxStrategy, with_fixed_dtypes
from discover_zoo.strategies.evosax.repaired import ASEBO, LMMAES, MAES, XNES, RmES, SimulatedAnnealing
from discover_zoo.strategies.evosax.settings import Adapting, Climbing, decaying_std


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
    """A Gaussian estimated from the better half, with an anticipated shift of its mean: a full covariance."""

    algorithm = "iAMaLGaM_Full"


@component
class IAMaLGaMUnivariate(Estimated):
    """A Gaussian estimated from the better half, with an anticipated shift of its mean: a deviation for each coordinate."""

    algorithm = "iAMaLGaM_Univariate"


@component
class ParticleSwarm(EvosaxStrategy):
    """Particles that are drawn to their own best position and to that of all.

    The swarm contracts only where ``cognitive + social < 24 * (1 - inertia^2) / (7 - 5 * inertia)`` (Poli 2009), which is 3.23
    for evosax's inertia of 0.75 and less than its pull of 3.5. The defaults here are those of Clerc & Kennedy. Since it
    contracts, its first generation is wide.

    Attributes:
        std: standard deviation of the first generation.
        inertia: share of its velocity that a particle keeps.
        cognitive: pull of its own best position.
        social: pull of the best position of all.
    """

    algorithm = "PSO"
    paper = "Kennedy & Eberhart 1995; Clerc & Kennedy 2002"

    std: Scalar = real(2.0, low=1e-3, high=10.0, scale="log")
    inertia: Scalar = real(0.7298, low=0.0, high=1.0)
    cognitive: Scalar = real(1.49618, low=0.0, high=4.0)
    social: Scalar = real(1.49618, low=0.0, high=4.0)

    def parameters(self, defaults: EvosaxParams, population: int) -> Mapping[str, Any]:
        numbers = {"inertia": self.inertia, "cognitive": self.cognitive, "social": self.social}
        return {f"{name}_coeff": jnp.asarray(value) for name, value in numbers.items()}

    def first(self, key: Key, start: jax.Array, space: Space, population: int) -> jax.Array:
        return start + self.std * (super().first(key, start, space, population) - start)


@component
class GradientlessDescent(EvosaxStrategy):
    """Random steps of many sizes around the best candidate so far.

    evosax halves the deviation with every fifth member, so that a population of 16 has no small steps. Here the members are
    spread evenly over the logarithm of the deviation, whatever the population.

    Attributes:
        largest: the largest deviation; the smallest is a hundredth of it.
    """

    algorithm = "GradientlessDescent"
    paper = "Golovin et al. 2020, arXiv 1911.06317"

    largest: Scalar = real(2.0, low=1e-3, high=10.0, scale="log")

    def parameters(self, defaults: EvosaxParams, population: int) -> Mapping[str, Any]:
        members = (population - 1) / jnp.log2(100.0)  # so many halve the deviation
        return {"radius_max": jnp.asarray(self.largest), "radius_min": jnp.asarray(0.0), "radius_decay": members}


@component
class Unrolling(Climbing):
    """Algorithms for problems that go on from one generation to the next: an evaluation is a part of an unroll.

    Here each evaluation is a whole lifetime, hence a whole unroll. No noise is carried into the next one, so that they equal
    `Open_ES`.
    """

    even = True

    def parameters(self, defaults: EvosaxParams, population: int) -> Mapping[str, Any]:
        return {"T": 1, "K": 1}


@component
class NoiseReuseES(Unrolling):
    """Antithetic pairs whose noise would be kept over an unroll."""

    algorithm = "NoiseReuseES"
    paper = "Li et al. 2023, arXiv 2304.12180"


@component
class PersistentES(Unrolling):
    """Antithetic pairs whose noise would be summed over an unroll."""

    algorithm = "PersistentES"
    paper = "Vicol et al. 2021, arXiv 2112.13835"


@component
class PGPE(Adapting):
    """Parameter-exploring policy gradients: antithetic pairs, a deviation for each coordinate.

    evosax follows the gradient by steps of one size. Here they are proportional to it, and so to the deviation: at a rate of
    4 the mean moves about as far as that of a natural evolution strategy.

    Attributes:
        learning_rate: learning rate of the mean.
        std_rate: learning rate of the standard deviations.
    """

    algorithm = "PGPE"
    paper = "Sehnke et al. 2010, Neural Networks 23"
    even = True

    learning_rate: Scalar = real(4.0, low=1e-4, high=10.0, scale="log")
    std_rate: Scalar = real(1.0, low=1e-3, high=10.0, scale="log")

    def arguments(self, space: Space) -> Mapping[str, Any]:
        import optax

        return {"optimizer": optax.sgd(self.learning_rate)}

    def parameters(self, defaults: EvosaxParams, population: int) -> Mapping[str, Any]:
        return {**super().parameters(defaults, population), "std_lr": jnp.asarray(self.std_rate)}


@component
class EvosaxRandomSearch(EvosaxStrategy):
    """Draws each generation from the prior of the space; the strategy ``random_search`` evaluates the start genome too."""

    algorithm = "RandomSearch"
    paper = "Bergstra & Bengio 2012, JMLR 13"
    least = 1

    def arguments(self, space: Space) -> Mapping[str, Any]:
        return {"sampling_fn": space.sample}


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
        built = self._built(space, population)
        key_start, key_noise, key_init = named_keys(key, "start", "noise", "init")
        apart = jax.random.normal(key_noise, (self.distributions, space.dimension)).at[0].set(0.0)
        return with_fixed_dtypes(built.algorithm.init(key_init, space.start(key_start) + apart, built.params))

    def recommendation(self, state: StrategyState, space: Space) -> jax.Array | None:
        """The mean of the distribution with the best candidate so far."""
        del space
        return state.mean[jnp.argmin(state.best_fitness)]


@component
class SVCMAES(SteinVariational):
    """Several CMA-ES that repel each other.

    Attributes:
        std: step size of the first generation.
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
    """

    algorithm = "SV_Open_ES"
    paper = "Liu et al. 2017, arXiv 1704.02399"
    even = True

    def tell(self, key: Key, state: StrategyState, space: Space, genomes: jax.Array, fitness: jax.Array) -> StrategyState:
        after = super().tell(key, state, space, genomes, fitness=fitness)
        deviation = self.schedule(space)(after.generation_counter)
        return after.replace(std=jnp.broadcast_to(deviation, after.std.shape).astype(after.std.dtype))


class Relative(NamedTuple):
    """A state of evosax whose genomes are relative to the start genome."""

    start: jax.Array
    inner: StrategyState


@component
class DiffusionEvolution(EvosaxStrategy):
    """Denoising of a Gaussian population towards high fitness, in a number of generations that is known beforehand.

    evosax's Gaussian is centered at zero; here it is centered at the start genome. evosax weights members by ``exp(-cost)``,
    which depends on the scale of returns; here by ``exp(pressure * rank)``, ranks from 0 to 1.

    Attributes:
        generations: number of generations; later ones change little.
        std: standard deviation of the first generation, which has to reach the optimum: that of a number's prior is 3.6.
        pressure: weight of the ranks.
    """

    algorithm = "DiffusionEvolution"
    paper = "Zhang et al. 2024, arXiv 2410.02543"

    generations: Count = 32
    std: Scalar = real(3.0, low=1e-3, high=10.0, scale="log")
    pressure: Scalar = real(50.0, low=1.0, high=100.0, scale="log")

    def arguments(self, space: Space) -> Mapping[str, Any]:
        from evosax.core.fitness_shaping import centered_rank_fitness_shaping_fn as ranks

        return {"num_generations": self.generations, "fitness_shaping_fn": lambda *arguments: self.pressure * ranks(*arguments)}

    def parameters(self, defaults: EvosaxParams, population: int) -> Mapping[str, Any]:
        return {"scale_factor": jnp.asarray(self.std)}

    def init(self, key: Key, space: Space, population: int) -> Relative:
        built = self._built(space, population)
        key_start, key_noise, key_init = named_keys(key, "start", "noise", "init")
        start = space.start(key_start)
        noise = self.std * jax.random.normal(key_noise, (population, space.dimension))
        unknown = jnp.full(population, jnp.inf)
        return Relative(start, with_fixed_dtypes(built.algorithm.init(key_init, noise, unknown, built.params)))

    def ask(self, key: Key, state: Relative, space: Space, population: int) -> tuple[Proposal, Relative]:
        proposal, inner = super().ask(key, state.inner, space, population)
        return Proposal(state.start + proposal.genomes), Relative(state.start, inner)

    def tell(self, key: Key, state: Relative, space: Space, genomes: jax.Array, fitness: jax.Array) -> Relative:
        return Relative(state.start, super().tell(key, state.inner, space, genomes - state.start, fitness=fitness))


@component
class GESMRGA(Adapting):
    """A genetic algorithm whose members mutate in groups; the mutation rates of groups evolve.

    Attributes:
        groups: their number.
    """

    algorithm = "GESMR_GA"
    paper = "Kumar et al. 2022, arXiv 2204.04817"

    groups: Count = 3

    def arguments(self, space: Space) -> Mapping[str, Any]:
        return {"num_groups": self.groups}

    def check_population(self, space: Space, population: int) -> str | None:
        suitable = 1 + max(1, -(-(population - 1) // self.groups)) * self.groups
        return (
            None
            if population == suitable
            else f"it works with the best and {self.groups} groups of one size, so take {suitable}"
        )


@component
class SimpleGA(EvosaxStrategy):
    """A genetic algorithm on bare coordinates (Such et al. 2017): truncation selection, uniform crossover, Gaussian mutation.

    It ignores domains; the strategy ``genetic`` uses them.

    Attributes:
        elite: share of a generation that has children.
        crossover: share of the coordinates that come from the second parent.
        std: standard deviation of the first generation's mutation.
        decay: factor on the deviation from one generation to the next.
    """

    algorithm = "SimpleGA"
    paper = "Such et al. 2017, arXiv 1712.06567"

    elite: Scalar = real(0.25, low=0.01, high=1.0)
    crossover: Scalar = real(0.5, low=0.0, high=0.5)
    std: Scalar = real(1.0, low=1e-3, high=10.0, scale="log")
    decay: Scalar = real(0.95, low=0.5, high=1.0)

    def build(self, space: Space, population: int) -> EvosaxAlgorithm:
        algorithm = super().build(space, population)
        algorithm.elite_ratio = float(self.elite)
        return algorithm

    def arguments(self, space: Space) -> Mapping[str, Any]:
        return {"std_schedule": decaying_std(self.std, self.decay)}

    def parameters(self, defaults: EvosaxParams, population: int) -> Mapping[str, Any]:
        return {"crossover_rate": jnp.asarray(self.crossover)}


SPECIAL: dict[str, type[EvosaxStrategy]] = {
    strategy.algorithm: strategy
    for strategy in (
        ASEBO,
        DiffusionEvolution,
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
"""The classes of this module and of `repaired` by evosax's names."""
