"""One search in progress: its checks, its generations, its phases and its end."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from discover.base.errors import DiscoverError
from discover.base.text_table import counted
from discover.components.fitting import fit
from discover.components.space import Space
from discover.config.build import config_of, environment_from, errors_at
from discover.config.search_config import SearchConfig
from discover.contract.ablation import Ablation
from discover.contract.algorithm import Algorithm
from discover.contract.events import SearchInfo, Selection
from discover.contract.results import SearchResult
from discover.evaluation.ablation_file import write_ablation
from discover.evaluation.comparison_file import REPORT_FILE, save_comparison
from discover.evaluation.journal import Journal
from discover.inner_loop.chunks import lifetimes_together
from discover.outer_loop import directory as search_directory
from discover.outer_loop import resumption
from discover.outer_loop.checkpoint import Checkpoint
from discover.outer_loop.checks import check_candidates, first_candidate, runs_alike, warn_of_nearest
from discover.outer_loop.ending import Ending
from discover.outer_loop.fitness import Evaluator
from discover.outer_loop.generations import Generations
from discover.outer_loop.history import HistoryFiles
from discover.outer_loop.inner_searches import InnerSearches
from discover.outer_loop.later_phases import ask_for, check_phases, with_phases_of
from discover.outer_loop.refine import refinements
from discover.outer_loop.result_file import read_result, write_result
from discover.outer_loop.search_executors import SearchExecutors
from discover.outer_loop.state import Counters
from discover.outer_loop.window_fitness import WindowEvaluator
from discover.plugin.loader import Plugins
from discover.plugin.provenance import provenance
from discover.storage.yaml_text import text_of


class Runner:
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

    def __init__(
        self,
        plugins: Plugins,
        config: SearchConfig,
        progress: Callable[[str, float], None] | None,
        run_inner: Callable[..., SearchResult],
    ):
        """Check all that can be checked; nothing is written."""
        self.plugins, self.config, self.registry = plugins, config, plugins.registry
        self.progress = progress or (lambda label, share: None)
        self.space = Space(config.template)
        warn_of_nearest(config)
        first = first_candidate(self.space)
        check_candidates(self.registry, config, first)
        environments = [environment_from(self.registry, run.task) for run in config.tasks]
        together = lifetimes_together(config.population * config.seeds, min(self.space.structures, config.population))
        self.executor = config.executor.settle(together, first, environments)
        self._config_values = {**config.words, "executor": config_of(self.registry, self.executor)}
        self._executors = SearchExecutors(plugins, config, self.executor, text_of(self._config_values, "the config"))
        self._journal = Journal(self._executors.running, self.registry)
        kind = Evaluator if config.strategy.window() is None else WindowEvaluator
        evaluator = kind(self.registry, config, self.space, self._journal, progress=self.progress)
        self._generations = Generations(config, self.space, evaluator)
        self.now = self._generations.first_snapshot()
        self._ongoing_form = self._generations.ongoing_form(self.now.state.strategy)
        self._finished: Mapping[str, Any] | None = None
        self._inner = InnerSearches(plugins, config, self.executor, run_inner, progress=self.progress)
        for name, tuning in self._inner.tuning.items():  # each is checked as it will check itself when this search is over
            with errors_at(f"report.baselines.{name}"):
                Runner(plugins, tuning, None, run_inner)

    def enter(self, directory: Path, resume: bool, anyway: bool, *, phases: bool = False) -> None:
        """Begin in a directory, or resume the search in it; with ``phases``, those of the config are asked for now.

        Raises:
            UserError: the directory belongs to another search, lacks its checkpoint, or cannot have these phases.
        """
        facts = {**provenance(self.registry), "executor": repr(self.executor)}
        dependencies = search_directory.bit_dependencies(self.registry, facts)
        self.directory, self._inner.anyway = directory, anyway
        if resume:
            self._take_up(dependencies, phases)
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
            refined = self._inner.refined_before(self._refinements(), self.directory)
            result = self._ending(refined, Counters()).earlier_result(self._finished)
            if result.comparison is not None and not (self.directory / REPORT_FILE).is_file():  # of an earlier version
                with self.checkpoint.must_write("its report", self.now):
                    save_comparison(self.directory / REPORT_FILE, result.comparison)
            self.plugins.tell("discover_search_finished", search=self.info, result=result)
            return result
        self._search()
        refined, spent = self._inner.refined(self._refinements(), self.directory, before_each=self.close)
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
        self._executors.close()

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

    def _refinements(self) -> Iterator[tuple[str, SearchConfig]]:
        return refinements(self.registry, self.config, self.space, self.now.state.archive, executor=self.executor)

    def _ablation(self, ending: Ending, champion: Algorithm) -> Ablation | None:
        """The ablation of the champion, which is saved, if the config asks for one."""
        tell = self.plugins.tell
        ablation = ending.ablate(champion, lambda info: tell("discover_ablation_started", search=self.info, ablation=info))
        self._executors.end_limited()  # the report has no time limit, and a worker holds memory
        if ablation is not None:
            with self.checkpoint.must_write("its ablation", self.now):
                write_ablation(self.directory, ablation)
            tell("discover_ablation_finished", search=self.info, ablation=ablation)
        return ablation

    def _ending(self, refined: Sequence[Algorithm], spent: Counters) -> Ending:
        """The end of the search, with refined candidates and what they cost."""
        before = self.now.counters
        counters = before._replace(env_steps=before.env_steps + spent.env_steps, seconds=before.seconds + spent.seconds)
        return Ending(
            registry=self.registry,
            config=self.config,
            space=self.space,
            executor=self._executors.unlimited,
            directory=self.directory,
            origin=self.checkpoint.origin,
            now=self.now._replace(counters=counters),
            last_error=self._generations.last_error,
            progress=self.progress,
            running=self._executors.running,
            tune=self._inner.tune,
            tell=self.plugins.tell,
            refined=np.reshape([fit(self.space, each).genome for each in refined], (-1, self.space.dimension)),
        )

    def _take_up(self, dependencies: Mapping[str, Any], phases: bool) -> None:
        """Resume the search in the directory. One that was killed before its first checkpoint starts over, to the same bits."""
        begun = origin = search_directory.read_origin(self.directory)
        config = self._config_values
        if runs_alike(self.registry, origin.config["executor"], self.executor):
            config = {**config, "executor": origin.config["executor"]}
        if phases:
            origin = with_phases_of(begun, config)
        changes = resumption.changes(
            self.directory, origin, config=config, dependencies=dependencies, anyway=self._inner.anyway
        )
        anew = resumption.end_differs(begun, self._config_values)
        self._finished = None if anew else read_result(self.directory)
        self.checkpoint = self._checkpoint_of(origin)
        form = self.now.state._replace(ongoing=self._ongoing_form)
        self.now = self.checkpoint.read(form, required=origin.checkpoint or self._finished is not None) or self.now
        if phases:
            check_phases(self.directory, self.config, self.now.counters.generations, self._refinements())
        if anew:
            search_directory.end_again(self.directory)
        if origin != begun:
            ask_for(self.directory, origin, config)
        if changes:
            notes = [f"after {counted(self.checkpoint.generations, 'generation')}: {change}" for change in changes]
            self.checkpoint.origin = resumption.accept_changes(origin, self._config_values, dependencies, notes)
            search_directory.write_origin(self.directory, self.checkpoint.origin)

    def _checkpoint_of(self, origin: search_directory.Origin) -> Checkpoint:
        return Checkpoint(
            self.directory, name=self.config.name, origin=origin, make_durable=self._make_durable, plugins=self.plugins.folder
        )

    def _make_durable(self) -> None:
        """Store the history, and let the watchers store durably all that they have seen of the search."""
        with contextlib.suppress(OSError, DiscoverError):  # a checkpoint matters more; what is missing is written with the next
            self.history.write()
        self.plugins.tell("discover_checkpoint", search=self.info)
