"""``discover report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from discover.cli.options import Json, PluginsDir, Tracking
from discover.cli.output import print_json, print_text, quiet_output
from discover.plugin.session import start_plugins

PAGE = "report.html"
"""The file of the page, unless the user names another."""

_SOURCES = "Directories or names of searches, ids of tracked runs, files of comparisons; several are compared together."


def run(
    sources: Annotated[list[str], typer.Argument(metavar="RUN|DIR...", help=_SOURCES)],
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help=f"Where the page goes; {PAGE} in this folder by default.")
    ] = None,
    json: Json = False,
    tracking: Tracking = None,
    plugins_dir: PluginsDir = None,
) -> None:
    """Report on searches, comparisons and trainings: one HTML file with plots and tables.

    With --json, all numbers are printed, and the page is written only if --html names it.
    """
    place = html or (None if json else Path(PAGE))
    with quiet_output(json):
        from discover.reports.plotly_script import packed_script
        from discover.reports.report import check_place, report_on

        if place is not None:
            check_place(place)
            packed_script()
        plugins = start_plugins(plugins_dir)
        from discover.api.reporting import source_at

        report = report_on([source_at(plugins, source, tracking) for source in sources])
        if place is not None:
            report.save(place)
    if json:
        print_json({**report.facts(), "html": None if place is None else str(place)})
    else:
        print_text(repr(report))
        print_text(f"\nreport: {place}")
