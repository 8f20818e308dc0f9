"""``discover compare``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from discover.base.errors import UserError
from discover.cli import candidates
from discover.cli.options import MOST_STEPS, STEPS, Json, NoTracking, PluginsDir, Seed, Seeds, Steps, Tracking, common
from discover.cli.output import print_comparison, print_json, tracked_lines
from discover.cli.session import loaded_plugins, quiet_output, session

if TYPE_CHECKING:
    from discover.contract.events import TaskRun

_MOST_DIGITS = 100
_HELP = f"The one in question, then those to compare it with. {candidates.HELP}"


def run(
    names: Annotated[list[str], typer.Argument(metavar="CANDIDATE...", help=_HELP)],
    tasks: Annotated[
        str, typer.Option("--tasks", metavar="A,B", help="Tasks; TASK@STEPS gives one a length of lifetime of its own.")
    ],
    seeds: Seeds = 16,
    steps: Steps = STEPS,
    seed: Seed = 0,
    json: Json = False,
    no_tracking: NoTracking = False,
    tracking: Tracking = None,
    plugins_dir: PluginsDir = None,
) -> None:
    """Compare a candidate with others over tasks and seeds, with intervals and an honest verdict."""
    options = common(json, plugins_dir, tracking, no_tracking)
    with quiet_output(options.json):
        plugins = loaded_plugins(options.plugins_dir)
        from discover.config.search_config import default_executor
        from discover.config.tasks import check_distinct
        from discover.evaluation.compare import compare, table

        runs = [_task_run(text.strip(), steps) for text in tasks.split(",")]
        check_distinct(runs, "--tasks")
        compared = candidates.candidates_from(plugins, names, options.store)
        with session("compare", options, plugins) as running:
            executor = default_executor(plugins.registry)
            comparison = compare(plugins.registry, executor, compared, runs, seeds, seed, progress=running.progress)
            plugins.tell("discover_comparison_finished", comparison=comparison)
    rows = table(comparison)
    if options.json:
        summary = {"candidates": names, "seeds": seeds, "table": rows, "verdict": comparison.verdict, "run_id": None}
        print_json({**summary, **running.facts})
    else:
        print_comparison(rows, comparison.verdict)
        for line in tracked_lines(running.facts):
            print(line)
    running.raise_late()


def _task_run(text: str, steps: int) -> TaskRun:
    """A task with the length of its lifetimes, which may stand behind an ``@``."""
    from discover.contract.events import TaskRun

    task, mark, own = text.partition("@")
    if not mark:
        return TaskRun(task, steps)
    if not own.isdecimal() or len(own) > _MOST_DIGITS or not 1 <= int(own) <= MOST_STEPS:
        shown = f"--tasks '{text[:80]}': '{own[:40]}'"
        raise UserError(f"{shown} must be a whole number of env steps, from 1 to {MOST_STEPS}, such as {task}@{STEPS}.")
    return TaskRun(task, int(own))
