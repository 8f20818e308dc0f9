"""The Python interface: train, compare and search, as the command line does.

    import discover

    result = discover.train("ppo", "CartPole-v1", steps=100_000, seeds=8)
    print(result)
    result.plot().savefig("ppo.png")

Plugins are loaded once, at the first call. Results are tracked only on request: ``tracking=True`` uses the store of the command
line, ``tracking="..."`` the store at that address.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import numbers
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from discover.base.errors import DiscoverWarning, UserError

if TYPE_CHECKING:
    from discover.components.component import Component
    from discover.contract.algorithm import Algorithm
    from discover.contract.environment import Environment
    from discover.contract.events import TaskRun
    from discover.contract.results import Comparison, SearchResult, Training
    from discover.plugin.loader import Plugins
    from discover.plugin.session import Session

Candidate: TypeAlias = "str | os.PathLike[str] | Mapping[str, Any] | Algorithm"
"""A recipe's name, the path of a candidate file, an address in MLflow, a mapping as in a config, or the candidate itself."""


def plugins(folder: str | os.PathLike[str] | None = None, *, extra: Iterable[object] = ()) -> Plugins:
    """All plugins, loaded once; ``plugins().registry`` knows every component, recipe and task.

    Args:
        folder: a folder of one-file plugins to load as well. It must be given before anything else is called.
        extra: plugin objects to load as well, such as the module of a script, or an instance with methods that are marked
            ``@hookimpl``. One that is loaded already is not loaded again.

    Raises:
        UserError: an object is no plugin, or has the name of another one or of what another one brings.

    >>> plugins().registry.get("task", "CartPole-v1").facts["reference"]
    500.0
    """
    if folder is not None and _loaded.cache_info().currsize and _folder(folder) != _State.folder:
        raise UserError(f"plugins are loaded already: call discover.plugins({os.fspath(folder)!r}) before anything else.")
    if folder is not None:
        _State.folder = _folder(folder)
    loaded = _loaded()
    for plugin in extra:
        _add(loaded, plugin)
    return loaded


def recipe(name: str) -> Algorithm:
    """A known algorithm with its published settings.

    Raises:
        UserError: no plugin has a recipe of that name.

    >>> type(recipe("ppo").rule).__name__
    'PPO'
    """
    from discover.config.build import algorithm_from

    return algorithm_from(plugins().registry, name)


def environment(task: str | Mapping[str, Any]) -> Environment:
    """The family of environments of a task's name, or of an environment as in a config.

    >>> environment("catch").spec().action
    Discrete(n=3)

    Raises:
        UserError: no plugin brings a task or an environment of that name.
    """
    from discover.config.build import environment_from

    return environment_from(plugins().registry, task)


def load(candidate: Candidate, *, store: str | None = None) -> Algorithm:
    """Read a candidate that has no open values.

    Args:
        candidate: a recipe (``ppo``), a file (``.candidate``, ``.yaml`` or ``.json``), an address in MLflow
            (``models:/...``, ``runs:/...``, a run's id), or a mapping as in a config.
        store: address of the tracking store.

    Raises:
        UserError: there is no such recipe, file or address, or the candidate has open values.

    >>> type(load("a2c").rule).__name__
    'A2C'
    """
    from discover.config.candidates import candidate_from

    if isinstance(candidate, str | os.PathLike):
        return candidate_from(plugins(), os.fspath(candidate), store)
    from discover.components.paths import check
    from discover.config.build import algorithm_from
    from discover.contract.algorithm import Algorithm

    if isinstance(candidate, Mapping):
        candidate = algorithm_from(plugins().registry, candidate)
    if not isinstance(candidate, Algorithm):
        raise UserError(f"a candidate is a text, a mapping or Algorithm(rule=..., network=...); got {candidate!r}.")
    check(candidate)
    return candidate


def save(candidate: Candidate, path: str | os.PathLike[str]) -> Path:
    """Write a candidate to a file that every command can read.

    Args:
        candidate: see `load`.
        path: the file; its name ends in ``.candidate``.

    Returns:
        The path.

    Raises:
        UserError: the name of the file has another ending.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     type(load(save("ppo", Path(folder) / "mine.candidate")).rule).__name__
    'PPO'
    """
    from discover.config.candidate_file import SUFFIX, save_candidate

    if Path(path).suffix != SUFFIX:
        raise UserError(f"a candidate is saved in a file whose name ends in '{SUFFIX}'; got '{os.fspath(path)}': rename it.")
    save_candidate(Path(path), load(candidate), plugins().registry)
    return Path(path)


