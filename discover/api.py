"""The front door: train, compare and search from Python, as the command line does.

    >>> import discover
    >>> result = discover.train("ppo", "CartPole-v1", steps=100_000, seeds=8)  # doctest: +SKIP
    >>> print(result)  # doctest: +SKIP
    >>> result.plot().savefig("ppo.png")  # doctest: +SKIP

Plugins are loaded once, at the first call. Nothing is tracked unless ``tracking`` says so: True takes the store that the
command line takes, a text is the address of another.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from discover.base.errors import DiscoverWarning, UserError

if TYPE_CHECKING:
    from discover.components.component import Component
    from discover.contract.algorithm import Algorithm
    from discover.contract.events import Comparison, SearchResult, TaskRun, Training
    from discover.plugin.loader import Plugins
    from discover.plugin.session import Session

Candidate: TypeAlias = "str | os.PathLike[str] | Algorithm"
"""A recipe's name, the path of a candidate file, an address in MLflow, or the candidate itself."""


def plugins(folder: str | os.PathLike[str] | None = None) -> Plugins:
    """All plugins, loaded once; ``plugins().registry`` knows every component, recipe and task.

    Args:
        folder: a folder of one-file plugins to load as well. It must be given before anything else is called.
    """
    if folder is not None and _loaded.cache_info().currsize and _folder(folder) != _State.folder:
        raise UserError(f"plugins are loaded already: call discover.plugins({os.fspath(folder)!r}) before anything else.")
    if folder is not None:
        _State.folder = _folder(folder)
    return _loaded()


def recipe(name: str) -> Algorithm:
    """A known algorithm with the settings of its source, such as ``recipe("ppo")``.

    Raises:
        UserError: no plugin brings a recipe of that name.
    """
    from discover.config.build import algorithm_from

    return algorithm_from(plugins().registry, name)


def load(candidate: Candidate, *, store: str | None = None) -> Algorithm:
    """A complete candidate.

    Args:
        candidate: a recipe (``ppo``), a file (``.candidate``, ``.yaml`` or ``.json``), or an address in MLflow
            (``models:/...``, ``runs:/...``, a run's id).
        store: address of the tracking store.

    Raises:
        UserError: no such recipe, file or address, or it does not hold a complete candidate.
    """
    from discover.config.candidates import candidate_from

    if isinstance(candidate, str | os.PathLike):
        return candidate_from(plugins(), os.fspath(candidate), store)
    from discover.components.paths import check

    check(candidate)
    return candidate


def save(candidate: Candidate, path: str | os.PathLike[str]) -> Path:
    """Write a candidate to a file that every command takes; its name ends in ``.candidate``."""
    from discover.config.candidate_file import save_candidate

    save_candidate(Path(path), load(candidate), plugins().registry)
    return Path(path)


def train(
    candidate: Candidate,
    task: str,
    *,
    steps: int = 100_000,
    seeds: int = 10,
    seed: int = 0,
    tracking: bool | str = False,
) -> Training:
    """Train one candidate from scratch on one task, with several seeds.

    Args:
        candidate: see `load`.
        task: the task's name.
        steps: env steps of each lifetime.
        seeds: how many lifetimes with different seeds.
        seed: of the stream that all seeds come from.
        tracking: whether, or where, the training is tracked.

    Returns:
        The training: it prints as a table, and `Training.plot` draws its learning curve.

    Raises:
        UserError: an unknown task, a candidate that cannot be trained on it, too few steps for one update.
        EvaluationError: the candidate's program cannot be compiled or run.
    """
    name, algorithm = _named(candidate), load(candidate, store=_store(tracking))
    with _session("train", tracking) as running:
        training = train_in(running, name, algorithm, run=_run(task, steps), seeds=_count("seeds", seeds), seed=seed)
    return dataclasses.replace(training, facts=running.facts)


