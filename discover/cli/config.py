"""``discover config``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from discover.base.errors import UserError
from discover.base.mistakes import MistakesError
from discover.base.text_table import counted
from discover.cli.completion import names_of
from discover.cli.options import Json, PluginsDir, Settings, Tracking
from discover.cli.output import print_json, quiet_output
from discover.plugin.session import start_plugins

if TYPE_CHECKING:
    from discover.config.search_config import SearchConfig
    from discover.plugin.loader import Plugins


def check(
    config: Annotated[Path, typer.Argument(metavar="CONFIG", help="A YAML or JSON file; - for standard input.")],
    settings: Settings = None,
    trace: Annotated[
        bool, typer.Option("--trace", help="Trace the first candidate and the baselines too, as a search does: takes longer.")
    ] = False,
    json: Json = False,
    tracking: Tracking = None,
    plugins_dir: PluginsDir = None,
) -> None:
    """Check a config without running it, and tell all its mistakes."""
    with quiet_output(json):
        plugins = start_plugins(plugins_dir)
        try:
            checked, mistakes, status = _check(plugins, config, settings or [], trace=trace, store=tracking), [], 0
        except UserError as error:
            if not json:
                raise
            checked, mistakes, status = None, _mistakes(error), error.exit_status
    if json:
        print_json({"config": config, "valid": not mistakes, "mistakes": mistakes})
    elif checked is not None:
        print(f"config '{config}' is valid: {_summary(checked)}.")
    raise typer.Exit(status)


def schema(plugins_dir: PluginsDir = None) -> None:
    """Print a JSON schema of configs, by which an editor completes and checks them, with all that the plugins bring.

    Editors with the YAML language server take it where a config begins with: # yaml-language-server: $schema=FILE
    """
    with quiet_output(True):
        registry = start_plugins(plugins_dir).registry
        from discover.config.schema import config_schema

        document = config_schema(registry)
    print_json(document)


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name of the search.")] = "search",
    recipe: Annotated[
        str | None,
        typer.Option("--recipe", metavar="NAME", help="The algorithm to start from.", autocompletion=names_of("recipe")),
    ] = None,
    task: Annotated[
        str | None,
        typer.Option("--task", metavar="ID", help="The task to search on.", autocompletion=names_of("task")),
    ] = None,
    strategy: Annotated[
        str | None,
        typer.Option("--strategy", metavar="NAME", help="How to propose candidates.", autocompletion=names_of("strategy")),
    ] = None,
    plugins_dir: PluginsDir = None,
) -> None:
    """Print an example of a config, with a comment for every key."""
    with quiet_output(True):
        registry = start_plugins(plugins_dir).registry
        from discover.config.example import example

        text = example(registry, name, recipe=recipe, task=task, strategy=strategy)
    print(text, end="")


def _check(plugins: Plugins, config: Path, settings: list[str], *, trace: bool, store: str | None) -> SearchConfig:
    """The config in a file, with or without the traces of a search."""
    from discover.config.elsewhere import with_candidates
    from discover.config.reading import read_config
    from discover.config.search_config import checked_config

    values = with_candidates(plugins, read_config(config, settings), store)
    if not trace:
        from discover.outer_loop.checks import warn_of_nearest

        checked = checked_config(plugins.registry, values)
        warn_of_nearest(checked)
        return checked
    from discover.outer_loop.search import check

    return check(plugins, values)


def _mistakes(error: UserError) -> list[dict[str, Any]]:
    """Path, sentence and place of each mistake, as JSON can hold them."""
    if isinstance(error, MistakesError):
        return [mistake._asdict() for mistake in error.mistakes]
    return [{"path": "", "sentence": str(error), "place": ""}]


def _summary(config: SearchConfig) -> str:
    """The size of a search in words."""
    from discover.components.space import Space

    open_values, tasks = len(Space(config.template).genes), len(config.tasks)
    return (
        f"{counted(config.generations, 'generation')} of {counted(config.population, 'candidate')} with "
        f"{counted(open_values, 'open value')}, on {counted(tasks, 'task')}"
    )
