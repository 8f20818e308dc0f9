"""Phases that are asked for when the generations of a search are over, as though its config had asked for them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from discover.base.errors import UserError
from discover.config.search_config import SearchConfig
from discover.outer_loop.directory import CONFIG_FILE, Origin, is_search, plain, read_origin, write_origin
from discover.storage.array_file import write_atomically
from discover.storage.yaml_text import text_of

_SIZES = ("strategy", "population", "generations", "seeds")
"""Keys of a refinement that cannot change once it has begun."""


def with_phases_of(origin: Origin, config: Mapping[str, Any]) -> Origin:
    """The origin of a search whose config has asked for the phases of this config."""
    return replace(origin, config={**origin.config, "after": plain(config).get("after")})


def check_phases(
    directory: Path, config: SearchConfig, generations: int, refinements: Iterable[tuple[str, SearchConfig]]
) -> None:
    """Check that a search can have phases now.

    Args:
        directory: of the search.
        config: that asks for them.
        generations: that have been run.
        refinements: the folder and the config of each.

    Raises:
        UserError: generations are left, or what is to be refined cannot be.
    """
    if generations < config.generations:
        raise UserError(
            f"the search in '{directory}' has run {generations} of its {config.generations} generations, and phases come after "
            f"the last one: go on with it first (discover resume {directory})."
        )
    if config.after.refine is not None:
        _check_refinements(directory, list(refinements), config.after.refine.structures)


def _check_refinements(directory: Path, refinements: list[tuple[str, SearchConfig]], structures: int) -> None:
    """Check that there are structures to refine, which were not refined with other settings before."""
    if not refinements:
        best = "the best structure" if structures == 1 else f"the best {structures} structures"
        raise UserError(
            f"there is nothing to refine in '{directory}': {best} of the search have no open number; leave numbers open in its "
            "space, or refine more structures (--set structures=N)."
        )
    for folder, config in refinements:
        path = directory / folder
        before = read_origin(path).config if is_search(path) else plain(config.words)
        for key in _SIZES:
            if before[key] != plain(config.words[key]):
                raise UserError(
                    f"'{path}' was refined with {key} {_short(before[key])}, which cannot become "
                    f"{_short(config.words[key])}: give the same, or remove that folder to refine it anew."
                )


def ask_for(directory: Path, origin: Origin, config: Mapping[str, Any]) -> None:
    """Write the config with its new phases to the directory of a search.

    The file says when the search began, and keeps its times.
    """
    path = directory / CONFIG_FILE
    times = path.stat()
    write_atomically(path, text_of(config, "the config").encode())
    with contextlib.suppress(OSError):
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    write_origin(directory, origin)


def _short(value: object) -> str:
    return str(value)[:60]
