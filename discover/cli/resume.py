"""``discover resume``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from discover.base.text_table import number
from discover.cli.guard import raise_late
from discover.cli.options import Common, Json, NoTracking, PluginsDir, Promote, Tracking, common
from discover.cli.output import command_line, print_json, quiet_output
from discover.cli.search import how_to_go_on, print_outcome, run_search
from discover.plugin.session import Session, session, start_plugins
from discover.process.interruption import say_when_stopped

if TYPE_CHECKING:
    from discover.contract.results import SearchResult
    from discover.plugin.loader import Plugins

SEARCH_HELP = "A search: its name (the newest of that name), its tracked run, or its directory."


def run(
    search: Annotated[str, typer.Argument(metavar="NAME|RUN|DIR", help=SEARCH_HELP)],
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Go on though versions, plugins, the device or the report have changed.")
    ] = False,
    promote: Promote = False,
    report: Annotated[
        bool, typer.Option("--report", help="Make the report of a finished search again, from its stored curves.")
    ] = False,
    json: Json = False,
    no_tracking: NoTracking = False,
    tracking: Tracking = None,
    plugins_dir: PluginsDir = None,
) -> None:
    """Go on with a search that was stopped or killed, to the same bits as if it had not been.

    A finished one is left as it is.
    """
    options = common(json, plugins_dir, tracking, no_tracking, promote=promote)
    if os.path.isdir(search):
        say_when_stopped(how_to_go_on(Path(search), plugins_dir))
    with quiet_output(options.json):
        plugins = start_plugins(options.plugins_dir)
        from discover.api.listing import find_search
        from discover.outer_loop.listing import finished_result

        directory = find_search(plugins, search, store=options.store, tracking=options.tracking)
        values = None if report or promote else finished_result(directory)
    if values is None:
        _go_on(plugins, directory, options, anyway)
    else:
        _leave(plugins, directory, options, values)


def _go_on(plugins: Plugins, directory: Path, options: Common, anyway: bool) -> None:
    with quiet_output(options.json):
        from discover.outer_loop.search import resume

        def work(running: Session) -> SearchResult:
            return resume(running.plugins, directory, running.progress, anyway=anyway)

        outcome = run_search("resume", options, plugins, work, directory=directory)
    print_outcome(outcome, options)


def _leave(plugins: Plugins, directory: Path, options: Common, values: Mapping[str, Any]) -> None:
    """Say that a search has finished. Its watchers may finish their work, such as sending what a store lacks."""
    from discover.outer_loop.directory import CHAMPION_FILE
    from discover.outer_loop.listing import search_name

    with quiet_output(options.json), session(options.command("resume", directory), plugins) as running:
        pass
    champion, fitness = directory / CHAMPION_FILE, values["champion_fitness"]
    if options.json:
        keys = ("generations", "env_steps", "seconds", "broken")
        summary = {
            "run_id": None,
            "directory": directory,
            "finished_before": True,
            "best_fitness": fitness,
            "doubt": values.get("champion_doubt"),
            "champion": champion,
        }
        summary |= {key: values[key] for key in keys}
        print_json({**summary, "table": values.get("table", []), "verdict": values.get("verdict"), **running.facts})
    else:
        again = command_line("resume", directory, "--report", plugins_dir=options.plugins_dir)
        verdict = f" ({values['verdict'].rstrip('.')})" if values.get("verdict") else ""
        print(
            f"the search '{search_name(directory)}' has finished{verdict}: nothing is run; its champion, of fitness "
            f"{number(fitness)}, is {champion}; its report again: {again}"
        )
    raise_late(running)
