"""``discover ablate``."""

from __future__ import annotations

from typing import Annotated

import typer

from discover.base.errors import UserError
from discover.cli.compare import runs_of
from discover.cli.completion import candidates, task_list
from discover.cli.guard import raise_late, repeatable_session
from discover.cli.options import STEPS, Changes, Json, NoTracking, PluginsDir, Seed, Seeds, Steps, Tracking, common
from discover.cli.output import print_json, print_text, quiet_output, terminal_width, tracked_lines
from discover.config.candidates import HELP, candidate_from, settled
from discover.plugin.session import start_plugins

_AGAINST = f"The known algorithm whose values are put back. {HELP}"
_ALONE = "Measure each value in the known algorithm too; doubles the cost."
_TASKS = "Tasks; TASK@STEPS gives one a length of lifetime of its own."
_LEAST_SEEDS = 2


def run(
    candidate: Annotated[str, typer.Argument(metavar="CANDIDATE", help=HELP, autocompletion=candidates)],
    against: Annotated[str, typer.Option("--against", metavar="CANDIDATE", help=_AGAINST, autocompletion=candidates)],
    tasks: Annotated[str, typer.Option("--tasks", metavar="A,B", help=_TASKS, autocompletion=task_list)],
    alone: Annotated[bool, typer.Option("--alone", help=_ALONE)] = False,
    seeds: Seeds = 16,
    steps: Steps = STEPS,
    seed: Seed = 0,
    settings: Changes = None,
    json: Json = False,
    no_tracking: NoTracking = False,
    tracking: Tracking = None,
    plugins_dir: PluginsDir = None,
) -> None:
    """Measure what each choice and number of a candidate pays: each is put back to a known algorithm's value, one at a time."""
    if seeds < _LEAST_SEEDS:
        raise UserError(f"--seeds {seeds} gives no interval: an ablation needs {_LEAST_SEEDS} seeds or more.")
    options = common(json, plugins_dir, tracking, no_tracking)
    with quiet_output(json):
        plugins = start_plugins(plugins_dir)
        from discover.api.ablating import ablate_in
        from discover.config.overrides import changed, changed_name, changes_in

        runs, changes = runs_of(tasks, steps), changes_in(settings or ())
        one, other = settled(plugins, candidate, tracking), settled(plugins, against, tracking)
        algorithm = changed(plugins.registry, candidate_from(plugins, one, tracking), changes)
        pair, names = (algorithm, candidate_from(plugins, other, tracking)), (changed_name(one, changes), other)
        with repeatable_session(options.command("ablate"), plugins, "ablation") as running:
            ablation = ablate_in(running, pair, names, runs, seeds=seeds, seed=seed, alone=alone)
    if json:
        print_json({**ablation.values(), "run_id": None, **running.facts})
    else:
        print_text(ablation.table(terminal_width()))
        for line in tracked_lines(running.facts, options.store):
            print(line)
    raise_late(running)
