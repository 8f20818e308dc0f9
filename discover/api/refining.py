"""Refinements from Python."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from discover.api.listing import find_search
from discover.api.loaded import plugins
from discover.api.running import store_of
from discover.api.searching import run_search

if TYPE_CHECKING:
    from discover.contract.results import SearchResult
    from discover.plugin.session import Session


def refine(
    directory: str | os.PathLike[str],
    *,
    anyway: bool = False,
    tracking: bool | str = False,
    promote: bool = False,
    **settings: Any,
) -> SearchResult:
    """Refine the numbers of the best structures of a search that is over, and choose its champion anew.

    It ends to the same bits as if its config had asked for this phase from the beginning (``after``). `resume` goes on with one
    that was stopped.

    Args:
        directory: directory of the search, or its name (the newest of that name), or the id of its tracked run.
        anyway: whether to go on even if versions, plugins or the device have changed.
        tracking: whether to track the search, or the address of the store.
        promote: see `search`.
        settings: keys of the phase: ``structures``, ``strategy``, ``population``, ``generations``, ``seeds``.

    Returns:
        The result of the search, with the champion that there is now.

    Raises:
        UserError: there is no such search, it has generations left, a setting is wrong, or there is nothing to refine.
    """
    from discover.outer_loop.search import add_phases

    place = find_search(plugins(), os.fspath(directory), store=store_of(tracking), tracking=bool(tracking))

    def work(running: Session) -> SearchResult:
        return add_phases(running.plugins, place, {"refine": settings}, running.progress, anyway=anyway)

    return run_search("refine", tracking, work, place, promote=promote)