def train(
    candidate: Candidate,
    task: str,
    *,
    steps: int = 100_000,
    seeds: int = 10,
    seed: int = 0,
    name: str | None = None,
    tracking: bool | str = False,
) -> Training:
    """Train one candidate from scratch on one task, with several seeds.

    Args:
        candidate: see `load`.
        task: name of the task.
        steps: env steps of each lifetime.
        seeds: how many lifetimes with different seeds.
        seed: of the stream that all seeds come from.
        name: of the candidate in what is reported; what ``candidate`` calls it unless given.
        tracking: whether, or where, the training is tracked.

    Returns:
        The training: it prints as a table, and `Training.plot` draws its learning curve.

    Raises:
        UserError: the task is unknown, the candidate cannot be trained on it, or the steps do not suffice for one update.
        EvaluationError: the candidate's program cannot be compiled or run.
    """
    algorithm, name = load(candidate, store=_store(tracking)), name or _name_of(candidate)
    seeds, seed = _count("seeds", seeds), _count("seed", seed, 0)
    with _session("train", tracking) as running:
        training = train_in(running, name, algorithm, run=_run(task, steps), seeds=seeds, seed=seed)
    return dataclasses.replace(training, facts=running.facts)


def train_in(running: Session, name: str, algorithm: Algorithm, *, run: TaskRun, seeds: int, seed: int) -> Training:
    """Train a candidate in a session that is open already, see `train`."""
    from discover.config.search_config import default_executor
    from discover.evaluation.train import train as trained

    registry = running.plugins.registry
    training = trained(
        registry,
        default_executor(registry),
        name,
        algorithm,
        run=run,
        seeds=seeds,
        seed=seed,
        progress=lambda share: running.progress(f"{name} on {run.label}", share),
    )
    running.plugins.tell("discover_training_finished", training=training)
    return training


def compare(
    candidates: Sequence[Candidate] | Mapping[str, Candidate],
    tasks: Sequence[str] | Mapping[str, int] | str,
    *,
    steps: int = 100_000,
    seeds: int = 16,
    seed: int = 0,
    tracking: bool | str = False,
) -> Comparison:
    """Train every candidate on every task, and test the first one against each of the others.

    Args:
        candidates: the candidate in question, then those to compare it with (see `load`); a mapping sets their names.
        tasks: the name of a task, several names, or a mapping from names to the env steps on each task.
        steps: env steps of each lifetime, unless ``tasks`` is a mapping.
        seeds: number of lifetimes of each candidate on each task; all candidates have the same seeds.
        seed: seed of the random stream from which all seeds are drawn.
        tracking: whether to track the comparison, or the address of the store.

    Returns:
        The comparison: it prints as a table with a verdict, and `Comparison.plot` draws its learning curves.

    Raises:
        UserError: a candidate or a task is unknown or there twice, or a candidate cannot be trained; before any lifetime runs.
    """
    from discover.config.candidates import check_different

    algorithms = {name: load(candidate, store=_store(tracking)) for name, candidate in _by_name(candidates).items()}
    check_different(plugins(), algorithms)
    runs, seeds, seed = _runs(tasks, steps), _count("seeds", seeds), _count("seed", seed, 0)
    with _session("compare", tracking) as running:
        comparison = compare_in(running, algorithms, runs, seeds, seed=seed)
    return dataclasses.replace(comparison, facts=running.facts)


def compare_in(
    running: Session, algorithms: Mapping[str, Algorithm], runs: Sequence[TaskRun], seeds: int, *, seed: int
) -> Comparison:
    """Compare candidates in a session that is open already, see `compare`."""
    from discover.config.search_config import default_executor
    from discover.evaluation.compare import compare as compared

    registry = running.plugins.registry
    executor = default_executor(registry)
    comparison = compared(registry, executor, algorithms, runs, seeds=seeds, seed=seed, progress=running.progress)
    running.plugins.tell("discover_comparison_finished", comparison=comparison)
    return comparison


def search(
    config: str | os.PathLike[str] | Mapping[str, Any] | Component,
    directory: str | os.PathLike[str] | None = None,
    *,
    overrides: Mapping[str, Any] | None = None,
    tracking: bool | str = False,
    **settings: Any,
) -> SearchResult:
    """Search for the best candidate in a space, and compare it with baselines.

    Args:
        config: a YAML or JSON file, a mapping with the same keys, or a space: an `Algorithm` with open values, to which
            ``settings`` adds the other keys of a config (``tasks``, ``population``, ``strategy``, ...).
        directory: place of checkpoints and champion, empty or not there yet; by default named after the search and the time.
        overrides: values of the config by dotted key, such as ``{"report.seeds": 16}``.
        tracking: whether to track the search, or the address of the store.
        settings: keys of the config that replace those in ``config``.

    Returns:
        The result, with the champion: it prints as the table of the report.

    Raises:
        UserError: the config or the directory has a mistake; before the first generation.
    """
    from discover.outer_loop.search import search as searched

    values, place = _config(config, overrides, settings), None if directory is None else Path(directory)
    return _search("search", tracking, lambda running: searched(running.plugins, values, place, progress=running.progress))


