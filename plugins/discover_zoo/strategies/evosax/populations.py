"""Algorithms of evosax that hold a population, with settings of their own or other defaults than evosax's."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from discover import Count, Key, Proposal, Scalar, Space, StrategyState, Told, component, named_keys, real
from discover_zoo.strategies.evosax.adapter import EvosaxAlgorithm, EvosaxParams, EvosaxStrategy, with_fixed_dtypes
from discover_zoo.strategies.evosax.settings import Adapting, decaying_std


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

    >>> ParticleSwarm()
    ParticleSwarm(std=2.0, inertia=0.7298, cognitive=1.49618, social=1.49618)
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

    >>> GradientlessDescent()
    GradientlessDescent(largest=2.0)
    """

    algorithm = "GradientlessDescent"
    paper = "Golovin et al. 2020, arXiv 1911.06317"

    largest: Scalar = real(2.0, low=1e-3, high=10.0, scale="log")

    def parameters(self, defaults: EvosaxParams, population: int) -> Mapping[str, Any]:
        members = (population - 1) / jnp.log2(100.0)  # so many halve the deviation
        return {"radius_max": jnp.asarray(self.largest), "radius_min": jnp.asarray(0.0), "radius_decay": members}


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

    >>> DiffusionEvolution()
    DiffusionEvolution(std=3.0, pressure=50.0)
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

    def tell(self, key: Key, state: Relative, space: Space, told: Told) -> Relative:
        return Relative(state.start, super().tell(key, state.inner, space, told._replace(genomes=told.genomes - state.start)))


@component
class GESMRGA(Adapting):
    """A genetic algorithm whose members mutate in groups; the mutation rates of groups evolve.

    Attributes:
        groups: their number.

    >>> GESMRGA()
    GESMRGA(std=1.0)
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

    >>> SimpleGA()
    SimpleGA(elite=0.25, crossover=0.5, std=1.0, decay=0.95)
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
