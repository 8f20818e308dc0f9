"""Reports from Python."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from discover.api.listing import find_search
from discover.api.loaded import plugins
from discover.base.errors import UserError

if TYPE_CHECKING:
    from discover.contract.results import Comparison, SearchResult, Training
    from discover.plugin.loader import Plugins
    from discover.reports.report import Report
    from discover.reports.source import Source

Reportable: TypeAlias = "str | os.PathLike[str] | Comparison | Training | SearchResult"
"""The directory or the name of a search, the id of a tracked run, the file of a comparison, or a result in memory."""


def report(*sources: Reportable, html: str | os.PathLike[str] | None = None, store: str | None = None) -> Report:
    """Report on searches, comparisons and trainings: one of them, or the candidates of several together.

    Args:
        sources: directories of searches, ids of tracked runs, files of comparisons, or results.
        html: the file that the page is written to; none is written without it.
        store: address of the tracking store.

    Returns:
        The report: it prints as its tables; `Report.save` writes the page, `Report.facts` has all numbers.

    Raises:
        UserError: a source does not exist or has nothing to report, the sources have no task in common, the file cannot be
            written, or plotly is not installed.
    """
    from discover.reports.plotly_script import packed_script
    from discover.reports.report import check_place, report_on

    if html is not None:
        check_place(html)
        packed_script()
    made = report_on([_source(source, store) for source in sources])
    if html is not None:
        made.save(html)
    return made


def source_at(loaded: Plugins, address: str, store: str | None = None) -> Source:
    """The source at a path, in a tracking store, or of a name.

    Args:
        loaded: the loaded plugins, one of which fetches tracked runs.
        address: the directory of a search, the file of a comparison, the id of a tracked run, or the name of a search.
        store: address of the tracking store; None for the default one.

    Raises:
        UserError: there is no such directory, file, run or search, or it has nothing to report.
    """
    from discover.reports.reading import source_from_file, source_in
    from discover.storage.files import checked_path

    path = checked_path(address, "source")
    if path.is_file():
        return source_from_file(path, loaded.registry)
    if path.is_dir():
        return source_in(path, loaded.registry)
    with tempfile.TemporaryDirectory(prefix="discover-") as folder:
        fetched = loaded.hook.discover_fetch_run(address=address, store=store, folder=Path(folder))
        if fetched is not None:
            return source_in(fetched, loaded.registry, address)
    return source_in(find_search(loaded, address, store=store), loaded.registry)


def _source(source: Reportable, store: str | None) -> Source:
    from discover.contract.results import Comparison, SearchResult, Training
    from discover.reports.reading import source_of

    if isinstance(source, str | os.PathLike):
        return source_at(plugins(), os.fspath(source), store)
    if isinstance(source, Comparison | Training | SearchResult):
        return source_of(source, plugins().registry)
    raise UserError(f"a report is about a directory, a run's id or a result of discover; got {source!r}.")
