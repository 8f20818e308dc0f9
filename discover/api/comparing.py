"""Comparisons from Python."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from discover.api.candidates import Candidate, load, name_of, named, settled
from discover.api.loaded import plugins
from discover.api.running import command_session, count, store_of, task_runs
from discover.base.errors import UserError
from discover.base.secrets import without_secrets

if TYPE_CHECKING:
    from discover.config.seen import Seen
    from discover.contract.algorithm import Algorithm
    from discover.contract.events import TaskRun
    from discover.contract.results import Comparison
    from discover.plugin.loader import Plugins
    from discover.plugin.session import Session


def compare(
    candidates: Sequence[Candidate] | Mapping[str, Candidate],
    tasks: Sequence[str] | Mapping[str, int] | str,
    *,
    steps: int = 100_000,
    seeds: int = 16,
    seed: int = 0,
    suite: bool = False,
    overrides: Mapping[str, Any] | None = None,
    tracking: bool | str = False,
) -> Comparison:
    """Train every candidate on every task, and test the first one against each of the others.

    Args:
        candidates: the candidate in question, then those to compare it with (see `load`); a mapping sets their names.
        tasks: the name of a task, several names, or a mapping from names to the env steps on each task.
        steps: env steps of each lifetime, unless ``tasks`` is a mapping.
        seeds: number of lifetimes of each candidate on each task; all candidates have the same seeds.
        seed: seed of the random stream from which all seeds are drawn.
        suite: whether to compare over all tasks in one number too, the mean of normalized areas under the learning curve
            (see `SuiteDifference`); each task needs a random and a reference return.
        overrides: other values of candidates by dotted path, such as ``{"rule.ppo.clip": 0.3}``: of the first one, unless
            the name or the place of another one stands before the path (``"dpo:rule.dpo.epochs"``, ``"2:rule.dpo.epochs"``).
            The names of a list tell its changes.
        tracking: whether to track the comparison, or the address of the store.

    Returns:
        The comparison: it prints as a table with a verdict, and `Comparison.plot` draws its learning curves.

    Raises:
        UserError: a candidate or a task is unknown or there twice, or a candidate cannot be trained; before any lifetime runs.
    """
    from discover.config.candidates import check_different

    algorithms = algorithms_of(candidates, overrides or {}, store_of(tracking))
    check_different(plugins(), algorithms)
    runs, seeds, seed = task_runs(tasks, steps), count("seeds", seeds), count("seed", seed, 0)
    called = [candidate for _, candidate in named(candidates)]
    seen = seen_of(plugins(), dict(zip(algorithms, called, strict=True)), store_of(tracking))
    with command_session("compare", tracking) as running:
        comparison = compare_in(running, algorithms, runs, seeds, seed=seed, suite=runs if suite else (), seen=seen)
    return dataclasses.replace(comparison, facts=running.facts)


def load_comparison(path: str | Path) -> Comparison:
    """Read a comparison that `save_comparison` wrote, such as the ``report.comparison`` of a search.

    Args:
        path: of the file.

    Raises:
        UserError: missing, cut short, altered, of a newer format, or of components that no loaded plugin brings.
    """
    from discover.evaluation import comparison_file

    return comparison_file.load_comparison(Path(path), plugins().registry)


def algorithms_of(
    candidates: Sequence[Candidate] | Mapping[str, Candidate], overrides: Mapping[str, Any], store: str | None
) -> dict[str, Algorithm]:
    """Candidates by name, changed; the names of a list tell versions in the place of aliases, and changes."""
    from discover.config.candidates import place_and_path
    from discover.config.overrides import changed_name, changes_of

    called, algorithms = named(candidates), {}
    changes: list[dict[str, Any]] = [{} for _ in called]
    for key, value in overrides.items():
        place, path = place_and_path([name for name, _ in called], key, f"overrides '{key}'")
        changes[place][path] = value
    for (name, candidate), own in zip(called, changes, strict=True):
        found = settled(candidate, store)
        name = name if isinstance(candidates, Mapping) else changed_name(name_of(found), changes_of(own))
        if name in algorithms:
            twice = f"candidate '{without_secrets(name)}' is given twice"
            raise UserError(f"{twice}: leave one out, or give a mapping from names to candidates.")
        algorithms[name] = load(found, overrides=own, store=store)
    return algorithms


def seen_of(loaded: Plugins, called: Mapping[str, Candidate], store: str | None = None) -> dict[str, Seen]:
    """The tasks that the searches of candidates have seen, by name; without candidates that do not say from which they come.

    Args:
        loaded: the loaded plugins.
        called: what the user calls each candidate, by its name in tables.
        store: address of the tracking store.
    """
    from discover.config.candidates import notes_of_candidate, settled
    from discover.config.seen import seen_in_notes

    texts = {name: settled(loaded, os.fspath(one), store) for name, one in called.items() if isinstance(one, str | os.PathLike)}
    found = {name: seen_in_notes(notes_of_candidate(loaded, text, store)) for name, text in texts.items()}
    return {name: seen for name, seen in found.items() if seen is not None}


def compare_in(
    running: Session,
    algorithms: Mapping[str, Algorithm],
    runs: Sequence[TaskRun],
    seeds: int,
    *,
    seed: int,
    suite: Sequence[TaskRun] = (),
    seen: Mapping[str, Seen] | None = None,
    purpose: str = "report",
) -> Comparison:
    """Compare candidates in a session that is open already, see `compare`.

    Args:
        running: the session.
        algorithms: by name; the first one is compared with each of the others.
        runs: tasks and steps.
        seeds, seed: see `compare`.
        suite: the runs over which candidates are compared in one number too.
        seen: what the searches of candidates have seen, by name (`seen_of`).
        purpose: names the stream of seeds.
    """
    from discover.config.search_config import default_executor
    from discover.config.seen import notes_of, sentences_of
    from discover.evaluation.compare import Watched
    from discover.evaluation.compare import compare as compared

    registry = running.plugins.registry
    return compared(
        registry,
        default_executor(registry),
        algorithms,
        runs,
        seeds=seeds,
        seed=seed,
        notes=notes_of(runs, seen or {}),
        seen=sentences_of(runs, seen or {}),
        suite=suite,
        purpose=purpose,
        progress=running.progress,
        watched=Watched(running.plugins.tell),
    )
