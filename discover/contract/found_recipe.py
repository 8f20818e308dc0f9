"""Recipes that searches found, one JSON file each: the candidate, and the record of where it comes from. Data only."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from discover.base.errors import UserError
from discover.storage.json_text import values_in_json

PREFIX = "discovered/"
"""Begins the name of each recipe that a search found."""

RECORD = "record"
"""The fact of a registered recipe that holds its record."""

FORMAT = 1
_NOT_SEARCHED = ("executor", "after", "report")
"""Keys of a config in which two searches that find the same candidates may differ."""
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_SUFFIX = ".json"


class FoundRecipe(NamedTuple):
    """A recipe that a search found.

    Attributes:
        name: with the prefix ``discovered/``.
        summary: one line.
        candidate: as in a config; weights are lists of numbers.
        record: the search with its config and seed, what it has seen and spent, versions and commit, the table and the verdict
            of its report, the ablation, and where the candidate fails.
    """

    name: str
    summary: str
    candidate: Mapping[str, Any]
    record: Mapping[str, Any]


def checked_name(name: str) -> str:
    """The name of a recipe to be, without the prefix.

    Raises:
        UserError: it cannot be the name of a file.

    >>> checked_name("levers-0")
    'levers-0'
    """
    if not _NAME.fullmatch(name):
        raise UserError(f"'{name[:80]}' cannot name a recipe: take small letters, digits, '-' and '_', such as 'levers-0'.")
    return name


def found_recipe_file(folder: Path, recipe: FoundRecipe) -> tuple[Path, bytes]:
    """The file of a recipe in a folder, and its bytes, which `found_recipes_in` reads."""
    text = {"format": FORMAT, "summary": recipe.summary, "candidate": recipe.candidate, RECORD: recipe.record}
    data = json.dumps(text, indent=1, ensure_ascii=False, allow_nan=False).encode() + b"\n"
    return folder / f"{checked_name(recipe.name.removeprefix(PREFIX))}{_SUFFIX}", data


def check_not_of_another(path: Path, recipe: FoundRecipe) -> None:
    """Check that a file holds no recipe of another search, which would be lost. One that is damaged may be written again.

    Raises:
        UserError: it does.
    """
    try:
        before = values_in_json(path.read_text(encoding="utf-8"))[RECORD]["search"]
        name, seed, searched = before["name"], before["seed"], _searched(before["config"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return
    if searched != _searched(recipe.record["search"]["config"]):
        raise UserError(
            f"'{path}' holds the recipe of another search, '{name}' with seed {seed}: take another name for this one, or "
            "remove the file."
        )


def _searched(config: Mapping[str, Any]) -> dict[str, Any]:
    """A config without the keys that do not tell one search from another."""
    return {key: value for key, value in config.items() if key not in _NOT_SEARCHED}


def found_recipes_in(folder: Path) -> Iterator[FoundRecipe]:
    """The recipes in a folder, in the order of their names.

    Raises:
        UserError: a file is damaged, or of a newer format.
    """
    for path in sorted(folder.glob(f"*{_SUFFIX}")):
        try:
            stored = values_in_json(path.read_text(encoding="utf-8"))
            version, candidate, record = stored["format"], stored["candidate"], stored[RECORD]
            summary = str(stored.get("summary", ""))
            whole = isinstance(candidate, Mapping) and isinstance(record, Mapping)
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            version, candidate, record, summary, whole = FORMAT, {}, {}, "", False
        if version != FORMAT:
            raise UserError(f"recipe file '{path}' has format {version!r}; this version reads {FORMAT}: update discover-rl.")
        if not whole:
            raise UserError(f"recipe file '{path}' is damaged: write it again by 'discover promote SEARCH --recipe NAME'.")
        yield FoundRecipe(PREFIX + checked_name(path.stem), summary, candidate, record)
