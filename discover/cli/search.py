"""``discover search``, and the parts that it shares with ``discover resume``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from discover.base.text_table import counted, number
from discover.cli.dry_run import print_estimate
from discover.cli.guard import StoppedError, raise_late
from discover.cli.options import Common, Json, NoTracking, PluginsDir, Promote, Settings, Tracking, common
from discover.cli.output import (
    command_line,
    print_comparison,
    print_json,
    print_text,
    quiet_output,
    terminal_width,
    tracked_lines,
)
from discover.contract.hooks import hookimpl
from discover.plugin.session import Session, session, start_plugins
from discover.process import interruption

if TYPE_CHECKING:
    from discover.contract.events import SearchInfo
    from discover.contract.results import SearchResult
    from discover.plugin.loader import Plugins


_SUBJECT = "search"  # of `interruption.say_when_killed`


class Outcome(NamedTuple):
    """The result of a search, and the session in which it ran."""

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
    promote: Promote = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Run nothing: estimate time, memory and env steps from a short rehearsal.")
    ] = False,
    json: Json = False,
    no_tracking: NoTracking = False,
    tracking: Tracking = None,
    plugins_dir: PluginsDir = None,
) -> None:
    """Search over the candidates that a config leaves open, and compare the champion with its baselines."""
    options = common(json, plugins_dir, tracking, no_tracking, promote=promote)
    if dry_run:
        print_estimate(config, settings or (), options)
        return
    with quiet_output(options.json):
        plugins = start_plugins(options.plugins_dir)
        from discover.config.elsewhere import with_candidates
        from discover.config.reading import read_config
        from discover.outer_loop.search import search

        values = with_candidates(plugins, read_config(config, settings or ()), options.store)

        def work(running: Session) -> SearchResult:
            return search(running.plugins, values, directory, progress=running.progress)

        outcome = run_search("search", options, plugins, work)
    print_outcome(outcome, options)


def run_search(
    name: str,
    options: Common,
    plugins: Plugins,
    work: Callable[[Session], SearchResult],
    *,
    directory: Path | None = None,
) -> Outcome:
    """Run a search in a session.

    Args:
        name: of the command.
        options: of the command.
        plugins: the loaded plugins.
        work: runs the search.
        directory: of the search that is resumed.

    Raises:
        StoppedError: ctrl-C or SIGTERM; the message has the command that resumes the search.
    """
    running: Session | None = None
    try:
        with session(options.command(name, directory), plugins) as running:
            plugins.manager.register(_LastWords(options.plugins_dir))  # until the session ends
            result = work(running)
    except BaseException as error:  # a stop may come at any time, from the first trace to the report
        stop = interruption.behind(error)
        search = running.progress.search if running else None
        begun = search.directory if search else directory
        if stop is None or begun is None:
            raise
        raise StoppedError(how_to_go_on(begun, options.plugins_dir, search and search.name), stop) from None
    finally:
        interruption.say_when_killed(_SUBJECT, "")
    search = running.progress.search
    assert search is not None
    return Outcome(search, result, running)


class _LastWords:
    """Has a second signal, which ends the process at once, say how to go on with the search of the command."""

    def __init__(self, plugins_dir: Path | None):
        self._plugins_dir, self._told = plugins_dir, False

    @hookimpl
    def discover_search_started(self, search: SearchInfo) -> None:
        if not self._told:  # those inside it tune baselines
            interruption.say_when_killed(_SUBJECT, how_to_go_on(search.directory, self._plugins_dir, search.name))
        self._told = True


def how_to_go_on(directory: Path, plugins_dir: Path | None, name: str | None = None) -> str:
    """The sentence about a search that was stopped."""
    subject = "the search" if name is None else f"the search '{name}'"
    return f"{subject} is saved; go on with it: {command_line('resume', directory, plugins_dir=plugins_dir)}"


def print_outcome(outcome: Outcome, options: Common) -> None:
    """Print the result of a search."""
    comparison = outcome.result.comparison
    if options.json:
        print_json(_summary(outcome))
    else:
        if comparison:
            print_comparison(comparison)
        if outcome.result.ablation:
            print_text(outcome.result.ablation.table(terminal_width()))
        if outcome.search.phase == "finished":
            name = outcome.search.name
            print(f"finished:        the search '{name}' was finished before: a new report, nothing trained")
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
        "doubt": result.champion_doubt and result.champion_doubt._asdict(),
        "champion": result.champion_path,
        "env_steps": result.env_steps,
        "seconds": result.seconds,
        "broken": result.broken,
        **({} if result.ablation is None else {"ablation": result.ablation.values()}),
        "table": result.comparison.rows() if result.comparison else [],
        "verdict": result.comparison.verdict if result.comparison else None,
        **outcome.session.facts,
    }


def _lines(outcome: Outcome, options: Common) -> Iterator[str]:
    """The cost of a search, the champion's file, and the commands that train it again and show its run."""
    result, run = outcome.result, outcome.search.tasks[0]
    broken = ", ".join(f"{count} {status}" for status, count in result.broken.items()) or "none"
    spent = f"{counted(result.generations, 'generation')}, {result.env_steps:,} env steps, {result.seconds:,.0f} s"
    yield f"spent:           {spent}; broken candidates: {broken}"
    yield f"champion:        {result.champion_path}, fitness {number(result.champion_fitness)} on seeds of its own"
    if result.champion_doubt is not None:
        yield f"doubt:           {result.champion_doubt}"
    how = ("train", result.champion_path, "--task", run.task, "--steps", run.steps)
    yield f"train it again:  {command_line(*how, plugins_dir=options.plugins_dir)}"
    facts = outcome.session.facts  # with the store as the tracker writes it: the address of the user may hold a password
    store = () if options.store is None else ("--tracking", facts.get("tracking", options.store))
    if "model" in facts:
        address, alias = facts["model"], facts.get("model_alias")
        how = ("train", alias or address, "--task", run.task, "--steps", run.steps, *store)
        yield f"registered:      {address}" + (", the champion of its name" if alias else "")
        yield f"use it:          {command_line(*how, plugins_dir=options.plugins_dir)}"
        finished = outcome.search.phase == "finished"  # then it may have become the champion since
        if not alias and not finished:
            how = ("promote", address, *store)
            yield f"promote it:      {command_line(*how, plugins_dir=options.plugins_dir)}, if it is better than the champion"
    yield from tracked_lines(facts, options.store, "look at it:      ")
