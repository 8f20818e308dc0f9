"""The end of a search: the champion is chosen on fresh seeds, saved, and compared with its baselines.

The end may be interrupted and repeated: the curves of lifetimes are stored in the directory of the search, and no lifetime is
run twice.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from discover.base.errors import DiscoverWarning, EvaluationError, UserError, cause_of
from discover.components.space import Space
from discover.config.baselines import slug
from discover.config.candidate_file import load_candidate, save_candidate
from discover.config.search_config import SearchConfig
from discover.config.seen import SEEN, seen_in_config
from discover.contract.ablation import Ablation, AblationInfo
from discover.contract.algorithm import Algorithm
from discover.contract.events import Doubt, Status
from discover.contract.executor import Executor
from discover.contract.registry import Registry
from discover.contract.results import Comparison, SearchResult
from discover.evaluation.ablation import ablate
from discover.evaluation.ablation_file import read_ablation
from discover.evaluation.compare import Watched, compare
from discover.evaluation.curve_store import CurveStore, NotStoredError
from discover.outer_loop.archive import digests_of
from discover.outer_loop.directory import CHAMPION_FILE, CURVES_FOLDER, Origin
from discover.outer_loop.fitness import Evaluator
from discover.outer_loop.found import first_alike
from discover.outer_loop.selection import Choice, rank
from discover.outer_loop.state import Snapshot, add_evaluation


class ReportWarning(DiscoverWarning):
    """The report of a finished search cannot be shown again."""


@dataclass(frozen=True)
class Ending:
    """The end of a search.

    Attributes:
        registry, config, space: of the search.
        executor: of the search, with its chunk size.
        directory: of the search.
        origin: of the search.
        now: the snapshot after the last generation.
        last_error: the latest reason why a candidate broke, empty if none did.
        progress: called with a description of the work in progress, and the share of it that is done.
        running: where lifetimes of the search run: the executor as the objective and the limit of time have it.
        tune: the champion of the search that tunes a baseline: ``tune(name, directory)``.
        tell: called with the name of a hook and its arguments, when the report starts, fails or has finished.
        refined: ``[R, D]`` genomes of refined candidates, which are finalists too.
    """

    registry: Registry
    config: SearchConfig
    space: Space
    executor: Executor
    directory: Path
    origin: Origin
    now: Snapshot
    last_error: str
    progress: Callable[[str, float], None]
    running: Executor
    tune: Callable[[str, Path], Algorithm]
    tell: Callable[..., object]
    refined: np.ndarray | None = None

    def choose(self) -> Choice:
        """The best of the finalists on fresh seeds, by sequential halving (`rank`).

        The maximum of several fitness values is too high on average. So the fitness of the champion is measured again, on seeds
        that had no part in the choice.

        Raises:
            EvaluationError: every finalist broke.
        """
        finalists, seeds, store = self._finalists(), self.config.selection_seeds, self._storing(self.running)
        evaluator = Evaluator(self.registry, self.config, self.space, store, progress=self.progress)
        ranking = rank(len(finalists), seeds, lambda places, *more: evaluator.evaluate(finalists[places], "selection", *more))
        counters, why = self.now.counters, dict[int, str]()
        for made in ranking.evaluations:
            counters, why = add_evaluation(counters, made, made.seconds), why or made.errors
        for place in ranking.order:
            alone = evaluator.evaluate(finalists[[place]], "champion", 0, seeds)
            counters, why = add_evaluation(counters, alone, alone.seconds), alone.errors or why
            if alone.status[0] == Status.OK:
                return Choice(
                    champion=self.space.decode(jnp.asarray(finalists[place])),
                    fitness=float(alone.fitness[0]),
                    finalists=finalists,
                    finalist_fitness=ranking.fitness,
                    doubt=ranking.doubt if place == ranking.order[0] else None,
                    counters=counters,
                )
        last = f" (last error: {next(iter(why.values()))})" if why else ""
        raise EvaluationError(
            f"each of the {len(finalists)} best candidates broke on fresh seeds, so there is no champion: narrow the space, "
            f"or search with more seeds{last}."
        )

    def save(self, choice: Choice) -> None:
        """Write the champion.

        The bytes are the same however often the search was interrupted, whatever watched it, and whenever it ran.
        """
        facts = {**self.origin.dependencies, "executor": repr(self.executor)}
        notes = {"search": self.config.name, "fitness": choice.fitness, "provenance": facts}
        notes[SEEN] = seen_in_config(self.config.words).words()
        if self.origin.changes:
            notes["went_on_with"] = self.origin.changes
        save_candidate(self.directory / CHAMPION_FILE, choice.champion, self.registry, notes)

    def ablate(self, champion: Algorithm, started: Callable[[AblationInfo], object]) -> Ablation | None:
        """The champion beside the nearest known algorithm, value by value, if the config asks for it.

        Args:
            champion: of the search.
            started: called before lifetimes run.
        """
        asked = self.config.after.ablate
        if asked is None:
            return None
        name, known = asked.nearest(champion)
        return ablate(
            self.registry,
            self._storing(self.running),
            (champion, known),
            self.config.tasks,
            objective=self.config.objective,
            seeds=asked.seeds,
            seed=self.config.seed,
            names=("champion", name),
            alone=asked.alone,
            progress=self.progress,
            started=started,
        )

    def result(self, choice: Choice, ablation: Ablation | None = None) -> SearchResult:
        """The result of the search; the champion is compared with its baselines now, if the config asks for a report."""
        counters = choice.counters
        return SearchResult(
            champion=choice.champion,
            champion_path=self.directory / CHAMPION_FILE,
            champion_fitness=choice.fitness,
            finalists=choice.finalists,
            finalist_fitness=choice.finalist_fitness,
            champion_doubt=choice.doubt,
            generations=counters.generations,
            env_steps=counters.env_steps,
            seconds=counters.seconds,
            broken=counters.broken,
            comparison=self._report(choice.champion),
            ablation=ablation,
        )

    def earlier_result(self, values: Mapping[str, Any]) -> SearchResult:
        """The result of a finished search, without running anything.

        Args:
            values: of its result file (`read_result`).
        """
        path = self.directory / CHAMPION_FILE
        champion, comparison = load_candidate(path, self.registry), None
        try:
            comparison = self._report(champion, only=True)
        except (NotStoredError, UserError) as error:
            failure = f"the report of the search in '{self.directory}' cannot be shown again"
            text = f"{failure} ({cause_of(error)}); its champion is as it was."
            warnings.warn(text, ReportWarning, stacklevel=4)
        return SearchResult(
            champion=champion,
            champion_path=path,
            champion_fitness=values["champion_fitness"],
            finalists=self._finalists(),
            finalist_fitness=np.asarray(values["finalist_fitness"], np.float32),
            champion_doubt=Doubt(**values["champion_doubt"]) if values.get("champion_doubt") else None,
            generations=values["generations"],
            env_steps=values["env_steps"],
            seconds=values["seconds"],
            broken=values["broken"],
            comparison=comparison,
            ablation=read_ablation(self.directory) if self.config.after.ablate else None,
        )

    def _finalists(self) -> np.ndarray:
        """The best candidates of the search, and those that were refined; none twice."""
        best = self._best()
        if self.refined is None or not len(self.refined):
            return best
        rows = np.concatenate([best, self.refined])
        return rows[np.unique(first_alike(digests_of(self.space, rows)))]

    def _best(self) -> np.ndarray:
        """The best candidates of the archive, and the strategy's recommendation if it is another one; none twice."""
        state = self.now.state
        best = state.archive.best(self.config.finalists)
        if not len(best):
            broken = ", ".join(f"{name} {count}" for name, count in self.now.counters.broken.items())
            last = f" (last error: {self.last_error})" if self.last_error else ""
            raise EvaluationError(
                f"every candidate of the search broke ({broken}), so there is no champion: narrow the space{last}."
            )
        recommendation = self.config.strategy.recommendation(state.strategy, self.space)
        if recommendation is None:
            return best
        rows = np.stack([*best, np.asarray(recommendation)])
        digests = digests_of(self.space, rows)
        return best if (digests[:-1] == digests[-1]).all(axis=1).any() else rows

    def _storing(self, executor: Executor, *, only: bool = False) -> CurveStore:
        """The executor, storing the curves of everything that it runs; with ``only`` it runs nothing."""
        folder, dependencies = self.directory / CURVES_FOLDER, self.origin.dependencies
        return CurveStore(executor, folder, self.registry, dependencies, only=only)

    def _report(self, champion: Algorithm, *, only: bool = False) -> Comparison | None:
        """The champion compared with its baselines, if the config asks for it; with ``only``, from stored curves alone."""
        report = self.config.report
        if report is None:
            return None
        candidates, roles = {"champion": champion}, {"champion": "champion"}
        for name, baseline in report.baselines.items():
            directory = self.directory / f"tune-{slug(name)}"
            roles[name] = "baseline" if baseline.space is None else "tuned"
            if baseline.space is None:
                candidates[name] = baseline.template
            elif only:
                candidates[name] = load_candidate(directory / CHAMPION_FILE, self.registry)
            else:
                candidates[name] = self.tune(name, directory)
        return compare(
            self.registry,
            self._storing(self.executor, only=only),
            candidates,
            report.runs,
            seeds=report.seeds,
            seed=self.config.seed,
            notes=report.notes,
            suite=report.suite,
            progress=self.progress,
            watched=Watched(roles=roles) if only else Watched(self.tell, roles, self.directory),
        )
