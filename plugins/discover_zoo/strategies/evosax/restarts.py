"""CMA-ES that begins again, each time with twice as many evaluations for each of its generations."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from discover import Count, Key, Proposal, Scalar, Space, Strategy, StrategyState, Told, component, named_keys, real
from discover_zoo.strategies.evosax.algorithms import CMA_ES


class State(NamedTuple):
    """One run of CMA-ES, and what is kept beside it.

    Attributes:
        inner: the state of CMA-ES.
        genomes: ``[2^restarts * P, D]`` evaluated in the run's present generation.
        fitness: ``[2^restarts * P]`` of them.
        filled: how many populations of them there are.
        doublings: how often the run's generation has been doubled.
        stale: evaluated generations of the run since its level rose.
        level: the highest mean fitness of a generation in this run.
        best: ``[D]`` the mean from which the generation with the highest mean fitness of all runs was drawn.
        best_level: that mean fitness.
        begun: whether any generation was evaluated.
    """

    inner: StrategyState
    genomes: jax.Array
    fitness: jax.Array
    filled: jax.Array
    doublings: jax.Array
    stale: jax.Array
    level: jax.Array
    best: jax.Array
    best_level: jax.Array
    begun: jax.Array


@component
class RestartedCMAES(Strategy):
    """IPOP-CMA-ES (Auger & Hansen 2005): CMA-ES that restarts elsewhere with a doubled population when it has come to an end.

    The population of a search is fixed, so that a doubled one is collected over two generations of the search, then four, and
    so on, up to ``2^restarts``; later runs have the largest. A run ends when its deviation is below ``tolerance`` of the first
    one, or its level, the mean fitness of its generations, has not risen for ``patience`` of them. The first run begins at the
    start genome, others at draws from the prior.

    Its recommendation is the mean whose generation had the highest mean fitness.

    Attributes:
        restarts: number of doublings.
        std: standard deviation, or step size, at the beginning of each run.
        tolerance: share of that deviation below which a run ends.
        patience: generations of a run without a rise after which it ends.

    >>> RestartedCMAES()
    RestartedCMAES(std=1.0, tolerance=0.01)
    """

    paper = "Auger & Hansen 2005, A restart CMA evolution strategy with increasing population size, CEC"

    restarts: Count = 3
    std: Scalar = real(1.0, low=1e-3, high=10.0, scale="log")
    tolerance: Scalar = real(0.01, low=1e-6, high=0.5, scale="log")
    patience: Count = 10

    def check_population(self, space: Space, population: int) -> str | None:
        return CMA_ES(std=self.std).check_population(space, population)

    def init(self, key: Key, space: Space, population: int) -> State:
        inner, most = CMA_ES(std=self.std).init(key, space, population), 2**self.restarts * population
        zero, none = jnp.zeros((), jnp.int32), jnp.zeros(())
        return State(
            inner=inner,
            genomes=jnp.zeros((most, space.dimension)),
            fitness=jnp.zeros(most),
            filled=zero,
            doublings=zero,
            stale=zero,
            level=none,
            best=inner.mean,
            best_level=none,
            begun=jnp.zeros((), bool),
        )

    def begin_at(self, key: Key, state: State, space: Space, population: int, *, genomes: jax.Array) -> State:
        """The first run begins at the best genome."""
        inner = CMA_ES(std=self.std).begin_at(key, state.inner, space, population, genomes=genomes)
        assert inner is not None
        return state._replace(inner=inner, best=inner.mean)

    def ask(self, key: Key, state: State, space: Space, population: int) -> tuple[Proposal, State]:
        proposal, inner = CMA_ES(std=self.std).ask(key, state.inner, space, population)
        return proposal, state._replace(inner=inner)

    def tell(self, key: Key, state: State, space: Space, told: Told) -> State:
        key_tell, key_restart = named_keys(key, "tell", "restart")
        population = len(told.genomes)
        place = state.filled * population
        state = state._replace(
            genomes=jax.lax.dynamic_update_slice_in_dim(state.genomes, told.genomes, place, axis=0),
            fitness=jax.lax.dynamic_update_slice_in_dim(state.fitness, jnp.asarray(told.fitness, jnp.float32), place, axis=0),
            filled=state.filled + 1,
        )
        complete = state.filled >= 2**state.doublings
        after = self._told(key_tell, state, space, population)
        after = jax.lax.cond(self._ended(after), lambda: self._restarted(key_restart, after, space, population), lambda: after)
        return jax.tree.map(lambda a, b: jnp.where(complete, a, b), after, state)

    def recommendation(self, state: State, space: Space) -> jax.Array:
        """The mean whose generation was best on average."""
        del space
        return state.best

    def _told(self, key: Key, state: State, space: Space, population: int) -> State:
        """The state after the run's generation, which is complete."""

        def tell(doublings: int) -> StrategyState:
            size = population * 2**doublings
            collected = Told.of(state.genomes[:size], state.fitness[:size])
            return CMA_ES(std=self.std).tell(key, state.inner, space, collected)

        branches = [lambda doublings=doublings: tell(doublings) for doublings in range(self.restarts + 1)]
        counted = jnp.arange(len(state.fitness)) < population * 2**state.doublings
        level = jnp.sum(jnp.where(counted, state.fitness, 0.0)) / jnp.sum(counted)
        rises = (level > state.level) | (state.inner.generation_counter == 0)
        best = (level > state.best_level) | ~state.begun
        return state._replace(
            inner=jax.lax.switch(state.doublings, branches),
            filled=jnp.zeros((), jnp.int32),
            stale=jnp.where(rises, 0, state.stale + 1),
            level=jnp.where(rises, level, state.level),
            best=jnp.where(best, state.inner.mean, state.best),
            best_level=jnp.where(best, level, state.best_level),
            begun=jnp.ones((), bool),
        )

    def _ended(self, state: State) -> jax.Array:
        deviation = state.inner.std * jnp.sqrt(jnp.max(jnp.diagonal(state.inner.C)))
        return (deviation < self.tolerance * self.std) | (state.stale >= self.patience)

    def _restarted(self, key: Key, state: State, space: Space, population: int) -> State:
        """The state at the beginning of another run."""
        key_init, key_prior = named_keys(key, "init", "prior")
        begun, seen = CMA_ES(std=self.std).init(key_init, space, population), state.inner
        inner = begun.replace(  # a state must stay finite, so that what was best is kept
            mean=space.sample(key_prior), best_solution=seen.best_solution, best_fitness=seen.best_fitness
        )
        doublings, zero = jnp.minimum(state.doublings + 1, self.restarts), jnp.zeros((), jnp.int32)
        return state._replace(inner=inner, doublings=doublings, stale=zero)
