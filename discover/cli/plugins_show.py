"""``discover plugins show``."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from discover.base.errors import UserError, nearest
from discover.cli.completion import names_of
from discover.cli.options import Json, PluginsDir
from discover.cli.output import print_json, print_table, quiet_output
from discover.cli.plugins_list import line_of
from discover.contract.found_recipe import RECORD
from discover.plugin.session import start_plugins


def show(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="The name of a component, a recipe or a task.", autocompletion=names_of())
    ],
    json: Json = False,
    plugins_dir: PluginsDir = None,
) -> None:
    """Show what is known of a name: its fields with domains and defaults, where it is published, who brings it."""
    with quiet_output(json):
        every = list(start_plugins(plugins_dir).registry.entries())
        matches = [entry for entry in every if entry.name == name]
        if not matches:
            names = {entry.name for entry in every}
            raise UserError(f"no plugin brings '{name}': {nearest(name, names, command='discover plugins list')}.")
        from discover.cli.describe import description_of

        descriptions = [{**line_of(entry), **description_of(entry)} for entry in matches]
    if json:
        print_json(descriptions)
        return
    for description in descriptions:
        _print_description(description)


def _print_description(facts: dict[str, Any]) -> None:
    heading = f"{facts['kind']} {facts['name']}"
    print(typer.style(heading, bold=True) if sys.stdout.isatty() else heading)
    for key, value in facts.items():
        if key not in ("kind", "name", "fields", "value", RECORD) and value != "":
            print(f"  {key}: {value}")
    if RECORD in facts:
        print(f"  record: discover show {facts['name']}")
    if "value" in facts:
        from discover.storage.yaml_text import text_of

        print("  value:")
        text = text_of(facts["value"], f"{facts['kind']} '{facts['name']}'")
        print("".join(f"    {line}\n" for line in text.splitlines() if line != "..."))
    if facts.get("fields"):
        from discover.cli.describe import field_row

        print_table(("field", "is a", "takes", "default"), map(field_row, facts["fields"]))
