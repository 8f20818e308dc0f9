"""The command line. JAX and MLflow are imported only when a command needs them, so that ``--help`` is instant."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version as installed_version
from typing import Annotated

import typer

from discover.cli import (
    ablate,
    adapt,
    compare,
    config,
    evaluate,
    export,
    plugins_check,
    plugins_list,
    plugins_new,
    plugins_show,
    promote,
    refine,
    report,
    resume,
    runs,
    search,
    show,
    train,
    ui,
)
from discover.cli.guard import guard_command, set_debug
from discover.cli.options import examples
from discover.cli.usage import Commands

app = typer.Typer(name="discover", cls=Commands, no_args_is_help=True, pretty_exceptions_enable=False)
plugins_app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    help="What the loaded plugins bring: components, recipes and tasks; new plugins, and checks of them.",
    epilog=examples("discover plugins list"),
)
config_app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    help="Configs of searches: an example, checks, and a schema for editors.",
    epilog=examples("discover config new > search.yaml", "discover config check search.yaml"),
)


def main() -> None:
    """Parse the command line and run it."""
    app(prog_name="discover")


@app.callback(epilog=examples("discover search experiments/quickstart.yaml"))
def discover(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=lambda v: _version(v), help="Show the version and exit.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", envvar="DISCOVER_DEBUG", help="Show tracebacks; stands before the command.")
    ] = False,
) -> None:
    """Discover reinforcement-learning algorithms: search over them, train them, compare them."""
    del version
    set_debug(debug)


def _version(show: bool) -> None:
    if show:
        print(f"discover-rl {installed_version('discover-rl')}")
        raise typer.Exit


_COMMANDS: tuple[tuple[typer.Typer, str, Callable[..., None], str], ...] = (
    (app, "search", search.run, "discover search experiments/quickstart.yaml --set population=32"),
    (app, "resume", resume.run, "discover resume quickstart"),
    (app, "runs", runs.run, "discover runs --kind search"),
    (app, "train", train.run, "discover train ppo --task CartPole-v1 --seeds 10"),
    (app, "compare", compare.run, "discover compare champion.candidate ppo --tasks CartPole-v1,Acrobot-v1 --seeds 16"),
    (
        app,
        "adapt",
        adapt.run,
        "discover adapt maml promp --task navigation-square --episodes 60 --batch 20 --meta-steps 800000",
    ),
    (app, "ablate", ablate.run, "discover ablate champion.candidate --against ppo --tasks CartPole-v1 --seeds 16"),
    (app, "refine", refine.run, "discover refine quickstart --set structures=3"),
    (app, "export", export.run, "discover export champion.candidate --to my_rule"),
    (app, "evaluate", evaluate.run, "discover evaluate agents/seed-0.agent --episodes 100 --gif episode.gif"),
    (app, "promote", promote.run, "discover promote models:/quickstart/3 --seeds 16"),
    (app, "show", show.run, "discover show champion.candidate --html champion.html"),
    (app, "report", report.run, "discover report discover-runs/quickstart-20260101-120000 --html quickstart.html"),
    (app, "ui", ui.run, "discover ui --port 5001"),
    (config_app, "new", config.new, "discover config new first --recipe ppo --task CartPole-v1 > first.yaml"),
    (config_app, "check", config.check, "discover config check first.yaml --set population=64"),
    (config_app, "schema", config.schema, "discover config schema > config.schema.json"),
    (plugins_app, "list", plugins_list.list_entries, "discover plugins list --kind 'update rule'"),
    (plugins_app, "show", plugins_show.show, "discover plugins show gae"),
    (plugins_app, "new", plugins_new.new, "discover plugins new my_rule --kind update-rule"),
    (plugins_app, "check", plugins_check.check, "discover plugins check discover-my-rule"),
)
for _app, _name, _function, _example in _COMMANDS:
    _app.command(_name, epilog=examples(_example))(guard_command(_function))
app.add_typer(config_app, name="config")
app.add_typer(plugins_app, name="plugins")
