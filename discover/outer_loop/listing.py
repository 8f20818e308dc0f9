"""The searches in a folder, read from their directories alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from discover.base.errors import UserError
from discover.contract.run_summary import RunSummary
from discover.outer_loop.directory import CONFIG_FILE, check_search, is_search, plain, read_origin
from discover.outer_loop.result_file import read_result
from discover.storage.yaml_text import values_in_file


def searches_below(folder: Path) -> list[RunSummary]:
    """The searches whose directories lie in a folder, the newest first."""
    directories = [path for path in folder.iterdir() if is_search(path)] if folder.is_dir() else []
    return sorted(map(_summary, directories), key=lambda one: -one.started)


def finished_result(directory: Path) -> Mapping[str, Any] | None:
    """The values of the result file of a search that has finished as its config says; None if any work is left.

    Raises:
        UserError: the directory holds no search, or a damaged one.
    """
    check_search(directory)
    origin, config = read_origin(directory), values_in_file(directory / CONFIG_FILE, "config file")
    return read_result(directory) if plain(config) == origin.config else None


def search_name(directory: Path) -> str:
    """The name of the search in a directory; that of the directory if its origin cannot be read."""
    try:
        return str(read_origin(directory).config.get("name", directory.name))
    except UserError:
        return directory.name


def _summary(directory: Path) -> RunSummary:
    result = read_result(directory)
    return RunSummary(
        kind="search",
        name=search_name(directory),
        started=(directory / CONFIG_FILE).stat().st_mtime,  # written once
        status="unfinished" if result is None else "finished",
        verdict=(result or {}).get("verdict") or "",
        best=(result or {}).get("champion_fitness"),
        directory=directory,
    )
