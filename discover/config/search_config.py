"""The config of a search: a file of YAML or JSON, checked word by word, or the same mapping from Python."""

from __future__ import annotations

import copy
import difflib
import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from discover.base.errors import UserError, nearest
from discover.components.component import Choice, Component
from discover.components.paths import check
from discover.components.space import Space
from discover.config.baselines import Baseline
from discover.config.build import algorithm_from, component_from, environment_from
from discover.config.tasks import check_distinct
from discover.contract.algorithm import Algorithm
from discover.contract.events import TaskRun
from discover.contract.executor import Executor
from discover.contract.registry import Registry
from discover.contract.strategy import Objective, Strategy
from discover.storage.files import checked_path, is_file
from discover.storage.json_text import DEEPEST
from discover.storage.yaml_text import values_in, values_in_file


@dataclass(frozen=True)
class Report:
    """What is compared after a search.

    Attributes:
        baselines: by name; a baseline that is a space is searched with the same budget first.
        runs: tasks and horizons; ``notes`` says what each one is.
        seeds: S, of a stream that the search never sees.
    """

    baselines: Mapping[str, Baseline]
    runs: Sequence[TaskRun]
    notes: Sequence[str]
    seeds: int


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
    finalists: int
    selection_seeds: int
    checkpoint_minutes: float
    time_limit: float | None
    directory: Path
    report: Report | None
    words: Mapping[str, Any]


_DEFAULTS: dict[str, Any] = {
    "name": "search",
    "seed": 0,
    "objective": "final_return",
    "executor": "local",
    "seeds": 2,
    "finalists": 8,
    "selection_seeds": 8,
    "checkpoint_minutes": 2.0,
    "time_limit_seconds": None,
    "directory": "discover-runs",
    "report": None,
}
_REQUIRED = ("candidate", "strategy", "population", "generations", "tasks")
_REPORT_KEYS = ("baselines", "tasks", "seeds")
_TASK_KEYS = ("task", "steps", "note")

_MEMBERS, _SEEDS, _LIFETIMES = 2**20, 2**16, 2**22
"""The most members of a population or finalists, seeds, and lifetimes of one generation: more would take memory by the
gigabyte before the first of them has begun."""


def read_config(path: str | Path, settings: Sequence[str] = ()) -> dict[str, Any]:
    """The mapping in a file of YAML or JSON, with ``a.b=c`` settings applied (values are YAML).

    Raises:
        UserError: missing file, neither YAML nor JSON, or a setting without '='.
    """
    path = Path(path)
    if not is_file(path, "config file"):
        close = difflib.get_close_matches(path.name, [p.name for p in path.parent.glob("*.y*ml")], n=1)
        hint = f"did you mean '{path.parent / close[0]}'?" if close else "check the path."
        raise UserError(f"config file '{path}' does not exist: {hint}")
    config = values_in_file(path, "config file")
    if not isinstance(config, dict):
        raise UserError(f"config file '{path}' must hold a mapping of keys to values; it holds {type(config).__name__}.")
    return with_settings(config, settings)


def with_settings(config: Mapping[str, Any], settings: Iterable[str]) -> dict[str, Any]:
    """A config with ``a.b=c`` settings applied.

    Raises:
        UserError: a setting without '=', or a key that cannot be set.
    """
    changed = copy.deepcopy(dict(config))
    for setting in settings:
        _apply(changed, setting)
    return changed


def checked_config(registry: Registry, words: Mapping[str, Any]) -> SearchConfig:
    """A config with defaults filled in and every word checked.

    Raises:
        UserError: one sentence that names the key, the value and the remedy.
    """
    known = (*_REQUIRED, *_DEFAULTS)
    for key in words:
        if key not in known:
            raise UserError(f"config: unknown key '{key}'; {nearest(str(key), known)}.")
    for key in _REQUIRED:
        if key not in words:
            raise UserError(f"config: '{key}' is missing: add it.")
    full = {**_DEFAULTS, **words}
    template = algorithm_from(registry, full["candidate"])
    strategy = _one(registry, Strategy, full["strategy"], "strategy")
    _check_lifetimes(full)
    population = _whole(full, "population", most=_MEMBERS)
    _check_population(registry, strategy, Space(template), population)
    return SearchConfig(
        name=_text(full, "name"),
        seed=_whole(full, "seed", least=0, most=2**32 - 1),
        template=template,
        strategy=strategy,
        objective=_one(registry, Objective, full["objective"], "objective"),
        executor=_one(registry, Executor, full["executor"], "executor"),
        population=population,
        generations=_whole(full, "generations"),
        seeds=_whole(full, "seeds", most=_SEEDS),
        tasks=_task_runs(registry, full["tasks"], "tasks")[0],
        finalists=_whole(full, "finalists", most=_MEMBERS),
        selection_seeds=_whole(full, "selection_seeds", most=_SEEDS),
        checkpoint_minutes=_number(full, "checkpoint_minutes"),
        time_limit=_time_limit(full),
        directory=_directory(full),
        report=_report(registry, full["report"], strategy, population),
        words=full,
    )


