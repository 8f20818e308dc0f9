"""The search: new or resumed, from its checks to its result."""

from __future__ import annotations

import contextlib
import os
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from discover.base.errors import DiscoverError, DiscoverWarning, EvaluationError
from discover.base.text_table import counted
from discover.components.fitting import fit
from discover.components.space import Space
from discover.config.baselines import Baseline
from discover.config.build import config_of, environment_from, errors_at
from discover.config.candidate_file import load_candidate
from discover.config.reading import read_config
from discover.config.search_config import SearchConfig, checked_config
from discover.contract.ablation import Ablation
from discover.contract.algorithm import Algorithm
from discover.contract.events import SearchInfo, Selection
from discover.contract.executor import Surroundings
from discover.contract.results import SearchResult
from discover.evaluation.ablation_file import write_ablation
from discover.evaluation.comparison_file import REPORT_FILE, save_comparison
from discover.evaluation.journal import Journal
from discover.inner_loop.chunks import lifetimes_together
from discover.outer_loop import directory as search_directory
from discover.outer_loop.checkpoint import Checkpoint
from discover.outer_loop.checks import check_candidates, first_candidate, runs_alike, tuning_config, warn_of_nearest
from discover.outer_loop.directory import CONFIG_FILE
from discover.outer_loop.ending import Ending, read_result, write_result
from discover.outer_loop.fitness import Evaluator
from discover.outer_loop.generations import Generations
from discover.outer_loop.history import HistoryFiles
from discover.outer_loop.refine import refinements
from discover.outer_loop.state import Counters
from discover.outer_loop.time_limit import TimeLimited
from discover.outer_loop.window_fitness import WindowEvaluator
from discover.plugin.loader import Plugins
from discover.plugin.provenance import provenance
from discover.storage.files import checked_path
from discover.storage.yaml_text import text_of


def search(
    plugins: Plugins,
    config: Mapping[str, Any],
    directory: Path | None = None,
    *,
    resume: bool = False,
    anyway: bool = False,
    progress: Callable[[str, float], None] | None = None,
) -> SearchResult:
    """Run a search as its config says, or resume one.

    Nothing is written to disk before the config, and a trace of every candidate that it names, are checked.

    Args:
        plugins: the loaded plugins; their hooks receive every event.
        config: the mapping of a YAML file.
        directory: of checkpoints and the champion, empty or not yet there; by default a new one, named after the config's name
            and the time. No other process may work in it at the same time.
        resume: continue from the directory's checkpoint, to the same bits as if there had been no interruption. A finished
            search is not run again: its result is read.
        anyway: continue although versions, plugins, the device, or config keys that shape no state have changed.
        progress: called with a description of the work in progress and the share of it that is done, between generations too.

    Returns:
        The result; its champion is in ``directory / champion.candidate``.

    Raises:
        UserError: a mistake in the config or the directory, before the first generation.
        StorageError: the disk is full or fails at the end; what was written before is whole.
    """
    checked = checked_config(plugins.registry, config)
    directory = None if directory is None else checked_path(directory, "directory")
    return _run(plugins, checked, directory, resume=resume, anyway=anyway, progress=progress)


def check(plugins: Plugins, config: Mapping[str, Any]) -> SearchConfig:
    """Check all that a search checks before its first lifetime; nothing is run or written.

    Raises:
        UserError: a mistake in the config.
    """
    checked = checked_config(plugins.registry, config)
    _Runner(plugins, checked, None).close()
    return checked


def resume(
    plugins: Plugins,
    directory: Path,
    progress: Callable[[str, float], None] | None = None,
    *,
    anyway: bool = False,
) -> SearchResult:
    """Resume the search in a directory; see `search`."""
    directory = checked_path(directory, "directory")
    search_directory.check_search(directory)
    config = read_config(directory / CONFIG_FILE)
    return search(plugins, config, directory, resume=True, anyway=anyway, progress=progress)


