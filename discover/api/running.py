"""The session of a command of the front door, and checks of its arguments."""

from __future__ import annotations

import contextlib
import numbers
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from discover.api.loaded import plugins
from discover.base.errors import DiscoverWarning, UserError

if TYPE_CHECKING:
    from discover.contract.events import TaskRun
    from discover.plugin.session import Session


@contextlib.contextmanager
def command_session(
    name: str, tracking: bool | str, directory: Path | None = None, *, promote: bool = False
) -> Iterator[Session]:
    """Run a command; errors of its watchers become warnings at its end."""
    from discover.contract.events import Command
    from discover.plugin.session import session

    command = Command(name, directory, bool(tracking), store_of(tracking), promote=promote)
    with session(command, plugins()) as running:
        yield running
    for error in running.late:
        if isinstance(error, KeyboardInterrupt):
            raise error
        warnings.warn(str(error), DiscoverWarning, stacklevel=4)


def store_of(tracking: bool | str) -> str | None:
    return tracking if isinstance(tracking, str) else None


def task_run(task: str, steps: int) -> TaskRun:
    from discover.contract.events import TaskRun

    if not isinstance(task, str):
        raise UserError(f"a task is given by its name, such as 'CartPole-v1'; got {task!r}.")
    return TaskRun(task, count("steps", steps))


def task_runs(tasks: Sequence[str] | Mapping[str, int] | str, steps: int) -> list[TaskRun]:
    names = [tasks] if isinstance(tasks, str) else tasks
    if not isinstance(names, Sequence | Mapping) or not names:
        raise UserError(f"tasks must be a task's name, a list of names, or a mapping from names to env steps; got {tasks!r}.")
    return [task_run(task, names[task] if isinstance(names, Mapping) else steps) for task in names]


def count(name: str, value: Any, least: int = 1) -> int:
    if not isinstance(value, numbers.Integral) or isinstance(value, bool) or int(value) < least:
        raise UserError(f"{name} must be a whole number of at least {least}; got {value!r}.")
    return int(value)
