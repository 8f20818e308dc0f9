"""``discover export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from discover.cli.completion import candidates
from discover.cli.options import Json, PluginsDir, Tracking
from discover.cli.output import print_json, print_text, quiet_output
from discover.config.candidates import HELP, candidate_from
from discover.plugin.session import start_plugins


def run(
    candidate: Annotated[str, typer.Argument(metavar="CANDIDATE", help=HELP, autocompletion=candidates)],
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="A folder that is empty or not there yet.")],
    json: Json = False,
    tracking: Tracking = None,
    plugins_dir: PluginsDir = None,
) -> None:
    """Write a candidate as source that needs JAX, NumPy and optax alone, with an example and a test."""
    with quiet_output(json):
        plugins = start_plugins(plugins_dir)
        from discover.exporting.export import export_candidate

        files = export_candidate(candidate_from(plugins, candidate, tracking), candidate, to)
    if json:
        print_json({"candidate": candidate, "folder": to, "files": [file.name for file in files], "tolerance": 1e-6})
        return
    print_text(f"{candidate} is exported to {to}; five updates equal those of the original to 1e-6.")
    print_text("\n".join(f"  {file}" for file in files))
