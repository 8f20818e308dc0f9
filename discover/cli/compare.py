"""``discover compare``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from discover.base.errors import UserError
from discover.cli.completion import candidates, task_list
from discover.cli.guard import raise_late, repeatable_session
from discover.cli.options import MOST_STEPS, STEPS, Json, NoTracking, PluginsDir, Seed, Seeds, Steps, Tracking, common
from discover.cli.output import print_comparison, print_json, quiet_output, tracked_lines
from discover.config.candidates import HELP, candidates_from
from discover.plugin.session import start_plugins

if TYPE_CHECKING:
    from discover.contract.events import TaskRun

ManyChanges = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="[NAME:]a.b=c", help="Change one value of a candidate, of the first one without NAME; repeatable."
    ),
]

_MOST_DIGITS = 100
_HELP = f"The one in question, then those to compare it with. {HELP}"


def run(
    names: Annotated[list[str], typer.Argument(metavar="CANDIDATE...", help=_HELP, autocompletion=candidates)],
    tasks: Annotated[
        str,
        typer.Option(
            "--tasks",
            metavar="A,B",
            help="Tasks; TASK@STEPS gives one a length of lifetime of its own.",
            autocompletion=task_list,
        ),
    ],
    seeds: Seeds = 16,
    steps: Steps = STEPS,
    seed: Seed = 0,
    suite: Annotated[
        bool,
        typer.Option("--suite", help="Compare over all tasks in one number too: the mean of normalized areas under the curve."),
    ] = False,
    settings: ManyChanges = None,
    json: Json = False,
    no_tracking: NoTracking = False,
    tracking: Tracking = None,
    plugins_dir: PluginsDir = None,
) -> None:
    """Compare a candidate with others over tasks and seeds, with intervals and an honest verdict."""
    options = common(json, plugins_dir, tracking, no_tracking)
    with quiet_output(options.json):
        plugins = start_plugins(options.plugins_dir)
        from discover.api.comparing import compare_in, seen_of

        runs = runs_of(tasks, steps)
        algorithms = candidates_from(plugins, names, options.store, settings=settings or ())
        seen = seen_of(plugins, dict(zip(algorithms, names, strict=True)), options.store)
        with repeatable_session(options.command("compare"), plugins, "comparison") as running:
            comparison = compare_in(running, algorithms, runs, seeds, seed=seed, suite=runs if suite else (), seen=seen)
    if options.json:
        summary = {"candidates": list(algorithms), "seeds": seeds, "table": comparison.rows(), "verdict": comparison.verdict}
        if comparison.seen:
            summary["seen"] = list(comparison.seen)
        if suite:
            summary["suite"] = [each.row() for each in comparison.suite]
        print_json({**summary, "run_id": None, **running.facts})
    else:
        print_comparison(comparison)
        for line in tracked_lines(running.facts, options.store):
            print(line)
    raise_late(running)


def runs_of(tasks: str, steps: int) -> list[TaskRun]:
    """The runs that ``--tasks`` names.

    Raises:
        UserError: a number of steps is wrong, or a run is there twice.
    """
    from discover.config.tasks import check_distinct

    runs = [_task_run(text.strip(), steps) for text in tasks.split(",")]
    check_distinct(runs, "--tasks")
    return runs


def _task_run(text: str, steps: int) -> TaskRun:
    """A task and the length of its lifetimes, from ``TASK`` or ``TASK@STEPS``."""
    from discover.contract.events import TaskRun

    task, mark, own = text.partition("@")
    if not task.strip():
        raise UserError(
            f"--tasks '{text}' names no task: give one, or several with commas between them, such as --tasks "
            "CartPole-v1,Acrobot-v1 (discover plugins list --kind task shows all)."
        )
    if not mark:
        return TaskRun(task, steps)
    if not own.isdecimal() or len(own) > _MOST_DIGITS or not 1 <= int(own) <= MOST_STEPS:
        shown = f"--tasks '{text[:80]}': '{own[:40]}'"
        raise UserError(f"{shown} must be a whole number of env steps, from 1 to {MOST_STEPS}, such as {task}@{STEPS}.")
    return TaskRun(task, int(own))
