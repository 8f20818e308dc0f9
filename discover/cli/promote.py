"""``discover promote``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from discover.base.errors import UserError
from discover.cli.compare import runs_of
from discover.cli.completion import task_list
from discover.cli.guard import raise_late
from discover.cli.options import STEPS, Common, Json, PluginsDir, Seed, Seeds, Steps, Tracking, common
from discover.cli.output import print_comparison, print_json, print_text, quiet_output, tracked_lines
from discover.contract.found_recipe import PREFIX
from discover.plugin.session import Session, session, start_plugins

if TYPE_CHECKING:
    from discover.contract.promotion import Promotion


_VERSION = (
    "A version of a registered model, such as models:/quickstart/3; with --recipe, a finished search: its name, its run or its "
    "directory."
)
_RECIPE = "Write the champion of a search as the recipe discovered/NAME, with the record of its search, instead."


def run(
    version: Annotated[str, typer.Argument(metavar="VERSION|SEARCH", help=_VERSION)],
    tasks: Annotated[
        str | None,
        typer.Option(
            "--tasks",
            metavar="A,B",
            help="As in compare; by default the tasks of the search's report.",
            autocompletion=task_list,
        ),
    ] = None,
    seeds: Seeds = 16,
    steps: Steps = STEPS,
    seed: Seed = 0,
    force: Annotated[bool, typer.Option("--force", help="Promote it without a comparison.")] = False,
    recipe: Annotated[str | None, typer.Option("--recipe", metavar="NAME", help=_RECIPE)] = None,
    to: Annotated[Path | None, typer.Option("--to", metavar="DIR", help="The folder of the recipe's file.")] = None,
    json: Json = False,
    tracking: Tracking = None,
    plugins_dir: PluginsDir = None,
) -> None:
    """Make a version the champion of its registered model, if a comparison on fresh seeds finds it better.

    With --recipe, write the champion of a finished search as a recipe with its record instead; nothing is compared.
    """
    options = common(json, plugins_dir, tracking, no_tracking=False)
    if recipe is not None or to is not None:
        _write_recipe(version, recipe, to, options)
        return
    running, comparison = None, None
    with quiet_output(options.json):
        plugins = start_plugins(options.plugins_dir)
        from discover.api.comparing import compare_in
        from discover.evaluation.promotion import promotion, promotion_plan

        runs = [] if tasks is None else runs_of(tasks, steps)
        plan = promotion_plan(plugins, version, options.store, runs=runs, seeds=seeds, force=force)
        if plan.candidates:
            with session(options.command("promote"), plugins) as running:
                comparison = compare_in(running, plan.candidates, plan.runs, seeds, seed=seed, purpose=plan.purpose)
    if comparison is not None and not options.json:
        print_comparison(comparison)  # first, since the store may fail to move the alias
    with quiet_output(options.json):
        done = promotion(plugins, plan, comparison, options.store, force=force)
    if options.json:
        print_json(_summary(done, running))
    else:
        print_text(done.outcome)
        for line in tracked_lines(running.facts if running else {}, options.store):
            print(line)
    if running is not None:
        raise_late(running)


def _write_recipe(search: str, name: str | None, folder: Path | None, options: Common) -> None:
    """Write the champion of a search as a recipe.

    Raises:
        UserError: an option is missing, or the search is not finished.
    """
    if name is None or folder is None:
        raise UserError("a recipe needs both --recipe NAME and --to DIR, such as --recipe levers --to discovered.")
    with quiet_output(options.json):
        plugins = start_plugins(options.plugins_dir)
        from discover.api.listing import find_search
        from discover.api.promoting import write_recipe

        path = write_recipe(plugins, find_search(plugins, search, store=options.store), name, folder)
    if options.json:
        print_json({"recipe": f"{PREFIX}{name}", "file": path})
    else:
        print_text(f"{path} holds the recipe {PREFIX}{name}; a plugin registers it by registry.add_discovered(its folder).")


def _summary(done: Promotion, running: Session | None) -> dict[str, Any]:
    return {
        "model": done.version.address,
        "champion_before": done.version.champion,
        "promoted": done.promoted,
        "outcome": done.outcome,
        "table": done.comparison.rows() if done.comparison else [],
        "verdict": done.comparison.verdict if done.comparison else None,
        "run_id": None,
        **(running.facts if running else {}),
    }
