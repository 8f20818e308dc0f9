"""``discover plugins new``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from discover.cli.completion import kinds
from discover.cli.options import Json, PluginsDir
from discover.cli.output import command_line, print_json, print_text, quiet_output
from discover.plugin.session import start_plugins


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name of the plugin and of its component, such as my_rule.")],
    kind: Annotated[
        str,
        typer.Option("--kind", metavar="KIND", help="What it is, such as update-rule or network.", autocompletion=kinds),
    ],
    to: Annotated[
        Path | None, typer.Option("--to", metavar="DIR", help="Folder of the package; discover-NAME otherwise.")
    ] = None,
    json: Json = False,
    plugins_dir: PluginsDir = None,
) -> None:
    """Write a package with one working component, its tests, and a search that uses it."""
    with quiet_output(json):
        from discover.api.authoring import new_plugin_in

        folder = new_plugin_in(start_plugins(plugins_dir), name, kind, to)
    files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    if json:
        print_json({"folder": folder, "files": files})
        return
    print_text(f"{folder}\n" + "\n".join(f"  {file}" for file in files))
    print_text(f"next: {command_line('plugins', 'check', folder)}; README.md says how to go on.")
