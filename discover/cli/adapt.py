"""``discover adapt``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from discover.cli.compare import ManyChanges
from discover.cli.completion import candidates, names_of
from discover.cli.guard import raise_late, repeatable_session
from discover.cli.options import (
    MOST_EPISODES,
    MOST_SEEDS,
    MOST_STEPS,
    STEPS,
    Json,
    NoTracking,
    PluginsDir,
    Seed,
    Tracking,
    common,
)
from discover.cli.output import escaped, print_json, print_text, quiet_output, terminal_width, tracked_lines
from discover.config.candidates import HELP, candidates_from
from discover.plugin.session import start_plugins

if TYPE_CHECKING:
    from discover.contract.adaptation import AdaptationResult


def run(
    names: Annotated[list[str], typer.Argument(metavar="CANDIDATE...", help=HELP, autocompletion=candidates)],
    task: Annotated[str, typer.Option("--task", metavar="FAMILY", help="The task family.", autocompletion=names_of("task"))],
    episodes: Annotated[
        int, typer.Option("--episodes", metavar="N", min=1, max=MOST_EPISODES, help="Episodes of adaptation on each new task.")
    ] = 3,
    batch: Annotated[
        int,
        typer.Option(
            "--batch", metavar="N", min=1, max=MOST_EPISODES, help="Of these, how many before each step of adaptation."
        ),
    ] = 1,
    meta_steps: Annotated[
        int,
        typer.Option(
            "--meta-steps", metavar="N", min=1, max=MOST_STEPS, help="Environment steps of each training on the family."
        ),
    ] = STEPS,
    seeds: Annotated[
        int,
        typer.Option(
            "--seeds", metavar="N", min=1, max=MOST_SEEDS, help="How many agents of each candidate; one has no interval."
        ),
    ] = 3,
    tasks: Annotated[int, typer.Option("--tasks", metavar="N", min=1, max=MOST_SEEDS, help="New tasks of each agent.")] = 40,
    horizon: Annotated[
        int | None,
        typer.Option(
            "--horizon",
            min=1,
            max=MOST_STEPS,
            metavar="N",
            help="The most steps of an episode that count; by default those of the longest episode of an untrained agent.",
        ),
    ] = None,
    greedy: Annotated[
        bool,
        typer.Option(
            "--greedy", help="Act greedily in the episodes that are shown, which are then others than those to adapt from."
        ),
    ] = False,
    seed: Seed = 0,
    settings: ManyChanges = None,
    json: Json = False,
    no_tracking: NoTracking = False,
    tracking: Tracking = None,
    plugins_dir: PluginsDir = None,
) -> None:
    """Train candidates on a task family, and measure how they adapt to new tasks of it."""
    options = common(json, plugins_dir, tracking, no_tracking)
    with quiet_output(options.json):
        plugins = start_plugins(options.plugins_dir)
        from discover.api.adapting import adapt_in
        from discover.contract.adaptation import AdaptationPlan
        from discover.contract.events import TaskRun

        plan = AdaptationPlan(episodes, batch, tasks, horizon=horizon, greedy=greedy)
        plan.check()
        algorithms = candidates_from(plugins, names, options.store, settings=settings or ())
        with repeatable_session(options.command("adapt"), plugins, "adaptation") as running:
            result = adapt_in(running, algorithms, TaskRun(task, meta_steps), plan, seeds=seeds, seed=seed)
    if options.json:
        print_json(_summary(result, running.facts))
    else:
        print_text(result.table(escaped, terminal_width()))
        for line in tracked_lines(running.facts, options.store):
            print(line)
    raise_late(running)


def _summary(result: AdaptationResult, facts: dict[str, Any]) -> dict[str, Any]:
    random, reference = result.references or (None, None)
    return {
        "task": result.run.task,
        "meta_steps": result.run.steps,
        "episodes": result.plan.columns,
        "batch": result.plan.batch,
        "tasks": result.plan.tasks,
        "greedy": result.plan.greedy,
        "table": result.rows(),
        "random": random,
        "reference": reference,
        "run_id": None,
        **facts,
    }