def default_executor(registry: Registry) -> Executor:
    """Where lifetimes run unless a config says otherwise."""
    return component_from(registry, Executor, _DEFAULTS["executor"], "executor")


def _report(registry: Registry, value: Any, strategy: Strategy, population: int) -> Report | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise UserError(f"report must be a mapping with {', '.join(_REPORT_KEYS)}; got {value!r}.")
    for key in value:
        if key not in _REPORT_KEYS:
            raise UserError(f"report: unknown key '{key}'; {nearest(str(key), _REPORT_KEYS)}.")
    if "tasks" not in value:
        raise UserError("report: 'tasks' is missing: list the tasks to compare on.")
    baselines = value.get("baselines", {})
    if not isinstance(baselines, Mapping):
        raise UserError(f"report.baselines must map names to candidates; got {baselines!r}.")
    _check_names(baselines)
    parsed: dict[str, Baseline] = {}
    for name, words in baselines.items():
        where, space = f"report.baselines.{name}", tuned_space(words)
        try:
            parsed[name] = Baseline(algorithm_from(registry, words if space is None else space, where), space)
            if space is None:
                check(parsed[name].template)
            else:
                _check_population(registry, strategy, Space(parsed[name].template), population)
        except UserError as error:
            raise UserError(f"{where}: {error}" if where not in str(error) else str(error)) from None
    runs, notes = _task_runs(registry, value["tasks"], "report.tasks")
    return Report(parsed, runs, notes, _whole({"seeds": 16, **value}, "seeds", least=2, most=_SEEDS, where="report."))


def tuned_space(words: Any) -> Any:
    """The space over which a baseline is to be tuned, or None if it is a candidate as it stands."""
    return words["tune"] if isinstance(words, Mapping) and set(words) == {"tune"} else None


def slug(name: str) -> str:
    """A name as part of a path."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "search"


def _check_names(baselines: Mapping[Any, Any]) -> None:
    """A baseline's name must be its own: in the report, and as a folder where it is tuned."""
    folders: dict[str, str] = {}
    for name, words in baselines.items():
        if not isinstance(name, str):
            raise UserError(f"report.baselines: a name must be a text; got {name!r}: put it in quotes.")
        if name == "champion":
            raise UserError("report.baselines: 'champion' is what the search finds: give the baseline another name.")
        if tuned_space(words) is not None:
            other = folders.setdefault(slug(name), name)
            if other != name:
                raise UserError(
                    f"report.baselines: '{other}' and '{name}' would be tuned in one folder, tune-{slug(name)}: rename one."
                )


def _task_runs(registry: Registry, value: Any, where: str) -> tuple[list[TaskRun], list[str]]:
    if not isinstance(value, list) or not value:
        raise UserError(f"{where} must be a list of {{task: ID, steps: N}}; got {value!r}.")
    runs, notes = [], []
    for index, item in enumerate(value):
        place = f"{where}.{index}"
        if not isinstance(item, Mapping) or "task" not in item or "steps" not in item:
            raise UserError(f"{place} must be {{task: ID, steps: N}}; got {item!r}.")
        for key in item:
            if key not in _TASK_KEYS:
                raise UserError(f"{place}: unknown key '{key}'; {nearest(str(key), _TASK_KEYS)}.")
        if not isinstance(item["task"], str):
            raise UserError(f"{place}.task must be the name of a task; got {item['task']!r}: register it under a name.")
        try:
            registry.get("task", item["task"])
        except UserError as error:
            raise UserError(f"{place}.task: {error}") from None
        environment_from(registry, item["task"], f"{place}.task")
        runs.append(TaskRun(item["task"], _whole(item, "steps", where=f"{place}.")))
        notes.append(str(item.get("note", "")))
    check_distinct(runs, where)
    return runs, notes


