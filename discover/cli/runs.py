"""``discover runs``."""

from __future__ import annotations

import shutil
import sys
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from discover.base.text_table import number
from discover.cli.options import Json, NoTracking, PluginsDir, Tracking, common
from discover.cli.output import print_json, print_table, quiet_output
from discover.plugin.session import start_plugins

if TYPE_CHECKING:
    from discover.contract.run_summary import RunSummary

_SCREEN = 20  # runs where no terminal gives its height
_AROUND = 4  # lines of a screen for the heading, the note below, and the prompt
_LONGEST, _LONGEST_NAME = 60, 18  # characters of a verdict and of a name in the table
_WIDE = 140  # columns of a terminal that has room for all
_PLACE = "run or directory"
_COLUMNS = ("name", "kind", "when", "status", "best", "verdict", _PLACE)


def run(
    kind: Annotated[
        str | None,
        typer.Option("--kind", metavar="KIND", help="Only: search, comparison, training, adaptation or ablation."),
    ] = None,
    search: Annotated[str, typer.Option("--search", metavar="WORD", help="Only those whose name holds this.")] = "",
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, metavar="N", help="How many at most; by default a screen of them.")
    ] = None,
    json: Json = False,
    no_tracking: NoTracking = False,
    tracking: Tracking = None,
    plugins_dir: PluginsDir = None,
) -> None:
    """List the newest searches, comparisons, trainings and adaptations of the tracking store.

    Without a store, the searches whose directories lie in ./discover-runs.
    """
    options = common(json, plugins_dir, tracking, no_tracking)
    most = limit or _screen()
    with quiet_output(options.json):
        plugins = start_plugins(options.plugins_dir)
        from discover.api.listing import runs_of

        found = runs_of(plugins, kind, search, most + 1, store=options.store, tracking=options.tracking)
    if options.json:
        print_json([asdict(one) for one in found[:most]])
    elif not found:
        print("no run there" + (f" whose name holds '{search}'" if search else ""))
    else:
        narrow = sys.stdout.isatty() and shutil.get_terminal_size().columns < _WIDE
        columns = ("name", "when", "status", _PLACE) if narrow else _COLUMNS
        print_table(columns, [[_row(one, narrow)[column] for column in columns] for one in found[:most]])
        if len(found) > most:
            print(f"the newest {most}; more of them: --limit, --kind, --search")


def _row(one: RunSummary, narrow: bool) -> dict[str, str]:
    """The cells of a run, by column; on a narrow terminal the date lacks its year, and the name may be cut."""
    return {
        "name": _cut(one.name, _LONGEST_NAME if narrow else _LONGEST),
        "kind": one.kind,
        "when": time.strftime("%m-%d %H:%M" if narrow else "%Y-%m-%d %H:%M", time.localtime(one.started)),
        "status": one.status,
        "best": " ".join(filter(None, (_cut(one.best_name, _LONGEST_NAME), "" if one.best is None else number(one.best)))),
        "verdict": _cut(one.verdict, _LONGEST),
        _PLACE: one.run_id or str(one.directory or ""),
    }


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 3]}..."


def _screen() -> int:
    return max(shutil.get_terminal_size().lines - _AROUND, 1) if sys.stdout.isatty() else _SCREEN