def train_in(running: Session, name: str, algorithm: Algorithm, *, run: TaskRun, seeds: int, seed: int) -> Training:
    """`train` inside a session, under a name of the candidate."""
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
        candidates: the one in question, then those to compare it with (see `load`); a mapping gives them names of your own.
        tasks: one task's name, several, or a mapping to the env steps of each.
        steps: env steps of each lifetime, where ``tasks`` gives none.
        seeds: of each candidate on each task; the same for all.
        seed: of the stream that all seeds come from.
        tracking: whether, or where, the comparison is tracked.

    Returns:
        The comparison: it prints as a table with a verdict, and `Comparison.plot` draws its learning curves.

    Raises:
        UserError: a candidate or a task is unknown or given twice, or cannot be trained; told before the first lifetime.
    """
    from discover.config.candidates import check_different

    given = dict(candidates) if isinstance(candidates, Mapping) else _by_name(candidates)
    algorithms = {name: load(candidate, store=_store(tracking)) for name, candidate in given.items()}
    check_different(plugins(), algorithms)
    names = [tasks] if isinstance(tasks, str) else tasks
    runs = [_run(task, names[task] if isinstance(names, Mapping) else steps) for task in names]
    with _session("compare", tracking) as running:
        comparison = compare_in(running, algorithms, runs, _count("seeds", seeds), seed=seed)
    return dataclasses.replace(comparison, facts=running.facts)


def compare_in(
    running: Session, algorithms: Mapping[str, Algorithm], runs: Sequence[TaskRun], seeds: int, *, seed: int
) -> Comparison:
    """`compare` inside a session."""
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
    """Search over the candidates that a config or a space leaves open, and compare the champion with its baselines.

    Args:
        config: a YAML or JSON file, the same as a mapping, or a space: an `Algorithm` with open values, for which
            ``settings`` gives the rest of the config (``tasks``, ``population``, ``strategy``, ...).
        directory: where checkpoints and the champion go, empty or not there yet; named after the search and the time unless
            given.
        overrides: values of the config by dotted key, such as ``{"report.seeds": 16}``.
        tracking: whether, or where, the search is tracked.
        settings: keys of the config, in place of those that ``config`` has.

    Returns:
        The result, with the champion: it prints as the report's table.

    Raises:
        UserError: anything wrong with the config or the directory, before the first generation.
    """
    from discover.outer_loop.search import search as searched

    words = _config(config, overrides, settings)
    return _search("search", tracking, lambda s: searched(s.plugins, words, _path(directory), progress=s.progress))


def resume(directory: str | os.PathLike[str], *, anyway: bool = False, tracking: bool | str = False) -> SearchResult:
    """Go on with a search that was stopped or killed, to the same bits as if it had not been.

    Args:
        directory: of the search.
        anyway: go on though versions, plugins or the device have changed.
        tracking: whether, or where, the search is tracked.
    """
    from discover.outer_loop.search import resume as resumed

    work = lambda s: resumed(s.plugins, Path(directory), s.progress, anyway=anyway)  # noqa: E731
    return _search("resume", tracking, work, Path(directory))


# Inside ---------------------------------------------------------------------------------------------------------------


class _State:
    """What `plugins` was told."""

    folder: Path | None = None


@functools.cache
def _loaded() -> Plugins:
    from discover.plugin.session import start_plugins

    return start_plugins(_State.folder)


def _folder(folder: str | os.PathLike[str]) -> Path:
    return Path(folder).absolute()


@contextlib.contextmanager
def _session(name: str, tracking: bool | str, directory: Path | None = None) -> Iterator[Session]:
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


def _store(tracking: bool | str) -> str | None:
    return tracking if isinstance(tracking, str) else None


def _path(path: str | os.PathLike[str] | None) -> Path | None:
    return None if path is None else Path(path)


def _run(task: str, steps: int) -> TaskRun:
    from discover.contract.events import TaskRun

    if not isinstance(task, str):
        raise UserError(f"a task is given by its name, such as 'CartPole-v1'; got {task!r}.")
    return TaskRun(task, _count("steps", steps))


def _count(name: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise UserError(f"{name} must be a whole number of at least 1; got {value!r}.")
    return value


def _named(candidate: Candidate) -> str:
    """What a candidate is called in a table."""
    if isinstance(candidate, str | os.PathLike):
        return os.fspath(candidate)
    return type(candidate.rule).__name__


def _by_name(candidates: Sequence[Candidate]) -> dict[str, Candidate]:
    if isinstance(candidates, str):
        raise UserError(f"candidates must be a list, such as [{candidates!r}, 'ppo']; got the text {candidates!r}.")
    names = [_named(candidate) for candidate in candidates]
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"candidate '{name}' is given twice: leave one out, or give a mapping from names to candidates.")
    return dict(zip(names, candidates, strict=True))


def _config(config: Any, overrides: Mapping[str, Any] | None, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The config as a mapping of plain values."""
    from discover.components.component import Component
    from discover.config.build import words_of
    from discover.config.reading import read_config, with_settings

    if isinstance(config, Component):
        config = {"candidate": words_of(plugins().registry, config)}
    elif isinstance(config, str | os.PathLike):
        config = read_config(Path(config))
    changes = [f"{key}={json.dumps(value)}" for key, value in (overrides or {}).items()]
    return with_settings({**config, **settings} if settings else config, changes)