def resume(directory: str | os.PathLike[str], *, anyway: bool = False, tracking: bool | str = False) -> SearchResult:
    """Continue a search that was stopped or killed. Its result is the same to the bit as without the interruption.

    Args:
        directory: directory of the search.
        anyway: whether to continue even if versions, plugins or the device have changed.
        tracking: whether to track the search, or the address of the store.

    Raises:
        UserError: there is no search in the directory, or versions, plugins or the device have changed.
    """
    from discover.outer_loop.search import resume as resumed

    def work(running: Session) -> SearchResult:
        return resumed(running.plugins, Path(directory), running.progress, anyway=anyway)

    return _search("resume", tracking, work, Path(directory))


# Inside ---------------------------------------------------------------------------------------------------------------


class _State:
    """The folder of one-file plugins that a call of `plugins` named."""

    folder: Path | None = None


@functools.cache
def _loaded() -> Plugins:
    from discover.plugin.session import start_plugins

    return start_plugins(_State.folder)


def _folder(folder: str | os.PathLike[str]) -> Path:
    return Path(folder).absolute()


@contextlib.contextmanager
def _session(name: str, tracking: bool | str, directory: Path | None = None) -> Iterator[Session]:
    """Run a command; errors of its watchers become warnings at its end."""
    from discover.contract.events import Command
    from discover.plugin.session import session

    with session(Command(name, directory, bool(tracking), _store(tracking)), plugins()) as running:
        yield running
    for error in running.late:
        if isinstance(error, KeyboardInterrupt):
            raise error
        warnings.warn(str(error), DiscoverWarning, stacklevel=4)


def _search(
    name: str, tracking: bool | str, work: Callable[[Session], SearchResult], directory: Path | None = None
) -> SearchResult:
    with _session(name, tracking, directory) as running:
        result = work(running)
    return dataclasses.replace(result, facts=running.facts)


def _add(loaded: Plugins, plugin: object) -> None:
    from discover.plugin.loader import add_plugin

    if not loaded.manager.is_registered(plugin):
        add_plugin(loaded, plugin)


def _store(tracking: bool | str) -> str | None:
    return tracking if isinstance(tracking, str) else None


def _run(task: str, steps: int) -> TaskRun:
    from discover.contract.events import TaskRun

    if not isinstance(task, str):
        raise UserError(f"a task is given by its name, such as 'CartPole-v1'; got {task!r}.")
    return TaskRun(task, _count("steps", steps))


def _runs(tasks: Sequence[str] | Mapping[str, int] | str, steps: int) -> list[TaskRun]:
    names = [tasks] if isinstance(tasks, str) else tasks
    if not isinstance(names, Sequence | Mapping) or not names:
        raise UserError(f"tasks must be a task's name, a list of names, or a mapping from names to env steps; got {tasks!r}.")
    return [_run(task, names[task] if isinstance(names, Mapping) else steps) for task in names]


def _count(name: str, value: Any, least: int = 1) -> int:
    if not isinstance(value, numbers.Integral) or isinstance(value, bool) or int(value) < least:
        raise UserError(f"{name} must be a whole number of at least {least}; got {value!r}.")
    return int(value)


def _name_of(candidate: Candidate) -> str:
    """The name of a candidate in tables."""
    if isinstance(candidate, str | os.PathLike):
        return os.fspath(candidate)
    return type(load(candidate).rule).__name__


def _by_name(candidates: Sequence[Candidate] | Mapping[str, Candidate]) -> dict[str, Candidate]:
    if isinstance(candidates, str):
        raise UserError(f"candidates must be a list, such as [{candidates!r}, 'ppo']; got the text {candidates!r}.")
    one = isinstance(candidates, Mapping) and bool({"recipe", "rule"} & candidates.keys())
    if one or not isinstance(candidates, Sequence | Mapping) or not candidates:
        raise UserError(f"candidates must be a list, or a mapping from names to candidates; got {candidates!r}.")
    if isinstance(candidates, Mapping):
        return dict(candidates)
    names = [_name_of(candidate) for candidate in candidates]
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"candidate '{name}' is given twice: leave one out, or give a mapping from names to candidates.")
    return dict(zip(names, candidates, strict=True))


def _config(
    config: str | os.PathLike[str] | Mapping[str, Any] | Component,
    overrides: Mapping[str, Any] | None,
    settings: Mapping[str, Any],
) -> dict[str, Any]:
    """The config as a mapping of plain values."""
    from discover.components.component import Component
    from discover.config.build import config_of
    from discover.config.reading import read_config, with_settings

    if isinstance(config, Component):
        config = {"candidate": config_of(plugins().registry, config)}
    elif isinstance(config, str | os.PathLike):
        config = read_config(Path(config))
    if not isinstance(config, Mapping):
        raise UserError(f"a config is a file, a mapping or a space; got {config!r}.")
    changes = [f"{key}={_plain(key, value)}" for key, value in (overrides or {}).items()]
    return with_settings({**config, **settings} if settings else config, changes)


def _plain(key: str, value: Any) -> str:
    try:
        return json.dumps(value)
    except TypeError:
        raise UserError(f"overrides: '{key}' must be a number, a text, a list or a mapping; got {value!r}.") from None
