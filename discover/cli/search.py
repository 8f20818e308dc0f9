"""``discover search``; what it shares with ``discover resume``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from discover.base.text_table import number
from discover.cli.guard import StoppedError, raise_late
from discover.cli.options import Common, Json, NoTracking, PluginsDir, Settings, Tracking, common
from discover.cli.output import command_line, print_json, print_text, quiet_output, tracked_lines
from discover.plugin.session import Session, session, start_plugins
from discover.process import interruption

if TYPE_CHECKING:
    from discover.contract.events import SearchInfo
    from discover.contract.results import SearchResult
    from discover.plugin.loader import Plugins


class Outcome(NamedTuple):
    """What a search has come to, and the session that it ran in."""

    search: SearchInfo
    result: SearchResult
    session: Session


def run(
    config: Annotated[
        Path,
        typer.Argument(metavar="CONFIG", help="A YAML or JSON file that says what to search, and how; - for standard input."),
    ],
    settings: Settings = None,
    directory: Annotated[
        Path | None, typer.Option("--directory", metavar="DIR", help="Where checkpoints and the champion go.")
    ] = None,
    json: Json = False,
    no_tracking: NoTracking = False,
    tracking: Tracking = None,
    plugins_dir: PluginsDir = None,
) -> None:
    """Search over the candidates that a config leaves open, and compare the champion with its baselines."""
    options = common(json, plugins_dir, tracking, no_tracking)
    with quiet_output(options.json):
        plugins = start_plugins(options.plugins_dir)
        from discover.config.reading import read_config
        from discover.outer_loop.search import search

        words = read_config(config, settings or ())
        outcome = searched("search", options, plugins, None, lambda s: search(s.plugins, words, directory, progress=s.progress))
    present(outcome, options)


def searched(
    name: str, options: Common, plugins: Plugins, directory: Path | None, work: Callable[[Session], SearchResult]
) -> Outcome:
    """Run a search under watch; ctrl-C ends it with a word on how to go on."""
    running: Session | None = None
    try:
        with session(options.command(name, directory), plugins) as running:
            result = work(running)
    except BaseException as error:  # at any time, from the first trace to the report
        stop = interruption.behind(error)
        search = running.progress.search if running else None
        found = search.directory if search else directory
        if stop is None or found is None:
            raise
        raise StoppedError(how_to_go_on(found, options.plugins_dir, search and search.name), stop) from None
    search = running.progress.search
    assert search is not None
    return Outcome(search, result, running)


def how_to_go_on(directory: Path, plugins_dir: Path | None, name: str | None = None) -> str:
    """What to say of a search that was stopped."""
    called = "the search" if name is None else f"the search '{name}'"
    return f"{called} is saved; go on with it: {command_line('resume', directory, plugins_dir=plugins_dir)}"


def present(outcome: Outcome, options: Common) -> None:
    """Print what a search has found."""
    comparison = outcome.result.comparison
    if options.json:
        print_json(_summary(outcome))
    else:
        if comparison:
            print_text(str(comparison))
        if outcome.search.phase == "finished":
            print(f"finished:        the search '{outcome.search.name}' was finished before; nothing has been run")
        for line in _lines(outcome, options):
            print(line)
    raise_late(outcome.session)


def _summary(outcome: Outcome) -> dict[str, Any]:
    result = outcome.result
    return {
        "run_id": None,
        "directory": outcome.search.directory,
        "finished_before": outcome.search.phase == "finished",
        "generations": result.generations,
        "best_fitness": result.champion_fitness,
        "champion": result.champion_path,
        "env_steps": result.env_steps,
        "seconds": result.seconds,
        "broken": result.broken,
        "table": result.comparison.rows() if result.comparison else [],
        "verdict": result.comparison.verdict if result.comparison else None,
        **outcome.session.facts,
    }


def _lines(outcome: Outcome, options: Common) -> Iterator[str]:
    """What was spent, where the champion lies, how to train it again, and where to look."""
    result, run = outcome.result, outcome.search.tasks[0]
    broken = ", ".join(f"{count} {status}" for status, count in result.broken.items()) or "none"
    spent = f"{result.generations} generations, {result.env_steps:,} env steps, {result.seconds:,.0f} s"
    yield f"spent:           {spent}; broken candidates: {broken}"
    yield f"champion:        {result.champion_path}, fitness {number(result.champion_fitness)} on seeds of its own"
    how = ("train", result.champion_path, "--task", run.task, "--steps", run.steps)
    yield f"train it again:  {command_line(*how, plugins_dir=options.plugins_dir)}"
    facts = outcome.session.facts
    if "run_id" in facts:  # the tracker's own words for the store: the user's may hold a password
        store = () if options.store is None else ("--tracking", facts.get("tracking", options.store))
        yield f"look at it:      {command_line('ui', *store)}, run {facts['run_id']}"
    else:
        yield from tracked_lines(facts)
