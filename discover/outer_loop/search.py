"""The search: ask, evaluate population x tasks x seeds, tell; checkpoints, champion, report."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shlex
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from discover.base.errors import DiscoverError, DiscoverWarning, StorageError, UserError
from discover.base.randomness import named_key
from discover.components.space import Space
from discover.config.build import algorithm_from, environment_from, words_of
from discover.config.reading import read_config
from discover.config.search_config import SearchConfig, checked_config, tuned_space
from discover.contract.algorithm import Algorithm
from discover.contract.events import Generation, SearchInfo
from discover.contract.registry import Registry
from discover.contract.results import SearchResult
from discover.evaluation.checks import check_lifetime, check_lifetimes
from discover.outer_loop import directory as search_directory
from discover.outer_loop.archive import archived, empty_archive
from discover.outer_loop.directory import CONFIG_FILE, STATE_FILE, Origin
from discover.outer_loop.ending import Ending, read_result, write_result
from discover.outer_loop.fitness import Evaluator, OngoingLifetimes
from discover.outer_loop.state import Counters, Snapshot, State, counted
from discover.outer_loop.time_limit import TimeLimitedWorker
from discover.plugin.loader import Plugins
from discover.plugin.provenance import provenance
from discover.storage.array_file import tree_from_bytes, tree_to_bytes, write_atomically
from discover.storage.files import checked_path
from discover.storage.json_text import values_in_json
from discover.storage.yaml_text import text_of

_FAILURES = (OSError, DiscoverError)
"""What keeps something from being written."""


class CheckpointWarning(DiscoverWarning):
    """A checkpoint could not be written; the search goes on, and tries again."""


def search(
    plugins: Plugins,
    words: Mapping[str, Any],
    directory: Path | None = None,
    *,
    resume: bool = False,
    anyway: bool = False,
    progress: Callable[[str, float], None] | None = None,
) -> SearchResult:
    """Run a search as its config says, or go on with one.

    Args:
        plugins: the loaded plugins; their hooks are told of everything.
        words: the config, as in a YAML file.
        directory: where checkpoints and the champion go, empty or not there yet; made from the config's name and the time
            unless given. No other process may work in it meanwhile.
        resume: go on from the directory's checkpoint, to the same bits as if nothing had happened. A finished search is not
            run again: its result is read.
        anyway: go on though versions, plugins, the device or what shapes no state in the config have changed.
        progress: called with what is being done and the share of it that is done, between generations too.

    Returns:
        The result; its champion lies in ``directory / champion.candidate``.

    Raises:
        UserError: anything wrong with the config or the directory, before the first generation.
        StorageError: the disk is full or fails at the end: what had been written before is whole.
    """
    config = checked_config(plugins.registry, words)
    directory = None if directory is None else checked_path(directory, "directory")
    with contextlib.ExitStack() as holding:
        found = directory is not None and (resume or os.path.lexists(directory))  # be it unreadable
        if directory is not None and found:
            holding.enter_context(search_directory.locked(directory, resume=resume))
        runner = _Runner(plugins, config, progress)
        holding.callback(runner.close)
        if directory is None:
            directory = search_directory.new_directory(config)
        if not found:
            search_directory.make_directory(directory, exist_ok=True)
            holding.enter_context(search_directory.locked(directory, resume=False))
        runner.enter(directory, resume, anyway)
        try:
            return runner.run()
        except BaseException as error:
            if runner.now.counters.generations > runner.kept:
                runner.save()
            plugins.tell("discover_search_failed", search=runner.info, error=error)
            raise


def check(plugins: Plugins, words: Mapping[str, Any]) -> SearchConfig:
    """Check all that a search checks before its first lifetime; nothing is run or written.

    Raises:
        UserError: anything wrong with the config.
    """
    config = checked_config(plugins.registry, words)
    _Runner(plugins, config, None).close()
    return config


def resume(
    plugins: Plugins,
    directory: Path,
    progress: Callable[[str, float], None] | None = None,
    *,
    anyway: bool = False,
) -> SearchResult:
    """Go on with the search whose directory this is; see `search`."""
    directory = checked_path(directory, "directory")
    search_directory.check_search(directory)
    words = read_config(directory / CONFIG_FILE)
    return search(plugins, words, directory, resume=True, anyway=anyway, progress=progress)


class _Runner:
    """One search in progress.

    Attributes:
        now: where it stands.
        kept: how many generations its checkpoint holds.
        info: what its watchers are told.
    """

    info: SearchInfo
    directory: Path
    _origin: Origin

    def __init__(self, plugins: Plugins, config: SearchConfig, progress: Any):
        """Check all that can be checked; nothing is written."""
        self.plugins, self.config = plugins, config
        self.registry: Registry = plugins.registry
        self.progress = progress or (lambda what, share: None)
        self.space = Space(config.template)
        first = self.space.decode(self.space.start(jax.random.key(0)))
        self._check(first)
        environments = [environment_from(self.registry, run.task) for run in config.tasks]
        self.executor = config.executor.settle(config.population * config.seeds, first, environments)
        self._settled = {**config.words, "executor": words_of(self.registry, self.executor)}
        text, limit = text_of(self._settled, "the config"), config.time_limit
        self._limited = None if limit is None else TimeLimitedWorker(self.registry, text, plugins.folder, limit)
        self.evaluator = Evaluator(plugins.registry, config, self.space, self.executor, self.progress, self._limited)
        self.now, self.kept = Snapshot(self._initial_state(), Counters()), 0
        self._ask = jax.jit(lambda key, state: config.strategy.ask(key, state, self.space, config.population))
        self._tell = jax.jit(lambda key, state, x, y: config.strategy.tell(key, state, self.space, x, y))
        self._ongoing_form = self._checked_ongoing()
        self._last_error, self._late, self._anyway = "", False, False
        self._finished: Mapping[str, Any] | None = None
        self._check_tuned()

    def enter(self, directory: Path, resume: bool, anyway: bool) -> None:
        """Begin in a directory, or take up what it holds.

        Raises:
            UserError: what it holds belongs to something else, or lacks its checkpoint.
        """
        facts = {**provenance(self.registry), "executor": repr(self.executor)}
        belongs = search_directory.belongings(self.registry, facts)
        self.directory, self._anyway = directory, anyway
        if resume:
            self._take_up(belongs)
        else:
            self._origin = search_directory.begin(directory, self._settled, belongs, facts)
        ended = self.now.counters.generations == self.config.generations
        self.info = SearchInfo(
            name=self.config.name,
            directory=directory,
            config=self._settled,
            space=self.space,
            tasks=self.config.tasks,
            population=self.config.population,
            generations=self.config.generations,
            seeds=self.config.seeds,
            provenance=facts,
            registry=self.registry,
            resumed_from=self.kept,
            resumed=resume,
            phase="finished" if self._finished else "end" if ended else "search",
        )

    # The loop ---------------------------------------------------------------------------------------------------------

    def run(self) -> SearchResult:
        self.plugins.tell("discover_search_started", search=self.info)
        if self._finished is not None:
            result = self._ending().found_before(self._finished)
            self.plugins.tell("discover_search_finished", search=self.info, result=result)
            return result
        self._search()
        ending = self._ending()
        chosen = ending.choose()
        self.close()  # what follows is not limited, and a worker holds memory
        with self._written("its champion"):
            ending.save(chosen)
        result = ending.result(chosen)
        self.plugins.tell("discover_search_finished", search=self.info, result=result)
        with self._written("its result"):
            self._make_durable()
            write_result(self.directory, result)
        return result

    def _search(self) -> None:
        """All generations that are left, and the last checkpoint."""
        saved = time.perf_counter()
        while self.now.counters.generations < self.config.generations:
            generation, now = self._generation()
            self.plugins.tell("discover_generation_done", search=self.info, generation=generation)
            self.now = now  # only once it has been reported: a checkpoint is never ahead of a ledger
            due = time.perf_counter() - saved > 60 * self.config.checkpoint_minutes
            if (due or self._late) and self.save():
                saved = time.perf_counter()
        if self.kept < self.now.counters.generations:
            with self._written("its last checkpoint"):
                self._checkpoint()

    def _generation(self) -> tuple[Generation, Snapshot]:
        started, (state, counters) = time.perf_counter(), self.now
        index = counters.generations
        key = jax.random.fold_in(named_key(jax.random.key(self.config.seed), "strategy"), index)
        proposal, strategy = self._ask(named_key(key, "ask"), state.strategy)
        genomes, ongoing, seeds = np.asarray(proposal.genomes), state.ongoing, self.config.seeds
        parents = None if proposal.parents is None else np.asarray(proposal.parents)
        total, lowest = self.config.generations, counters.lowest_fitness
        if parents is None:
            evaluated = self.evaluator.evaluate(genomes, "search", index, seeds, lowest)
        else:
            ongoing, evaluated = self.evaluator.go_on(genomes, parents, ongoing, index, total, seeds, lowest)
        self._last_error = next(iter(evaluated.errors.values()), self._last_error)
        strategy = self._tell(named_key(key, "tell"), strategy, proposal.genomes, jnp.asarray(evaluated.fitness))
        counters = counted(counters, evaluated, time.perf_counter() - started)
        told = genomes, evaluated.fitness, evaluated.status
        archive = archived(state.archive, self.space, *told, anew=parents is not None)
        now = Snapshot(State(strategy, archive, ongoing), counters._replace(generations=index + 1))
        generation = Generation(
            index=index,
            genomes=genomes,
            fitness=evaluated.fitness,
            status=evaluated.status,
            errors=evaluated.errors,
            returns=evaluated.returns,
            structures=evaluated.structures,
            env_steps=evaluated.env_steps,
            env_steps_so_far=counters.env_steps,
            evaluation_seconds=evaluated.seconds,
            seconds=time.perf_counter() - started,
            best_fitness=counters.best_fitness,
            broken_so_far=counters.broken,
            parents=parents,
        )
        return generation, now

    # The end ----------------------------------------------------------------------------------------------------------

    def _ending(self) -> Ending:
        return Ending(
            registry=self.registry,
            config=self.config,
            space=self.space,
            executor=self.executor,
            directory=self.directory,
            origin=self._origin,
            now=self.now,
            last_error=self._last_error,
            progress=self.progress,
            limited=self._limited,
            tuned=self._tuned,
        )

    def _tuned(self, name: str, space: Any, directory: Path) -> Algorithm:
        """The champion of a search over a baseline's own space, with the same budget, strategy, tasks and seeds."""
        going_on, words = search_directory.is_search(directory), self._words_to_tune(name, space)
        made = search(self.plugins, words, directory, resume=going_on, anyway=self._anyway, progress=self.progress)
        return made.champion

    def _words_to_tune(self, name: str, space: Any) -> dict[str, Any]:
        return {**self._settled, "candidate": space, "report": None, "name": f"{self.config.name}: {name}"}

    # State ------------------------------------------------------------------------------------------------------------

    def _initial_state(self) -> State:
        key = named_key(named_key(jax.random.key(self.config.seed), "strategy"), "init")
        rows = self.config.finalists + self.config.population  # so that a generation evaluated again is known again
        strategy = self.config.strategy.init(key, self.space, self.config.population)
        return State(strategy, empty_archive(rows, self.space.dimension))

    def save(self) -> bool:
        """Write the checkpoint, or warn once that this has to wait; returns whether it is written."""
        try:
            self._checkpoint()
        except _FAILURES as error:
            if not self._late:
                text = (
                    f"the checkpoint of the search '{self.config.name}' waits ({_cause(error)}): {self._standing()}; it is "
                    "tried again after each generation."
                )
                warnings.warn(text, CheckpointWarning, stacklevel=2)
            self._late = True
        else:
            self._late = False
        return not self._late

    def _checkpoint(self) -> None:
        """One file, replaced as a whole, once the watchers have made durable what led to it."""
        self._make_durable()
        text = json.dumps(self.now.counters._asdict())
        write_atomically(self.directory / STATE_FILE, tree_to_bytes(self.now.state, text))
        self.kept = self.now.counters.generations
        if not self._origin.checkpoint:
            self._origin = dataclasses.replace(self._origin, checkpoint=True)
            search_directory.write_origin(self.directory, self._origin)

    def _make_durable(self) -> None:
        self.plugins.tell("discover_checkpoint", search=self.info)

    @contextlib.contextmanager
    def _written(self, what: str) -> Iterator[None]:
        """End the search in one sentence if what must be written now cannot be."""
        try:
            yield
        except _FAILURES as error:
            self._late = True  # the sentence says it all
            raise StorageError(
                f"the search '{self.config.name}' cannot write {what} ({_cause(error)}): {self._standing()}; repair that, and "
                f"go on with it: {self._how_to_go_on()}"
            ) from None

    def _how_to_go_on(self) -> str:
        """The command that resumes this search, or the one that tunes a baseline by it."""
        above, folder = self.directory.parent, self.plugins.folder
        outermost = above if search_directory.is_search(above) else self.directory
        return shlex.join(["discover", "resume", str(outermost), *(("--plugins-dir", str(folder)) if folder else ())])

    def _standing(self) -> str:
        return f"its directory keeps {self.kept} of {self.now.counters.generations} generations"

    def _take_up(self, belongs: Mapping[str, Any]) -> None:
        """Take up what the directory holds. Killed before its first checkpoint, a search starts over, to the same bits."""
        origin, path = search_directory.read_origin(self.directory), self.directory / STATE_FILE
        changes = search_directory.changes(self.directory, origin, self._settled, belongs, self._anyway)
        self._finished = None if search_directory.end_differs(origin, self._settled) else read_result(self.directory)
        if path.is_file():
            form = self.now.state._replace(ongoing=self._ongoing_form)
            state, text = tree_from_bytes(path.read_bytes(), form, f"checkpoint '{path}'")
            self.now = Snapshot(state, _counters(text, path))
            self.kept = self.now.counters.generations
        elif origin.checkpoint or self._finished is not None:
            raise UserError(f"the checkpoint '{path}' is missing: put it back, or start a new search in another directory.")
        self._origin = search_directory.accepted(
            origin, self._settled, belongs, [f"after {self.kept} generations: {c}" for c in changes]
        )
        if changes:
            search_directory.write_origin(self.directory, self._origin)

    def close(self) -> None:
        """End what evaluates structures beside this process."""
        if self._limited is not None:
            self._limited.close()

    # Checks -----------------------------------------------------------------------------------------------------------

    def _checked_ongoing(self) -> OngoingLifetimes:
        """Shapes of the lifetimes that go on from one generation to the next; none if every generation starts new ones."""
        if jax.eval_shape(self._ask, jax.random.key(0), self.now.state.strategy)[0].parents is None:
            return ()
        if self._limited is not None:
            raise UserError(
                f"time_limit_seconds {self.config.time_limit:g} does not go with a strategy that keeps agents alive: take "
                "either out."
            )
        self.evaluator.check_shares(self.config.generations)
        return self.evaluator.ongoing_form(self.config.population, self.config.seeds)

    def _check(self, candidate: Algorithm) -> None:
        """Trace the first candidate and the baselines on their tasks, so that a mistake is told before a long run."""
        report = self.config.report
        for run in dict.fromkeys([*self.config.tasks, *(report.runs if report else ())]):
            check_lifetime(self.registry, "the first candidate", candidate, run)
        for name, words in report.baselines.items() if report else ():
            where, space = f"report.baselines.{name}", tuned_space(words)
            baseline = algorithm_from(self.registry, words if space is None else space, where)
            if space is not None:
                over = Space(baseline)
                baseline = over.decode(over.start(jax.random.key(0)))
            check_lifetimes(self.registry, {where: baseline}, report.runs if report else ())

    def _check_tuned(self) -> None:
        """Check the searches that will tune baselines as they will check themselves, when this one is over."""
        for name, words in self.config.report.baselines.items() if self.config.report else ():
            space = tuned_space(words)
            if space is not None:
                with _told_of(f"report.baselines.{name}"):
                    _Runner(self.plugins, checked_config(self.registry, self._words_to_tune(name, space)), None)


@contextlib.contextmanager
def _told_of(where: str) -> Iterator[None]:
    """Name the place in the config that a mistake is about."""
    try:
        yield
    except UserError as error:
        raise UserError(f"{where}: {error}") from None


def _counters(text: str, path: Path) -> Counters:
    """What a checkpoint counts."""
    try:
        return Counters(**values_in_json(text))
    except (TypeError, ValueError) as error:
        raise UserError(f"checkpoint '{path}' is damaged ({error}): start from an older copy.") from None


def _cause(error: Exception) -> str:
    """What failed, as part of a sentence."""
    return str(error).rstrip(".")