def _run(
    plugins: Plugins,
    config: SearchConfig,
    directory: Path | None,
    *,
    resume: bool,
    anyway: bool,
    progress: Callable[[str, float], None] | None,
) -> SearchResult:
    """`search`, with a config that is checked."""
    with contextlib.ExitStack() as holding:
        exists = directory is not None and (resume or os.path.lexists(directory))  # also if it cannot be read
        if directory is not None and exists:
            holding.enter_context(search_directory.locked(directory, resume=resume))
        runner = _Runner(plugins, config, progress)
        holding.callback(runner.close)
        if directory is None:
            directory = search_directory.new_directory(config)
        if not exists:
            search_directory.make_directory(directory, exist_ok=True)
            holding.enter_context(search_directory.locked(directory, resume=False))
        runner.enter(directory, resume, anyway)
        try:
            return runner.run()
        except BaseException as error:
            if runner.now.counters.generations > runner.checkpoint.generations:
                runner.checkpoint.save(runner.now)
            plugins.tell("discover_search_failed", search=runner.info, error=error)
            raise


class _Runner:
    """One search in progress.

    Attributes:
        now: the snapshot after the last generation that the watchers have seen.
        checkpoint: of the search, in its directory.
        history: of the population, in the directory too.
        info: of the search, for its watchers.
    """

    info: SearchInfo
    directory: Path
    checkpoint: Checkpoint
    history: HistoryFiles

    def __init__(self, plugins: Plugins, config: SearchConfig, progress: Callable[[str, float], None] | None):
        """Check all that can be checked; nothing is written."""
        self.plugins, self.config, self.registry = plugins, config, plugins.registry
        self.progress = progress or (lambda label, share: None)
        self.space = Space(config.template)
        warn_of_nearest(config)
        first = first_candidate(self.space)
        check_candidates(self.registry, config, first)
        environments = [environment_from(self.registry, run.task) for run in config.tasks]
        structures = min(self.space.structures, config.population)
        together = lifetimes_together(config.population * config.seeds, structures)
        self.executor = config.executor.settle(together, first, environments)
        self._config_values = {**config.words, "executor": config_of(self.registry, self.executor)}
        text, limit = text_of(self._config_values, "the config"), config.time_limit
        self._opened = self.executor.open(Surroundings(self.registry, plugins.folder, limit))
        self._unlimited = self._opened if limit is None else self.executor.open(Surroundings(self.registry, plugins.folder))
        self._running, self._limited = config.objective.executor(self._opened), None
        if limit is not None and not self.executor.limits_time:
            self._running = self._limited = TimeLimited(self._running, self.registry, text, plugins.folder, seconds=limit)
        self._journal = Journal(self._running, self.registry)
        kind = Evaluator if config.strategy.window() is None else WindowEvaluator
        evaluator = kind(self.registry, config, self.space, self._journal, progress=self.progress)
        self._generations = Generations(config, self.space, evaluator)
        self.now = self._generations.first_snapshot()
        self._ongoing_form = self._generations.ongoing_form(self.now.state.strategy)
        self._finished: Mapping[str, Any] | None = None
        self._anyway = False
        self._tuning = self._tuning_configs()

    def enter(self, directory: Path, resume: bool, anyway: bool) -> None:
        """Begin in a directory, or resume the search in it.

        Raises:
            UserError: the directory belongs to another search, or lacks its checkpoint.
        """
        facts = {**provenance(self.registry), "executor": repr(self.executor)}
        dependencies = search_directory.bit_dependencies(self.registry, facts)
        self.directory, self._anyway = directory, anyway
        if resume:
            self._take_up(dependencies)
        else:
            self.checkpoint = self._checkpoint_of(search_directory.begin(directory, self._config_values, dependencies, facts))
        if self._finished is None:
            self._journal.begin(directory / search_directory.JOURNAL_FILE, dependencies)
        self.history = HistoryFiles(directory, self.space, self.now.counters.generations)
        ended = self.now.counters.generations == self.config.generations
        self.info = SearchInfo(
            name=self.config.name,
            directory=directory,
            config=self._config_values,
            space=self.space,
            tasks=self.config.tasks,
            population=self.config.population,
            generations=self.config.generations,
            seeds=self.config.seeds,
            provenance=facts,
            registry=self.registry,
            resumed_from=self.checkpoint.generations,
            resumed=resume,
            phase="finished" if self._finished else "end" if ended else "search",
        )

    def run(self) -> SearchResult:
        """Run all that is left of the search: generations, the choice of a champion, the report."""
        self.plugins.tell("discover_search_started", search=self.info)
        if self._finished is not None:
            result = self._ending(self._refined_before(), Counters()).earlier_result(self._finished)
            if result.comparison is not None and not (self.directory / REPORT_FILE).is_file():  # of an earlier version
                with self.checkpoint.must_write("its report", self.now):
                    save_comparison(self.directory / REPORT_FILE, result.comparison)
            self.plugins.tell("discover_search_finished", search=self.info, result=result)
            return result
        self._search()
        refined, spent = self._refined()
        ending = self._ending(refined, spent)
        self.plugins.tell("discover_selection_started", search=self.info)
        choice = ending.choose()
        with self.checkpoint.must_write("its champion", self.now):
            ending.save(choice)
        selection = Selection(choice.champion, choice.fitness, choice.finalists, choice.finalist_fitness, doubt=choice.doubt)
        self.plugins.tell("discover_selection_finished", search=self.info, selection=selection)
        result = ending.result(choice, self._ablation(ending, choice.champion))
        if result.comparison is not None:
            with self.checkpoint.must_write("its report", self.now):
                save_comparison(self.directory / REPORT_FILE, result.comparison)
        self.plugins.tell("discover_search_finished", search=self.info, result=result)
        with self.checkpoint.must_write("its result", self.now):
            self._make_durable()
            write_result(self.directory, result)
        with contextlib.suppress(OSError):
            self._journal.remove()
        return result

    def close(self) -> None:
        """End all processes that run lifetimes."""
        self._end_limited()
        self._unlimited.close()

    def _end_limited(self) -> None:
        """End the processes that run lifetimes within a limit of time, if there is one."""
        if self._limited is not None:
            self._limited.close()
        if self._opened is not self._unlimited:
            self._opened.close()

    def _search(self) -> None:
        """Run all generations that are left, and write the last checkpoint."""
        last_save = time.perf_counter()
        while self.now.counters.generations < self.config.generations:
            generation, now = self._generations.run(self.now)
            self.plugins.tell("discover_generation_done", search=self.info, generation=generation)
            self.history.add(generation)
            self.now = now  # only after the watchers have seen it: a checkpoint is never ahead of a ledger
            due = time.perf_counter() - last_save > 60 * self.config.checkpoint_minutes
            if (due or self.checkpoint.late) and self.checkpoint.save(self.now):
                last_save = time.perf_counter()
        if self.checkpoint.generations < self.now.counters.generations:
            with self.checkpoint.must_write("its last checkpoint", self.now):
                self.checkpoint.write(self.now)
        with self.checkpoint.must_write("the history of its population", self.now):
            self.history.write()

    def _refined(self) -> tuple[list[Algorithm], Counters]:
        """The champions of the searches that refine the best structures, and what they cost. One without a champion is told."""
        champions, spent = [], Counters()
        for folder, config in self._refinements():
            self.close()  # a worker holds memory
            try:
                result = self._inner(config, self.directory / folder, folder.replace("-", " "))
            except EvaluationError as error:
                text = f"'{self.directory / folder}' has no refined candidate: {error}"
                warnings.warn(text, DiscoverWarning, stacklevel=2)
                continue
            champions.append(result.champion)
            spent = spent._replace(env_steps=spent.env_steps + result.env_steps, seconds=spent.seconds + result.seconds)
        return champions, spent

    def _refined_before(self) -> list[Algorithm]:
        """The champions of refinements that have finished, read from their files."""
        paths = [self.directory / folder / search_directory.CHAMPION_FILE for folder, _ in self._refinements()]
        return [load_candidate(path, self.registry) for path in paths if path.is_file()]

    def _refinements(self) -> Iterator[tuple[str, SearchConfig]]:
        return refinements(self.registry, self.config, self.space, self.now.state.archive, executor=self.executor)

    def _ablation(self, ending: Ending, champion: Algorithm) -> Ablation | None:
        """The ablation of the champion, which is saved, if the config asks for one."""
        if self.config.after.ablate is not None:
            self.plugins.tell("discover_ablation_started", search=self.info)
        ablation = ending.ablate(champion)
        self._end_limited()  # the report has no time limit, and a worker holds memory
        if ablation is not None:
            with self.checkpoint.must_write("its ablation", self.now):
                write_ablation(self.directory, ablation)
            self.plugins.tell("discover_ablation_finished", search=self.info, ablation=ablation)
        return ablation

    def _ending(self, refined: Sequence[Algorithm], spent: Counters) -> Ending:
        """The end of the search, with refined candidates and what they cost."""
        before = self.now.counters
        counters = before._replace(env_steps=before.env_steps + spent.env_steps, seconds=before.seconds + spent.seconds)
        return Ending(
            registry=self.registry,
            config=self.config,
            space=self.space,
            executor=self._unlimited,
            directory=self.directory,
            origin=self.checkpoint.origin,
            now=self.now._replace(counters=counters),
            last_error=self._generations.last_error,
            progress=self.progress,
            running=self._running,
            tune=self._tune,
            tell=self.plugins.tell,
            refined=np.reshape([fit(self.space, each).genome for each in refined], (-1, self.space.dimension)),
        )

    def _tuning_configs(self) -> dict[str, SearchConfig]:
        """The config of each search that tunes a baseline, by the baseline's name.

        Each is checked as it will check itself when this search is over.
        """
        report = self.config.report
        baselines: Mapping[str, Baseline] = report.baselines if report else {}
        configs = {
            name: tuning_config(self.registry, self.config, name, baseline, executor=self.executor)
            for name, baseline in baselines.items()
            if baseline.space is not None
        }
        for name, config in configs.items():
            with errors_at(f"report.baselines.{name}"):
                _Runner(self.plugins, config, None)
        return configs

    def _tune(self, name: str, directory: Path) -> Algorithm:
        """The champion of the search that tunes a baseline."""
        return self._inner(self._tuning[name], directory).champion

    def _inner(self, config: SearchConfig, directory: Path, label: str = "") -> SearchResult:
        """The result of a search inside this one, which goes on where it was stopped; one that has finished is not repeated.

        Args:
            config: of that search.
            directory: its place.
            label: begins the description of its progress.
        """
        start = f"{label}, " if label else ""
        return _run(
            self.plugins,
            config,
            directory,
            resume=search_directory.is_search(directory),
            anyway=self._anyway,
            progress=lambda what, share: self.progress(f"{start}{what}", share),
        )

    def _take_up(self, dependencies: Mapping[str, Any]) -> None:
        """Resume the search in the directory. One that was killed before its first checkpoint starts over, to the same bits."""
        origin = search_directory.read_origin(self.directory)
        config = self._config_values
        if runs_alike(self.registry, origin.config["executor"], self.executor):
            config = {**config, "executor": origin.config["executor"]}
        changes = search_directory.changes(
            self.directory, origin, config=config, dependencies=dependencies, anyway=self._anyway
        )
        self._finished = None
        if not search_directory.end_differs(origin, self._config_values):
            self._finished = read_result(self.directory)
        self.checkpoint = self._checkpoint_of(origin)
        form = self.now.state._replace(ongoing=self._ongoing_form)
        self.now = self.checkpoint.read(form, required=origin.checkpoint or self._finished is not None) or self.now
        if changes:
            notes = [f"after {counted(self.checkpoint.generations, 'generation')}: {change}" for change in changes]
            self.checkpoint.origin = search_directory.accept_changes(origin, self._config_values, dependencies, notes)
            search_directory.write_origin(self.directory, self.checkpoint.origin)

    def _checkpoint_of(self, origin: search_directory.Origin) -> Checkpoint:
        return Checkpoint(
            self.directory,
            name=self.config.name,
            origin=origin,
            make_durable=self._make_durable,
            plugins=self.plugins.folder,
        )

    def _make_durable(self) -> None:
        """Store the history, and let the watchers store durably all that they have seen of the search."""
        with contextlib.suppress(OSError, DiscoverError):  # a checkpoint matters more; what is missing is written with the next
            self.history.write()
        self.plugins.tell("discover_checkpoint", search=self.info)