def _check_population(registry: Registry, strategy: Strategy, space: Space, population: int) -> None:
    problem = strategy.check_population(space, population)
    if problem is not None:
        name = registry.name_of(type(strategy))
        raise UserError(f"population {population} does not suit the strategy '{name}': {problem}.")


def _check_lifetimes(values: Mapping[str, Any]) -> None:
    for members, seeds in (("population", "seeds"), ("finalists", "selection_seeds")):
        count = _whole(values, members, most=_MEMBERS) * _whole(values, seeds, most=_SEEDS)
        if count > _LIFETIMES:
            raise UserError(
                f"{members} {values[members]} x {seeds} {values[seeds]} are {count:,} lifetimes at once, more than "
                f"{_LIFETIMES:,}: take fewer of either."
            )


def _one(registry: Registry, kind: type[Component], value: Any, where: str) -> Any:
    """A component with every value set."""
    made = component_from(registry, kind, value, where)
    if isinstance(made, Choice):
        raise UserError(f"{where} must be one {kind.kind}; a search chooses between candidates alone: write the one.")
    try:
        check(made)
    except UserError as error:
        raise UserError(f"{where}: {error}") from None
    return made


def _whole(values: Mapping[str, Any], key: str, least: int = 1, where: str = "", most: int = 2**31 - 1) -> int:
    value = values[key]
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise UserError(f"{where}{key} must be a whole number from {least} to {most}; got {value!r}.")
    return value


def _number(values: Mapping[str, Any], key: str) -> float:
    value = values[key]
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        raise UserError(f"{key} must be a number of at least 0; got {value!r}.")
    return float(value)


def _directory(values: Mapping[str, Any]) -> Path:
    text = _text(values, "directory")
    try:
        return checked_path(Path(text).expanduser(), "directory")
    except RuntimeError:  # ~somebody
        raise UserError(
            f"directory '{text}' begins with the name of a user whom this machine does not know: change it."
        ) from None


def _time_limit(values: Mapping[str, Any]) -> float | None:
    """The most seconds that a structure may take on a task in a generation, compilation included; None: as long as it likes."""
    key = "time_limit_seconds"
    if values[key] is None:
        return None
    if not 0 < _number(values, key) <= threading.TIMEOUT_MAX:
        raise UserError(f"{key} must be a number of seconds above 0, or null for no limit; got {values[key]!r}.")
    return _number(values, key)


def _text(values: Mapping[str, Any], key: str) -> str:
    value = values[key]
    if not isinstance(value, str) or not value:
        raise UserError(f"{key} must be a text; got {value!r}.")
    return value


def _apply(config: dict[str, Any], setting: str) -> None:
    path, equals, text = setting.partition("=")
    if not equals or not path:
        raise UserError(f"--set '{setting}' must be key=value, with dots between nested keys, such as --set population=64.")
    try:
        value = values_in(text)
    except ValueError as error:
        raise UserError(f"--set '{setting}': the value is not YAML ({error}): repair it, or quote a text.") from None
    *parents, last = path.split(".")
    if len(parents) >= DEEPEST:
        raise UserError(f"--set '{setting}' names a place deeper than {DEEPEST} levels: is it the right one?")
    node: Any = config
    for name in parents:
        node = _child(node, name, setting)
    if isinstance(node, list):
        node[_index(node, last, setting)] = value
    elif isinstance(node, dict):
        node[last] = value
    else:
        raise UserError(f"--set '{setting}': there is nothing below '{parents[-1]}' to set.")


def _child(node: Any, name: str, setting: str) -> Any:
    if isinstance(node, list):
        return node[_index(node, name, setting)]
    if isinstance(node, dict):
        return node.setdefault(name, {})
    raise UserError(f"--set '{setting}': there is nothing below '{name}' to set.")


def _index(node: list[Any], name: str, setting: str) -> int:
    if not name.isdecimal() or len(name) > 9 or int(name) >= len(node):
        raise UserError(f"--set '{setting}': '{name}' must be an index below {len(node)}.")
    return int(name)
