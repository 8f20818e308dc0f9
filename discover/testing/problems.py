"""The problems that checks find: what is wrong, where, why, and what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from discover.base.errors import UserError, cause_of
from discover.contract.registry import Entry
from discover.testing.causes import words_of
from discover.testing.failures import ConformanceError
from discover.testing.guard import folder_of, place_of


class Problem(NamedTuple):
    """A failure of a check.

    Attributes:
        what: what is wrong, in one sentence.
        where: file and line; empty where they are not known.
        why: the reason for the rule that is broken.
        remedy: what to do.
    """

    what: str
    where: str
    why: str
    remedy: str


def unmade(entry: Entry, error: Exception) -> Problem:
    """The problem of a class of which no component can be made."""
    cls = entry.component
    assert cls is not None
    sentence, why, remedy = words_of(error, cls.__name__, folder_of(cls))
    if "__init__" in vars(cls) and not vars(cls)["__init__"].__code__.co_filename.startswith("<"):
        sentence = f"{cls.__name__} has an `__init__` of its own, which fails ({cause_of(error)})."
        why = "@component writes it from the fields; numbers and parts that are set elsewhere would be lost."
        remedy = "Leave __init__ out, and declare fields: `size: Count = 4`, `rate: Scalar = real(0.1, low=0.0, high=1.0)`."
    elif isinstance(error, UserError):
        sentence, why = f"{cls.__name__} cannot be made with its defaults: {error}", "Its name alone stands for its defaults."
    return Problem(sentence, place_of(cls), why, remedy)


def problem_of(check: Callable[[], None], entry: Entry | None = None) -> Problem | None:
    """The problem that a check finds.

    Args:
        check: raises what is wrong.
        entry: that is checked; its place stands for one that the error does not know.
    """
    place = "" if entry is None else _place(entry)
    try:
        check()
    except ConformanceError as error:
        in_words = entry is not None and entry.component is None and error.__cause__ is None
        return Problem(error.sentence, (place if in_words else "") or error.place or place, error.why, error.remedy)
    except UserError as error:
        why = "Recipes and tasks are written in the words of a config, and built from them."
        return Problem(str(error), place, why, "Correct what the sentence names.")
    return None


def _place(entry: Entry) -> str:
    """The file of a recipe, the class of a component, or the line of a one-file plugin that names the entry; else empty."""
    if entry.component is not None:
        return place_of(entry.component)
    if isinstance(entry.source, Path):
        return str(entry.source)
    file = Path(entry.provenance.distribution)
    if file.suffix != ".py" or not file.is_file():
        return ""
    lines = file.read_text(encoding="utf-8").splitlines()
    return next((f"{file}:{index}" for index, line in enumerate(lines, 1) if f'"{entry.name}"' in line), str(file))
