"""``discover resume``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from discover.base.errors import UserError
from discover.base.secrets import without_secrets
from discover.cli.options import Json, NoTracking, PluginsDir, Promote, Tracking, common
from discover.cli.output import quiet_output
from discover.cli.search import how_to_go_on, print_outcome, run_search
from discover.plugin.session import Session, start_plugins
from discover.process.interruption import say_when_stopped

if TYPE_CHECKING:
    from discover.contract.results import SearchResult
    from discover.plugin.loader import Plugins


def run(
    search: Annotated[str, typer.Argument(metavar="RUN|DIR", help="The directory of a search, or the id of its tracked run.")],
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Go on though versions, plugins, the device or the report have changed.")
    ] = False,
    promote: Promote = False,
    json: Json = False,
    no_tracking: NoTracking = False,
    tracking: Tracking = None,
    plugins_dir: PluginsDir = None,
) -> None:
    """Go on with a search that was stopped or killed, to the same bits as if it had not been.

    Of a finished one the result is shown again; nothing is run.
    """
    options = common(json, plugins_dir, tracking, no_tracking, promote=promote)
    if os.path.isdir(search):
        say_when_stopped(how_to_go_on(Path(search), plugins_dir))
    with quiet_output(options.json):
        plugins = start_plugins(options.plugins_dir)
        from discover.outer_loop.search import resume

        directory = _directory(plugins, search, options.store)

        def work(running: Session) -> SearchResult:
            return resume(running.plugins, directory, running.progress, anyway=anyway)

        outcome = run_search("resume", options, plugins, work, directory=directory)
    print_outcome(outcome, options)


def _directory(plugins: Plugins, address: str, store: str | None) -> Path:
    """The directory of a search, by its path or by the id of its tracked run."""
    from discover.storage.files import checked_path

    if checked_path(address, "search").is_dir():
        return Path(address)
    directory = plugins.hook.discover_find_search(address=address, store=store)
    if directory is None:
        raise UserError(
            f"'{without_secrets(address)}' is neither a directory nor the id of a tracked run: give the directory that the "
            "search printed."
        )
    return directory
