"""``discover refine``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from discover.cli.options import Json, NoTracking, PluginsDir, Promote, Tracking, common
from discover.cli.output import quiet_output
from discover.cli.resume import SEARCH_HELP
from discover.cli.search import print_outcome, run_search
from discover.plugin.session import Session, start_plugins

if TYPE_CHECKING:
    from discover.contract.results import SearchResult

_SETTINGS = "A key of the phase: structures, strategy, population, generations or seeds; repeatable."


def run(
    search: Annotated[str, typer.Argument(metavar="NAME|RUN|DIR", help=SEARCH_HELP)],
    settings: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help=_SETTINGS)] = None,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Go on though versions, plugins or the device have changed.")
    ] = False,
    promote: Promote = False,
    json: Json = False,
    no_tracking: NoTracking = False,
    tracking: Tracking = None,
    plugins_dir: PluginsDir = None,
) -> None:
    """Search the numbers of a search's best structures further, and choose its champion anew.

    The search must be over. If this is stopped, 'discover resume' goes on with it.
    """
    options = common(json, plugins_dir, tracking, no_tracking, promote=promote)
    with quiet_output(options.json):
        plugins = start_plugins(options.plugins_dir)
        from discover.api.listing import find_search
        from discover.config.reading import put, setting_of
        from discover.outer_loop.search import add_phases

        values: dict[str, Any] = {}
        for setting in settings or ():
            path, value = setting_of(setting, example="structures=3")
            put(values, path, value, f"--set '{setting}'")
        directory = find_search(plugins, search, store=options.store, tracking=options.tracking)

        def work(running: Session) -> SearchResult:
            return add_phases(running.plugins, directory, {"refine": values}, running.progress, anyway=anyway)

        outcome = run_search("refine", options, plugins, work, directory=directory)
    print_outcome(outcome, options)
