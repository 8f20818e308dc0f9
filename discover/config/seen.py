"""Which tasks the searches of candidates have seen, and which they were kept from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from discover.config.splits import SPLIT, TEST, name_of_split, standing
from discover.contract.events import TaskRun

SEEN = "seen"
"""The note of a candidate's file that says what its search has seen."""


SEEN_BEFORE = "seen_before"
"""The key of a config with the tasks that the searches have seen which found what it begins with."""


class Seen(NamedTuple):
    """The tasks that a search has seen.

    Attributes:
        search: its name.
        runs: tasks and steps that it searched, and those that the searches had seen which found what it began with.
        split: the name of its split; empty without one.
        kept: the tasks of meta-testing, which it could not see.
    """

    search: str
    runs: tuple[TaskRun, ...]
    split: str = ""
    kept: tuple[str, ...] = ()

    def words(self) -> dict[str, Any]:
        """The note that `seen_in_notes` reads."""
        return {**self._asdict(), "runs": [run._asdict() for run in self.runs], "kept": list(self.kept)}

    def sentence(self, runs: Sequence[TaskRun] | None, of: str = "this comparison") -> str:
        """A sentence on what the search has seen, and how many of some runs are on tasks that it has not.

        Args:
            runs: of a comparison; None without one.
            of: whose runs they are.

        >>> seen = Seen("mine", (TaskRun("catch", 100),))
        >>> seen.sentence([TaskRun("cliff", 50), TaskRun("catch", 50)])
        "The search 'mine' saw catch @ 100. Of the 2 runs of this comparison 1 are on unseen tasks."
        """
        told = f"The search '{self.search}' saw {', '.join(run.label for run in self.runs)}"
        told += f"; of the split '{self.split}' it saw no meta-test task." if self.split else "."
        if runs is None:
            return told
        tasks = {run.task for run in self.runs}
        unseen = [run for run in runs if run.task not in tasks]
        tested = f", {sum(run.task in self.kept for run in unseen)} of the split" if self.split else ""
        return f"{told} Of the {len(runs)} runs of {of} {len(unseen)} are on unseen tasks{tested}."


def seen_in_config(config: Mapping[str, Any]) -> Seen:
    """The tasks that a search has seen, from its config as it stands in its directory."""
    runs = tuple(dict.fromkeys((*_runs(config["tasks"]), *_runs(config.get(SEEN_BEFORE) or ()))))
    split = config.get(SPLIT)
    if not isinstance(split, Mapping):
        return Seen(str(config["name"]), runs)
    return Seen(str(config["name"]), runs, name_of_split(split), tuple(each["task"] for each in split[TEST]))


def seen_in_notes(notes: Mapping[str, Any]) -> Seen | None:
    """The tasks that the search of a candidate has seen, from the notes of its file; None where they do not say.

    >>> seen = Seen("mine", (TaskRun("catch", 100),), "two", ("cliff",))
    >>> seen_in_notes({"seen": seen.words()}) == seen, seen_in_notes({"fitness": 0.5})
    (True, None)
    """
    try:
        words = notes[SEEN]
        return Seen(str(words["search"]), tuple(_runs(words["runs"])), str(words["split"]), tuple(map(str, words["kept"])))
    except (KeyError, TypeError, ValueError):  # without the note, or of another version
        return None


def _runs(items: Iterable[Mapping[str, Any]]) -> Iterator[TaskRun]:
    return (TaskRun(str(each["task"]), int(each["steps"])) for each in items)


def notes_of(runs: Sequence[TaskRun], seen: Mapping[str, Seen]) -> tuple[str, ...]:
    """A note for each run of a comparison: whether the searches of its candidates have seen the task.

    Args:
        runs: tasks and steps.
        seen: by the name of the candidate; candidates that no search has found are left out.

    >>> one, two = Seen("a", (TaskRun("catch", 100),)), Seen("b", (TaskRun("cliff", 100),))
    >>> notes_of([TaskRun("catch", 100), TaskRun("maze", 100)], {"mine": one, "yours": two})
    ('searched by mine, unseen by yours', 'unseen')
    >>> notes_of([TaskRun("catch", 100)], {})
    ('',)
    """
    return tuple(_note(run, seen) for run in runs)


def _note(run: TaskRun, seen: Mapping[str, Seen]) -> str:
    standings = {name: standing(run, of_one.runs) for name, of_one in seen.items()}
    if len(set(standings.values())) < 2:
        return next(iter(standings.values()), "")
    return ", ".join(_by(text, name) for name, text in standings.items())


def _by(standing: str, name: str) -> str:
    """A standing by the name of the candidate whose search it is about."""
    first, _, rest = standing.partition(" ")
    return f"{first} by {name} {rest}".rstrip()


def sentences_of(runs: Sequence[TaskRun], seen: Mapping[str, Seen]) -> tuple[str, ...]:
    """A sentence for each search of a candidate of a comparison; see `notes_of`."""
    return tuple(dict.fromkeys(each.sentence(runs) for each in seen.values()))
