"""Checks of single values of a search's config."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from discover.base.errors import UserError
from discover.components.component import Component
from discover.components.open_values import Choice
from discover.components.paths import check
from discover.components.space import Space
from discover.config.build import component_from, environment_from, errors_at
from discover.config.models import MOST_LIFETIMES
from discover.contract.events import TaskRun
from discover.contract.registry import Registry
from discover.contract.strategy import Strategy
from discover.storage.files import checked_path


def check_task(registry: Registry, name: Any, where: str) -> None:
    """Check that a task has a name of the registry, and can be made."""
    if not isinstance(name, str):
        raise UserError(f"{where} must be the name of a task; got {name!r}: register it under a name.")
    with errors_at(where):
        registry.get("task", name)
    environment_from(registry, name, where)


def check_population(registry: Registry, strategy: Strategy, space: Space, population: int) -> None:
    """Check that a strategy can have so many members."""
    problem = strategy.check_population(space, population)
    if problem is not None:
        name = registry.name_of(type(strategy))
        raise UserError(f"population {population} does not suit the strategy '{name}': {problem}.")


def check_lifetimes(values: Mapping[str, Any], members: str, seeds: str) -> None:
    """Check that the lifetimes of a generation are not too many to be numbered."""
    count = values[members] * values[seeds]
    if count > MOST_LIFETIMES:
        raise UserError(
            f"{members} {values[members]} x {seeds} {values[seeds]} are {count:,} lifetimes at once, more than "
            f"{MOST_LIFETIMES:,}: take fewer of either."
        )


def one_component(registry: Registry, kind: type[Component], value: Any, where: str) -> Any:
    """A component with every value set."""
    component = component_from(registry, kind, value, where)
    if isinstance(component, Choice):
        raise UserError(f"{where} must be one {kind.kind}; a search chooses between candidates alone: write the one.")
    check_complete(component, where)
    return component


def check_complete(component: Component, where: str) -> None:
    """Check that no value is left open."""
    with errors_at(where):
        check(component)


def checked_directory(text: str) -> Path:
    """The folder of a search, where ``~`` is somebody's home."""
    try:
        return checked_path(Path(text).expanduser(), "directory")
    except RuntimeError:  # ~somebody
        raise UserError(
            f"directory '{text}' begins with the name of a user whom this machine does not know: change it."
        ) from None


def suite_of(which: str, runs: Sequence[TaskRun], searched: Sequence[TaskRun]) -> list[TaskRun]:
    """The runs of a report over which candidates are compared in one number."""
    if which == "none":
        return []
    seen = {run.task for run in searched} if which == "unseen" else set[str]()
    suite = [run for run in runs if run.task not in seen]
    if not suite:
        raise UserError(
            "report.suite: unseen names the tasks of the report that the search does not see, and it sees all of them: add "
            "others to report.tasks, or say 'suite: all'."
        )
    return suite
