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
from discover.outer_loop.archive import Archive, Evaluated, empty_archive, update_archive
from discover.outer_loop.effort import Effort, effort_of, joined, whole_effort
from discover.outer_loop.evaluation import Evaluation
from discover.outer_loop.fitness import Evaluator, OngoingLifetimes
from discover.outer_loop.state import Counters, Snapshot, State, add_evaluation
from discover.outer_loop.strategy_programs import strategy_programs
from discover.outer_loop.window_fitness import WindowEvaluator


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
        self._config, self._space, self._evaluator = config, space, evaluator
        self._strategy = strategy_programs(config.strategy, space, config.population)
        self._climbs = config.strategy.window() is not None
        self.last_error = ""

    def first_snapshot(self) -> Snapshot:
        """State and counters before the first generation."""
        config = self._config
        key = named_key(named_key(jax.random.key(config.seed), "strategy"), "init")
        rows = config.finalists + config.population + config.elites  # so that who is evaluated again still has a row
        strategy = self._strategy.init(key)
        return Snapshot(State(strategy, empty_archive(rows, self._space.dimension)), Counters())

    def ongoing_form(self, strategy: StrategyState) -> OngoingLifetimes:
        """Shapes and dtypes of the lifetimes that continue from one generation to the next; empty if none do.

        Raises:
            UserError: lifetimes continue, but the config or the space does not allow it.
        """
        config = self._config
        proposal, _ = jax.eval_shape(self._strategy.ask, jax.random.key(0), strategy)
        if proposal.parents is None and not self._climbs:
            return ()
        if proposal.seeds is not None or proposal.budget is not None:
            raise UserError(
                "the strategy keeps agents alive, and all of them go on by the same steps with the same seeds: propose "
                "parents, or seeds and budget."
            )
        if proposal.parents is not None and self._climbs:
            raise UserError("the strategy climbs by gradients, where members keep their agents: propose genomes alone.")
        if config.elites:
            raise UserError(
                f"elites {config.elites} does not go with a strategy that keeps agents alive, since they cannot begin again: "
                "take either out."
            )
        if config.time_limit is not None:
            raise UserError(
                f"time_limit_seconds {config.time_limit:g} does not go with a strategy that keeps agents alive: take "
                "either out."
            )
        if not self._climbs:
            self._evaluator.check_shares(config.generations)
        return self._evaluator.ongoing_form(config.population, config.seeds)

    def run(self, before: Snapshot) -> tuple[Generation, Snapshot]:
        """The next generation, and the snapshot after it."""
        started, (state, counters) = time.perf_counter(), before
        index = counters.generations
        key = jax.random.fold_in(named_key(jax.random.key(self._config.seed), "strategy"), index)
        proposal, strategy = self._strategy.ask(named_key(key, "ask"), state.strategy)
        known = self._known(index)
        if len(known):
            proposal = proposal._replace(genomes=jnp.concatenate([proposal.genomes[: -len(known)], known]))
        genomes = np.asarray(proposal.genomes)
        parents = None if proposal.parents is None else np.asarray(proposal.parents)
        everyone, effort = self._with_elites(proposal, state.archive)
        ongoing, every = self._evaluate(everyone, effort, parents, before=before)
        evaluation = every.first(len(genomes))
        self.last_error = next(iter(every.errors.values()), self.last_error)
        begun = self._begun(named_key(key, "begin"), state.strategy, known, evaluation.fitness)
        if begun is None:
            strategy = self._strategy.tell(named_key(key, "tell"), strategy, evaluation.told(proposal.genomes))
        else:
            strategy = begun
        counters = add_evaluation(counters, every, time.perf_counter() - started)
        made = Evaluated(everyone, every.fitness, every.status, spread=every.spread(), effort=effort)
        archive = update_archive(state.archive, self._space, made, anew=parents is not None or self._climbs)
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
            best_fitness=archive.best_fitness(),
            broken_so_far=counters.broken,
            parents=parents,
            climb={} if evaluation.climb is None else evaluation.climb.figures,
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

    def _with_elites(self, proposal: Proposal, archive: Archive) -> tuple[np.ndarray, Effort]:
        """The population and then the elites, and the effort that each is worth."""
        elites, seeds = archive.best(self._config.elites), self._config.seeds
        everyone = np.concatenate([np.asarray(proposal.genomes), elites])
        return everyone, joined(effort_of(proposal, seeds), whole_effort(len(elites), seeds))

    def _evaluate(
        self, genomes: np.ndarray, effort: Effort, parents: np.ndarray | None, *, before: Snapshot
    ) -> tuple[OngoingLifetimes, Evaluation]:
        """The ongoing lifetimes after a generation, and the evaluation of all that it evaluates."""
        (state, counters), seeds = before, self._config.seeds
        index, lowest = counters.generations, counters.lowest_fitness
        if isinstance(self._evaluator, WindowEvaluator):
            return self._evaluator.pass_window(genomes, state.ongoing, first=index == 0, seeds=seeds, lowest=lowest)
        if parents is None:
            return state.ongoing, self._evaluator.evaluate(genomes, "search", index, seeds, lowest=lowest, effort=effort)
        return self._evaluator.go_on(
            genomes,
            parents,
            state.ongoing,
            index=index,
            generations=self._config.generations,
            seeds=seeds,
            lowest=lowest,
        )
