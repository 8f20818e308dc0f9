"""The end of a search: the champion is chosen on fresh seeds, saved, and compared with its baselines.

It may be cut off and repeated: lifetimes that have been run are kept in the search's directory, and run once.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from discover.base.errors import DiscoverWarning, EvaluationError, UserError, cause_of
from discover.components.space import Space
from discover.config.build import algorithm_from
from discover.config.candidate_file import load_candidate, save_candidate
from discover.config.search_config import SearchConfig, slug, tuned_space
from discover.contract.algorithm import Algorithm
from discover.contract.events import Status
from discover.contract.executor import Executor
from discover.contract.registry import Registry
from discover.contract.results import Comparison, SearchResult
from discover.evaluation.compare import compare
from discover.evaluation.curve_store import CurveStore, NotStoredError
from discover.outer_loop.archive import digests_of
from discover.outer_loop.directory import CHAMPION_FILE, FORMAT, KEPT_FOLDER, RESULT_FILE, Origin, read_json
from discover.outer_loop.fitness import Evaluator
from discover.outer_loop.state import Counters, Snapshot, counted
from discover.outer_loop.time_limit import TimeLimitedWorker
from discover.storage.array_file import write_atomically

_NUMBERS = ("champion_fitness", "generations", "env_steps", "seconds", "broken")
"""What a result holds that is plain JSON."""


class ReportWarning(DiscoverWarning):
    """The report of a finished search cannot be shown again."""


class Chosen(NamedTuple):
    """The champion, its fitness on seeds of its own, the finalists that it was chosen from, and what has been spent."""

    champion: Algorithm
    fitness: float
    finalists: np.ndarray
    finalist_fitness: np.ndarray
    counters: Counters


@dataclass(frozen=True)
class Ending:
    """What the end of a search works on.

    Attributes:
        registry, config, space, executor: those of the search, the executor settled.
        directory: of the search.
        origin: what the search was begun with.
        now: after the last generation.
        last_error: of a candidate.
        progress: called with what is being done, and the share of it that is done.
        limited: evaluates structures within a limit of time, if there is one.
        tuned: the champion of a search over a space: ``tuned(name, space, directory)``.
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
    limited: TimeLimitedWorker | None
    tuned: Callable[[str, Any, Path], Algorithm]

    def choose(self) -> Chosen:
        """The best of the finalists on fresh seeds.

        The best fitness of several is too high on average, so the champion's is stated from seeds that had no part in the
        choice.
        """
        finalists = self._finalists()
        evaluator = Evaluator(self.registry, self.config, self.space, self._keeping(), self.progress, self.limited)
        evaluated = evaluator.evaluate(finalists, "selection", 0, self.config.selection_seeds)
        fitness, why = np.where(evaluated.status == Status.OK, evaluated.fitness, -np.inf), evaluated.errors
        counters = counted(self.now.counters, evaluated, evaluated.seconds)
        for place in np.argsort(-fitness, kind="stable")[: int(np.isfinite(fitness).sum())]:
            proven = evaluator.evaluate(finalists[[place]], "champion", 0, self.config.selection_seeds)
            counters, why = counted(counters, proven, proven.seconds), proven.errors or why
            if proven.status[0] == Status.OK:
                champion = self.space.decode(jnp.asarray(finalists[place]))
                return Chosen(champion, float(proven.fitness[0]), finalists, fitness, counters)
        last = f" (last error: {next(iter(why.values()))})" if why else ""
        raise EvaluationError(
            f"each of the {len(fitness)} best candidates broke on fresh seeds, so there is no champion: narrow the space, "
            f"or search with more seeds{last}."
        )

    def save(self, chosen: Chosen) -> None:
        """Write the champion: the same bytes, however often the search was cut off, whoever watched it, and whenever it ran."""
        facts = {**self.origin.belongs, "executor": repr(self.executor)}
        notes = {"search": self.config.name, "fitness": chosen.fitness, "provenance": facts}
        if self.origin.changes:
            notes["went_on_with"] = self.origin.changes
        save_candidate(self.directory / CHAMPION_FILE, chosen.champion, self.registry, notes)

    def result(self, chosen: Chosen) -> SearchResult:
        """What the search has come to; the champion is compared now, if the config asks for it."""
        counters = chosen.counters
        return SearchResult(
            champion=chosen.champion,
            champion_path=self.directory / CHAMPION_FILE,
            champion_fitness=chosen.fitness,
            finalists=chosen.finalists,
            finalist_fitness=chosen.finalist_fitness,
            generations=counters.generations,
            env_steps=counters.env_steps,
            seconds=counters.seconds,
            broken=counters.broken,
            comparison=self._report(chosen.champion),
        )

    def found_before(self, kept: Mapping[str, Any]) -> SearchResult:
        """The result of a finished search: nothing is run."""
        path = self.directory / CHAMPION_FILE
        champion, comparison = load_candidate(path, self.registry), None
        try:
            comparison = self._report(champion, only=True)
        except (NotStoredError, UserError) as error:
            what = f"the report of the search in '{self.directory}' cannot be shown again"
            text = f"{what} ({cause_of(error)}); its champion is as it was."
            warnings.warn(text, ReportWarning, stacklevel=4)
        return SearchResult(
            champion=champion,
            champion_path=path,
            champion_fitness=kept["champion_fitness"],
            finalists=self._finalists(),
            finalist_fitness=np.asarray(kept["finalist_fitness"], np.float32),
            generations=kept["generations"],
            env_steps=kept["env_steps"],
            seconds=kept["seconds"],
            broken=kept["broken"],
            comparison=comparison,
        )

    def _finalists(self) -> np.ndarray:
        """The best few, and the strategy's own recommendation unless it is one of them; no candidate twice."""
        state = self.now.state
        known = state.archive.best(self.config.finalists)
        if not len(known):
            broken = ", ".join(f"{name} {count}" for name, count in self.now.counters.broken.items())
            last = f" (last error: {self.last_error})" if self.last_error else ""
            raise EvaluationError(
                f"every candidate of the search broke ({broken}), so there is no champion: narrow the space{last}."
            )
        recommendation = self.config.strategy.recommendation(state.strategy, self.space)
        if recommendation is None:
            return known
        rows = np.stack([*known, np.asarray(recommendation)])
        digests = digests_of(self.space, rows)
        return known if (digests[:-1] == digests[-1]).all(axis=1).any() else rows

    def _keeping(self, only: bool = False) -> CurveStore:
        """The executor, with everything kept that it runs; with ``only`` it runs nothing."""
        return CurveStore(self.executor, self.directory / KEPT_FOLDER, self.registry, self.origin.belongs, only)

    def _report(self, champion: Algorithm, only: bool = False) -> Comparison | None:
        """The champion beside its baselines, if the config asks for it; with ``only``, of what has been kept."""
        report = self.config.report
        if report is None:
            return None
        candidates = {"champion": champion}
        for name, words in report.baselines.items():
            space, directory = tuned_space(words), self.directory / f"tune-{slug(name)}"
            if space is None:
                candidates[name] = algorithm_from(self.registry, words, f"report.baselines.{name}")
            elif only:
                candidates[name] = load_candidate(directory / CHAMPION_FILE, self.registry)
            else:
                candidates[name] = self.tuned(name, space, directory)
        return compare(
            self.registry,
            self._keeping(only),
            candidates,
            report.runs,
            report.seeds,
            self.config.seed,
            report.notes,
            progress=self.progress,
        )


def write_result(directory: Path, result: SearchResult) -> None:
    """Say in its directory that a search is finished, with what `Ending.found_before` cannot read elsewhere."""
    kept = {name: getattr(result, name) for name in _NUMBERS} | {"finalist_fitness": result.finalist_fitness.tolist()}
    text = json.dumps({"format": FORMAT, "champion": CHAMPION_FILE, **kept}, indent=2)
    write_atomically(directory / RESULT_FILE, text.encode())


def read_result(directory: Path) -> dict[str, Any] | None:
    """What `write_result` wrote, None if the search is not finished: without its champion its end is due again."""
    found = read_json(directory / RESULT_FILE) or {}
    whole = found.get("format") == FORMAT and {*_NUMBERS, "finalist_fitness"} <= set(found)
    return found if whole and (directory / CHAMPION_FILE).is_file() else None
