"""Splits of tasks: those that a search may see, and those that are kept for its report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from discover.base.errors import UserError, nearest
from discover.contract.events import TaskRun
from discover.storage.yaml_text import values_in_file

SPLIT, TRAIN, TEST = "split", "meta_train", "meta_test"
"""The key of a config, and the two lists of a split."""


class Split(NamedTuple):
    """A split of tasks.

    Attributes:
        name: that of its file, without the ending; ``of the config`` where it was written there.
        meta_train: runs that a search may see.
        meta_test: runs of tasks that it may not see, on which it is reported.
    """

    name: str
    meta_train: Sequence[TaskRun]
    meta_test: Sequence[TaskRun]


def with_split(words: Mapping[str, Any]) -> dict[str, Any]:
    """A config with the content of its split in the place of a file's name, and with the tasks of meta-training unless it has
    tasks of its own. So it does not depend on the file from then on.

    Raises:
        UserError: there is no such file, or a list is missing in the split.

    >>> lists = {"meta_train": [{"task": "catch", "steps": 100}], "meta_test": [{"task": "cliff", "steps": 100}]}
    >>> with_split({"split": lists})["tasks"]
    [{'task': 'catch', 'steps': 100}]
    """
    split = words.get(SPLIT)
    if isinstance(split, str):
        split = _read(Path(split))
    if not isinstance(split, Mapping):
        return dict(words)
    for key in (TRAIN, TEST):
        if key not in split:
            wrong = next((name for name in split if name not in (TRAIN, TEST, "file")), None)
            hint = f"; '{wrong}' is no key of a split" if wrong is not None else ""
            raise UserError(f"{SPLIT}: '{key}' is missing{hint}: give a list of {{task: ID, steps: N}}.")
    return {"tasks": split[TRAIN], **words, SPLIT: split}


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        near = nearest(path.name, [file.name for file in path.parent.glob("*.y*ml")]) if path.parent.is_dir() else "check it"
        raise UserError(f"{SPLIT}: there is no file '{path}': {near}.")
    values = values_in_file(path, "split")
    if not isinstance(values, dict):
        raise UserError(f"{SPLIT}: '{path}' must hold a mapping with {TRAIN} and {TEST}.")
    return {"file": path.as_posix(), **values}


def name_of_split(words: Mapping[str, Any]) -> str:
    """The name of a split, as a config holds it."""
    return Path(str(words.get("file") or "of the config")).stem


def check_apart(split: Split) -> None:
    """Check that no task is in both lists.

    Raises:
        UserError: one is.
    """
    both = [run.task for run in split.meta_test if run.task in {other.task for other in split.meta_train}]
    if both:
        raise UserError(
            f"{SPLIT}: '{both[0]}' is in {TRAIN} and in {TEST}: a task that searches see can test none, whatever its steps; "
            "leave it out of one."
        )


def check_unseen(split: Split, task: str, where: str) -> None:
    """Check that a search may see a task.

    Raises:
        UserError: it is a meta-test task of the split.
    """
    if any(run.task == task for run in split.meta_test):
        may = ", ".join(dict.fromkeys(run.task for run in split.meta_train))
        raise UserError(
            f"{where}: '{task}' is a meta-test task of the split '{split.name}', which no search may see: choose among {may}, "
            f"or leave out '{SPLIT}'."
        )


def standing(run: TaskRun, seen: Sequence[TaskRun], note: str = "") -> str:
    """The note of a run in a report: whether the search has seen its task, and what else is said of it.

    >>> standing(TaskRun("catch", 200), [TaskRun("catch", 100)], "longer")
    'searched with other steps, longer'
    >>> standing(TaskRun("cliff", 100), [TaskRun("catch", 100)])
    'unseen'
    """
    told = "searched" if run in seen else "searched with other steps" if run.task in {s.task for s in seen} else "unseen"
    return f"{told}, {note}" if note else told
