"""The file that marks a search as finished, with the figures of its result."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from discover.contract.results import SearchResult
from discover.outer_loop.directory import CHAMPION_FILE, FORMAT, RESULT_FILE, read_json
from discover.storage.array_file import write_atomically

_NUMBERS = ("champion_fitness", "generations", "env_steps", "seconds", "broken")
"""Attributes of a result that are plain JSON."""


def write_result(directory: Path, result: SearchResult) -> None:
    """Write the file that marks a search as finished, with all that `Ending.earlier_result` cannot read elsewhere."""
    values = {name: getattr(result, name) for name in _NUMBERS} | {"finalist_fitness": result.finalist_fitness.tolist()}
    values["champion_doubt"] = result.champion_doubt and result.champion_doubt._asdict()
    if result.comparison is not None:
        values |= {"table": result.comparison.rows(), "verdict": result.comparison.verdict}
        values |= {"suite": [each.row() for each in result.comparison.suite]} if result.comparison.suite else {}
    text = json.dumps({"format": FORMAT, "champion": CHAMPION_FILE, **values}, indent=2)
    write_atomically(directory / RESULT_FILE, text.encode())


def read_result(directory: Path) -> dict[str, Any] | None:
    """The values that `write_result` wrote; None if the search is not finished, or its champion is missing."""
    values = read_json(directory / RESULT_FILE) or {}
    whole = values.get("format") == FORMAT and {*_NUMBERS, "finalist_fitness"} <= set(values)
    return values if whole and (directory / CHAMPION_FILE).is_file() else None
