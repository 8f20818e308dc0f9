"""Searches, comparisons and trainings that have been run, and the search that a name stands for."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from discover.api.loaded import plugins
from discover.api.running import count, store_of
from discover.base.errors import UserError, nearest
from discover.base.secrets import without_secrets

if TYPE_CHECKING:
    from discover.contract.run_summary import RunSummary
    from discover.plugin.loader import Plugins

FOLDER = Path("discover-runs")
"""The folder in which searches begin, unless their config or the command line says otherwise."""

_MOST_OF_A_NAME = 100  # searches among which the newest of a name is sought
_SHOWN = 5  # names in a sentence


def runs(*, kind: str | None = None, search: str = "", limit: int = 100, tracking: bool | str = True) -> Sequence[RunSummary]:
    """The newest searches, comparisons, trainings, adaptations and ablations, the newest first.

    Args:
        kind: ``search``, ``comparison``, ``training``, ``adaptation`` or ``ablation``; by default all of them.
        search: a part of the names, in lower or upper case.
        limit: how many at most.
        tracking: whether to read the tracking store, or the address of one. Otherwise, and where there is no store, the result
            has the searches whose directories lie in ``discover-runs``.
    """
    every = runs_of(plugins(), kind, search, count("limit", limit), store=store_of(tracking), tracking=bool(tracking))
    return list(every)


def runs_of(
    loaded: Plugins, kind: str | None, word: str, limit: int, *, store: str | None, tracking: bool
) -> Sequence[RunSummary]:
    """`runs`, by plugins that are loaded already."""
    from discover.contract.run_summary import KINDS
    from discover.outer_loop.listing import searches_below

    if kind is not None and kind not in KINDS:
        raise UserError(f"there is no kind of runs '{kind}': {nearest(kind, KINDS)}.")
    tracked = loaded.hook.discover_runs(store=store, kind=kind, word=word, limit=limit) if tracking else None
    if tracked is not None:
        return tracked[:limit]
    local = searches_below(FOLDER) if kind in (None, "search") else []
    return [one for one in local if word.lower() in one.name.lower()][:limit]


def find_search(loaded: Plugins, address: str, *, store: str | None, tracking: bool = True) -> Path:
    """The directory of a search, by its path, by the id of its tracked run, or by its name: the newest of that name.

    Raises:
        UserError: there is none, or its directory was moved.
    """
    from discover.storage.files import checked_path

    if checked_path(address, "search").is_dir():
        return Path(address)
    directory = loaded.hook.discover_find_search(address=address, store=store)
    if directory is not None:
        if not directory.is_dir():
            raise _moved(f"the search of run '{address}'", directory)
        return directory
    return _by_name(loaded, address, store, tracking)


def _by_name(loaded: Plugins, name: str, store: str | None, tracking: bool) -> Path:
    from discover.outer_loop.listing import searches_below

    tracked = runs_of(loaded, "search", name, _MOST_OF_A_NAME, store=store, tracking=tracking)
    every = _with_directories([*searches_below(FOLDER), *tracked])
    exact = {place: one for place, one in every.items() if name in (one.name, place.name)}
    close = exact or {place: one for place, one in every.items() if name.lower() in one.name.lower()}
    names = sorted({one.name for one in close.values()})
    if not close:
        known = {one.name for one in every.values()}
        hint = f"{nearest(name, known, command='discover runs')}." if known else "'discover runs' lists what there is."
        raise UserError(f"'{without_secrets(name)}' is neither a directory nor the name or the run of a search: {hint}")
    if names[1:]:
        shown = ", ".join(names[:_SHOWN]) + ("" if len(names) <= _SHOWN else f" and {len(names) - _SHOWN} more")
        raise UserError(f"'{name}' is a part of several names ({shown}): give one of them.")
    there = {place: one for place, one in close.items() if place.is_dir()}
    newest = max(there or close, key=lambda place: close[place].started)
    if not there:
        raise _moved(f"the search '{names[0]}'", newest)
    return newest


def _with_directories(every: Iterable[RunSummary]) -> dict[Path, RunSummary]:
    """Searches by directory, each directory once."""
    distinct = {os.path.realpath(one.directory): one for one in every if one.directory is not None}
    return {one.directory: one for one in distinct.values() if one.directory is not None}


def _moved(subject: str, directory: Path) -> UserError:
    return UserError(f"{subject} was in '{directory}', which is not there any more: if it was moved, give its new place.")
