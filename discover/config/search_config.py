"""The config of a search: a file of YAML or JSON, checked word by word, or the same mapping from Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from discover.base.errors import UserError
from discover.base.mistakes import Mistakes, MistakesError
from discover.components.space import Space
from discover.config.after import After, ablate_from, refine_from
from discover.config.baselines import TUNE, Baseline, check_names, tuned_space
from discover.config.build import algorithm_from, component_from, errors_at
from discover.config.checks import (
    check_complete,
    check_lifetimes,
    check_population,
    check_task,
    checked_directory,
    one_component,
    suite_of,
)
from discover.config.keys import defaults
from discover.config.models import ReportModel
from discover.config.reading import WrittenConfig
from discover.config.seen import SEEN_BEFORE
from discover.config.shape import check_shape
from discover.config.splits import SPLIT, TEST, TRAIN, Split, check_apart, check_unseen, name_of_split, standing, with_split
from discover.config.starts import Start, name_of_words, starts_from
from discover.config.tasks import check_distinct
from discover.contract.algorithm import Algorithm
from discover.contract.events import TaskRun
from discover.contract.executor import Executor
from discover.contract.registry import Registry
from discover.contract.strategy import Objective, Strategy


@dataclass(frozen=True)
class Report:
    """The comparison after a search.

    Attributes:
        baselines: by name; a baseline that is a space is searched with the same budget first.
        runs: tasks and horizons; ``notes`` says what each one is.
        seeds: S, of a stream that the search never sees.
        suite: the runs over which candidates are compared in one number too.
    """

    baselines: Mapping[str, Baseline]
    runs: Sequence[TaskRun]
    notes: Sequence[str]
    seeds: int
    suite: Sequence[TaskRun] = ()


@dataclass(frozen=True)
class SearchConfig:
    """A checked config. ``words`` is the mapping it came from, complete with defaults."""

    name: str
    seed: int
    template: Algorithm
    strategy: Strategy
    objective: Objective
    executor: Executor
    population: int
    generations: int
    seeds: int
    tasks: Sequence[TaskRun]
    elites: int
    finalists: int
    selection_seeds: int
    checkpoint_minutes: float
    time_limit: float | None
    directory: Path
    report: Report | None
    words: Mapping[str, Any]
    init: Sequence[Start] = ()
    after: After = field(default_factory=After)
    split: Split | None = None
    seen_before: Sequence[TaskRun] = ()


def checked_config(registry: Registry, words: Mapping[str, Any]) -> SearchConfig:
    """A config with defaults filled in and every word checked.

    Raises:
        MistakesError: a sentence for each mistake, which names the key, the value, the remedy, and the place if ``words`` come
            from `read_config`.
    """
    checked, config = Mistakes(), None
    with checked.at(SPLIT):
        full = with_split(words)
    if not checked.collected:
        config = _Checks(registry, full, checked).config()
    mistakes = checked.collected
    if isinstance(words, WrittenConfig):
        mistakes = [*words.places.placed(mistakes), *words.wrong_settings]
    if config is None or mistakes:
        raise MistakesError(mistakes)
    return config


def default_executor(registry: Registry) -> Executor:
    """Where lifetimes run unless a config says otherwise."""
    return component_from(registry, Executor, defaults()["executor"], "executor")


class _Checks:
    """Checks of one config, each as far as the keys that it depends on are right.

    Attributes:
        mistakes: all that is wrong.
    """

    def __init__(self, registry: Registry, words: Mapping[str, Any], mistakes: Mistakes):
        self.mistakes = mistakes
        self._registry = registry
        self._full = {**defaults(), **words}
        check_shape(words, self.mistakes)

    def config(self) -> SearchConfig | None:
        """The config, None if there is a mistake."""
        full, registry = self._full, self._registry
        space = self._at("candidate", lambda value: Space(algorithm_from(registry, value)))
        strategy = self._at("strategy", lambda value: one_component(registry, Strategy, value, "strategy"))
        if space is not None and strategy is not None:
            self._at("population", lambda members: check_population(registry, strategy, space, members))
        for members, seeds in (("population", "seeds"), ("finalists", "selection_seeds")):
            if self._right(members, seeds):
                self._at(members, lambda _, keys=(members, seeds): check_lifetimes(full, *keys))
        objective = self._at("objective", lambda value: one_component(registry, Objective, value, "objective"))
        executor = self._at("executor", lambda value: one_component(registry, Executor, value, "executor"))
        runs = self._runs("tasks", full.get("tasks"))
        split = self._split(full[SPLIT], runs)
        seen_before = self._runs(SEEN_BEFORE, full[SEEN_BEFORE])
        directory = self._at("directory", checked_directory)
        starts = self._starts(space)
        report = self._report(full["report"], strategy, [*runs, *seen_before])
        after = self._after(full["after"], space, starts, report)
        if self.mistakes.collected or space is None or strategy is None:
            return None
        limit = full["time_limit_seconds"]
        return SearchConfig(
            name=full["name"],
            seed=full["seed"],
            template=space.template,
            strategy=strategy,
            objective=objective,
            executor=executor,
            population=full["population"],
            generations=full["generations"],
            seeds=full["seeds"],
            tasks=runs,
            elites=full["elites"],
            finalists=full["finalists"],
            selection_seeds=full["selection_seeds"],
            checkpoint_minutes=float(full["checkpoint_minutes"]),
            time_limit=None if limit is None else float(limit),
            directory=directory,
            report=report,
            words=full,
            init=starts,
            after=after,
            split=split,
            seen_before=seen_before,
        )

    def _right(self, *paths: str) -> bool:
        """Whether the values at these paths are there, and nothing is wrong with them."""
        return all(path.split(".")[0] in self._full and not self.mistakes.below(path) for path in paths)

    def _at(self, key: str, build: Callable[[Any], Any]) -> Any:
        """The object that is built from the value of a key; None where either is wrong."""
        if self._right(key):
            with self.mistakes.at(key):
                return build(self._full[key])
        return None

    def _runs(self, where: str, items: Any) -> list[TaskRun]:
        """The runs of a list of tasks, as far as they are right."""
        runs = []
        for index, item in enumerate(items if isinstance(items, list) else ()):
            place = f"{where}.{index}"
            if isinstance(item, Mapping) and "task" in item:
                with self.mistakes.at(f"{place}.task"):
                    check_task(self._registry, item["task"], f"{place}.task")
            if self._right(place):
                runs.append(TaskRun(item["task"], item["steps"]))
        with self.mistakes.at(where):
            check_distinct(runs, where)
        return runs

    def _split(self, value: Any, seen: Sequence[TaskRun]) -> Split | None:
        """The split of tasks, once the search is seen to keep to it."""
        if not isinstance(value, Mapping):
            return None
        train = seen if value.get(TRAIN) == self._full["tasks"] else self._runs(f"{SPLIT}.{TRAIN}", value.get(TRAIN))
        split = Split(name_of_split(value), train, self._runs(f"{SPLIT}.{TEST}", value.get(TEST)))
        with self.mistakes.at(SPLIT):
            check_apart(split)
        for index, run in enumerate(seen if self._right(SPLIT, "tasks") else ()):
            with self.mistakes.at(f"tasks.{index}.task"):
                check_unseen(split, run.task, f"tasks.{index}.task")
        return split

    def _starts(self, space: Space | None) -> list[Start]:
        """The candidates to begin with, as far as they are right."""
        items = self._full["init"]
        if space is None or not items or not self._right("init"):
            return []
        population = self._full["population"] if self._right("population") else None
        return starts_from(self._registry, space, items, population=population, mistakes=self.mistakes)

    def _after(self, value: Any, space: Space | None, starts: list[Start], report: Report | None) -> After:
        """The phases after the last generation, as far as they are right."""
        refine, ablate = (value.get(key) if isinstance(value, Mapping) else None for key in ("refine", "ablate"))
        refining, ablating = None, None
        if refine is not None and space is not None and self._right("after.refine", "population", "seeds"):
            sizes = {key: self._full[key] for key in ("population", "seeds")}
            with self.mistakes.at("after.refine"):
                refining = refine_from(refine, **sizes, check=lambda words, members: self._refiner(words, members, space))
        if ablate is not None and self._right("after.ablate", "init", "report"):
            with self.mistakes.at("after.ablate"):
                words = ablate.get("against")
                against = None if words is None else self._known(words, "after.ablate.against")
                baselines = report.baselines if report else {}
                others = [*((start.name, start.candidate) for start in starts)]
                others += [(name, each.template) for name, each in baselines.items() if each.space is None]
                ablating = ablate_from(ablate, against, others, name_of_words(words, "known"))
        return After(refining, ablating)

    def _refiner(self, words: Any, population: int, space: Space) -> Strategy:
        """The strategy of the refinement, checked with its population."""
        strategy = one_component(self._registry, Strategy, words, "after.refine.strategy")
        with errors_at("after.refine"):
            check_population(self._registry, strategy, space, population)
        return strategy

    def _known(self, words: Any, where: str) -> Algorithm:
        """A complete candidate."""
        candidate = algorithm_from(self._registry, words, where)
        check_complete(candidate, where)
        return candidate

    def _report(self, value: Any, strategy: Strategy | None, seen: Sequence[TaskRun]) -> Report | None:
        if not isinstance(value, Mapping):
            return None
        baselines: dict[str, Baseline] = {}
        if self._right("report.baselines"):
            candidates = value.get("baselines", {})
            with self.mistakes.at("report.baselines"):
                check_names(candidates)
            for name, words in candidates.items():
                with self.mistakes.at(f"report.baselines.{name}"):
                    baselines[name] = self._baseline(f"report.baselines.{name}", words, strategy)
        where, items, note = "report.tasks", value.get("tasks"), ""
        split = self._full[SPLIT]
        tells = split is not None or self._full[SEEN_BEFORE] is not None
        if items is None and isinstance(split, Mapping):
            where, items = f"{SPLIT}.{TEST}", split.get(TEST)
        elif items is None:
            where, items, note = "tasks", self._full.get("tasks"), "" if tells else "searched"
        runs = self._runs(where, items)
        if items is None or not self._right("report", where):
            return None
        notes = [item.get("note") or note for item in items]
        if tells:
            notes = [standing(run, seen, note) for run, note in zip(runs, notes, strict=True)]
        seeds = value.get("seeds", ReportModel.model_fields["seeds"].default)
        suite: list[TaskRun] = []
        with self.mistakes.at("report.suite"):
            suite = suite_of(value.get("suite", "none"), runs, seen)
        return Report(baselines, runs, notes, seeds=seeds, suite=suite)

    def _baseline(self, where: str, words: Any, strategy: Strategy | None) -> Baseline:
        space = tuned_space(words)
        if isinstance(words, Mapping) and TUNE in words and space is None:
            more = "', '".join(str(key) for key in words if key != TUNE)
            raise UserError(
                f"{where}: '{TUNE}' stands alone, since a baseline is tuned on the tasks and with the budget of the search: "
                f"leave out '{more}', or write it into the space."
            )
        if space is None:
            return Baseline(self._known(words, where))
        template = algorithm_from(self._registry, space, f"{where}.tune")
        if strategy is not None and self._right("population"):
            with errors_at(where):
                check_population(self._registry, strategy, Space(template), self._full["population"])
        return Baseline(template, space)
