"""The generations of a search: ask the strategy for a population, evaluate it, and tell the strategy its fitness."""

from __future__ import annotations

import time

import jax
import jax.numpy as jnp
import numpy as np

from discover.base.errors import UserError
from discover.base.randomness import named_key
from discover.components.space import Space
from discover.config.search_config import SearchConfig
from discover.contract.events import Generation
from discover.contract.strategy import Proposal
from discover.contract.types import Key, StrategyState
from discover.outer_loop.archive import empty_archive, update_archive
from discover.outer_loop.fitness import Evaluation, Evaluator, OngoingLifetimes
from discover.outer_loop.state import Counters, Snapshot, State, add_evaluation


class Generations:
    """Runs one generation after another; everything that changes is in the snapshots that go in and come out.

    Args:
        config: strategy, sizes and seed.
        space: decodes the genomes.
        evaluator: of populations of that space.

    Attributes:
        last_error: the latest reason why a candidate broke, empty if none did.
    """

    def __init__(self, config: SearchConfig, space: Space, evaluator: Evaluator):
        strategy, population = config.strategy, config.population
        self._config, self._space, self._evaluator = config, space, evaluator
        self._ask = jax.jit(lambda key, state: strategy.ask(key, state, space, population))
        self._tell = jax.jit(lambda key, state, genomes, fitness: strategy.tell(key, state, space, genomes, fitness=fitness))
        self.last_error = ""

    def first_snapshot(self) -> Snapshot:
        """State and counters before the first generation."""
        config = self._config
        key = named_key(named_key(jax.random.key(config.seed), "strategy"), "init")
        rows = config.finalists + config.population  # so that a candidate that is evaluated again still has its row
        strategy = config.strategy.init(key, self._space, config.population)
        return Snapshot(State(strategy, empty_archive(rows, self._space.dimension)), Counters())

    def ongoing_form(self, strategy: StrategyState) -> OngoingLifetimes:
        """Shapes and dtypes of the lifetimes that continue from one generation to the next; empty if none do.

        Raises:
            UserError: lifetimes continue, but the config or the space does not allow it.
        """
        config = self._config
        proposal, _ = jax.eval_shape(self._ask, jax.random.key(0), strategy)
        if proposal.parents is None:
            return ()
        if config.time_limit is not None:
            raise UserError(
                f"time_limit_seconds {config.time_limit:g} does not go with a strategy that keeps agents alive: take "
                "either out."
            )
        self._evaluator.check_shares(config.generations)
        return self._evaluator.ongoing_form(config.population, config.seeds)

    def run(self, before: Snapshot) -> tuple[Generation, Snapshot]:
        """The next generation, and the snapshot after it."""
        started, (state, counters) = time.perf_counter(), before
        index = counters.generations
        key = jax.random.fold_in(named_key(jax.random.key(self._config.seed), "strategy"), index)
        proposal, strategy = self._ask(named_key(key, "ask"), state.strategy)
        known = self._known(index)
        if len(known):
            proposal = proposal._replace(genomes=jnp.concatenate([proposal.genomes[: -len(known)], known]))
        genomes = np.asarray(proposal.genomes)
        parents = None if proposal.parents is None else np.asarray(proposal.parents)
        ongoing, evaluation = self._evaluate(proposal, before)
        self.last_error = next(iter(evaluation.errors.values()), self.last_error)
        begun = self._begun(named_key(key, "begin"), state.strategy, known, evaluation.fitness)
        if begun is None:
            strategy = self._tell(named_key(key, "tell"), strategy, proposal.genomes, jnp.asarray(evaluation.fitness))
        else:
            strategy = begun
        counters = add_evaluation(counters, evaluation, time.perf_counter() - started)
        archive = update_archive(
            state.archive,
            self._space,
            genomes=genomes,
            fitness=evaluation.fitness,
            status=evaluation.status,
            anew=parents is not None,
        )
        after = Snapshot(State(strategy, archive, ongoing), counters._replace(generations=index + 1))
        generation = Generation(
            index=index,
            genomes=genomes,
            fitness=evaluation.fitness,
            status=evaluation.status,
            errors=evaluation.errors,
            returns=evaluation.returns,
            structures=evaluation.structures,
            env_steps=evaluation.env_steps,
            env_steps_so_far=counters.env_steps,
            evaluation_seconds=evaluation.seconds,
            seconds=time.perf_counter() - started,
            best_fitness=counters.best_fitness,
            broken_so_far=counters.broken,
            parents=parents,
        )
        return generation, after

    def _known(self, index: int) -> np.ndarray:
        """Genomes ``[N, D]`` of known candidates, which are the last members of a generation."""
        starts = self._config.init if index == 0 else ()
        return np.reshape([start.genome for start in starts], (len(starts), self._space.dimension)).astype(np.float32)

    def _begun(self, key: Key, state: StrategyState, known: np.ndarray, fitness: np.ndarray) -> StrategyState | None:
        """The strategy's state around the known candidates; None if it is to be told the generation instead."""
        if not len(known):
            return None
        best = np.argsort(-fitness[-len(known) :], kind="stable")
        config = self._config
        return config.strategy.begin_at(key, state, self._space, config.population, genomes=jnp.asarray(known[best]))

    def _evaluate(self, proposal: Proposal, before: Snapshot) -> tuple[OngoingLifetimes, Evaluation]:
        """The ongoing lifetimes after a generation, and the evaluation of its population."""
        (state, counters), seeds = before, self._config.seeds
        genomes, index, lowest = np.asarray(proposal.genomes), counters.generations, counters.lowest_fitness
        if proposal.parents is None:
            return state.ongoing, self._evaluator.evaluate(genomes, "search", index, seeds, lowest=lowest)
        return self._evaluator.go_on(
            genomes,
            np.asarray(proposal.parents),
            state.ongoing,
            index=index,
            generations=self._config.generations,
            seeds=seeds,
            lowest=lowest,
        )
