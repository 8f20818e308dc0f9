"""``discover train``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from discover.base.text_table import counted, interval, number
from discover.cli.completion import candidates, names_of
from discover.cli.guard import raise_late, repeatable_session
from discover.cli.options import STEPS, Changes, Json, NoTracking, PluginsDir, Seed, Seeds, Steps, Tracking, common
from discover.cli.output import plain, print_json, quiet_output, tracked_lines
from discover.config.candidates import HELP, candidate_from, settled
from discover.plugin.session import start_plugins

if TYPE_CHECKING:
    from discover.contract.results import Training


def run(
    candidate: Annotated[str, typer.Argument(metavar="CANDIDATE", help=HELP, autocompletion=candidates)],
    task: Annotated[
        str,
        typer.Option(
            "--task", metavar="ID", help="The task (discover plugins list names them).", autocompletion=names_of("task")
        ),
    ],
    seeds: Seeds = 10,
    steps: Steps = STEPS,
    seed: Seed = 0,
    settings: Changes = None,
    json: Json = False,
    no_tracking: NoTracking = False,
    tracking: Tracking = None,
    plugins_dir: PluginsDir = None,
    agents: Annotated[
        Path | None, typer.Option("--agents", metavar="DIR", help="A new folder that keeps the agents, a file per seed.")
    ] = None,
) -> None:
    """Train a candidate from scratch on one task, with several seeds."""
    options = common(json, plugins_dir, tracking, no_tracking)
    with quiet_output(options.json):
        plugins = start_plugins(options.plugins_dir)
        from discover.api.training import train_in
        from discover.config.overrides import changed, changed_name, changes_in
        from discover.contract.events import TaskRun

        changes, candidate = changes_in(settings or ()), settled(plugins, candidate, options.store)
        algorithm = changed(plugins.registry, candidate_from(plugins, candidate, options.store), changes)
        name = changed_name(candidate, changes)
        with repeatable_session(options.command("train"), plugins, "training") as running:
            training = train_in(running, name, algorithm, run=TaskRun(task, steps), seeds=seeds, seed=seed, agents=agents)
    if options.json:
        print_json(_summary(training, running.facts) | ({} if agents is None else {"agents": agents}))
    else:
        _show(training, running.facts, options.store)
        if agents is not None:
            print(f"agents: {agents}")
    raise_late(running)


def _summary(training: Training, facts: dict[str, Any]) -> dict[str, Any]:
    return {
        "candidate": training.name,
        "task": training.run.task,
        "steps": training.run.steps,
        "seeds": len(training.returns),
        "returns": training.returns,
        "iqm": training.interval.estimate,
        "interval": [training.interval.low, training.interval.high],
        "broken": int((training.status != 0).sum()),
        "env_steps": training.env_steps,
        "seconds": training.seconds,
        "steps_per_second": training.env_steps / training.seconds,
        "run_id": None,
        **facts,
    }


def _show(training: Training, facts: dict[str, Any], store: str | None) -> None:
    estimate, bounds = training.interval.estimate, plain([training.interval.low, training.interval.high])
    broken = int((training.status != 0).sum())
    print(
        f"{training.name} on {training.run.label}: interquartile mean {number(estimate)}, "
        f"95 % interval {interval(bounds)}, of {counted(len(training.returns), 'seed')}"
        + (f", of which {broken} broke" if broken else "")
    )
    print("returns at the end of training: " + ", ".join(map(number, training.returns)))
    print(f"{training.env_steps:,} env steps in {training.seconds:,.1f} s, compilation included")
    for line in tracked_lines(facts, store):
        print(line)
