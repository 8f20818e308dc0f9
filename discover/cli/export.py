"""``discover export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from discover.cli.completion import candidates
from discover.cli.options import Changes, Json, PluginsDir, Tracking
from discover.cli.output import print_json, print_text, quiet_output
from discover.config.candidates import HELP, candidate_from, settled
from discover.plugin.session import start_plugins


def run(
    candidate: Annotated[str, typer.Argument(metavar="CANDIDATE", help=HELP, autocompletion=candidates)],
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="A folder that is empty or not there yet.")],
    settings: Changes = None,
    json: Json = False,
    tracking: Tracking = None,
    plugins_dir: PluginsDir = None,
) -> None:
    """Write a candidate as source that needs JAX, NumPy and optax alone, with an example and a test."""
    with quiet_output(json):
        plugins = start_plugins(plugins_dir)
        from discover.config.candidate_file import fingerprint_of
        from discover.config.overrides import changed, changed_name, changes_in
        from discover.exporting.export import export_candidate

        changes, candidate = changes_in(settings or ()), settled(plugins, candidate, tracking)
        algorithm = changed(plugins.registry, candidate_from(plugins, candidate, tracking), changes)
        name, fingerprint = changed_name(candidate, changes), fingerprint_of(plugins.registry, algorithm)
        files = export_candidate(algorithm, name, to, fingerprint=fingerprint)
    if json:
        facts = {"candidate": name, "fingerprint": fingerprint, "folder": to}
        print_json({**facts, "files": [file.name for file in files], "tolerance": 1e-6})
        return
    print_text(f"{name} is exported to {to}; five updates equal those of the original to 1e-6.")
    print_text("\n".join(f"  {file}" for file in files))
    print_text(f"fingerprint: {fingerprint}")
