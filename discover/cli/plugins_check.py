"""``discover plugins check``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from discover.cli.options import Json, PluginsDir
from discover.cli.output import print_json, print_table, print_text, quiet_output
from discover.plugin.session import start_plugins

if TYPE_CHECKING:
    from discover.api.authoring import PluginCheck
    from discover.testing.plugins import Outcome


def check(
    plugin: Annotated[
        str, typer.Argument(metavar="PLUGIN", help="Its name, that of its package, or the folder of its package or files.")
    ],
    json: Json = False,
    plugins_dir: PluginsDir = None,
) -> None:
    """Load a plugin and check all that it brings: what is wrong, where, why, and what to do."""
    with quiet_output(json):
        from discover.api.authoring import check_plugin_in

        plugins = start_plugins(plugins_dir)
        checked = check_plugin_in(plugins, plugin, _told)
    if json:
        print_json(facts_of(checked))
    else:
        _print(checked)
    if not checked.passed:
        raise typer.Exit(1)


def facts_of(checked: PluginCheck) -> dict[str, Any]:
    """Checks as JSON can hold them."""
    return {
        "plugins": checked.plugins,
        "passed": checked.passed,
        "seconds": round(checked.seconds, 3),
        "checks": [_facts(outcome) for outcome in checked.outcomes],
    }


def _facts(outcome: Outcome) -> dict[str, Any]:
    problem = None if outcome.problem is None else outcome.problem._asdict()
    rest = {"skipped": outcome.skipped or None, "notes": list(outcome.notes), "problem": problem}
    return {"kind": outcome.kind, "name": outcome.name, "passed": problem is None, "seconds": round(outcome.seconds, 3), **rest}


def _told(name: str) -> None:
    """Say what is checked, where a person waits for it."""
    if sys.stderr.isatty():
        print(f"\r\x1b[Kchecking {name} ...", end="", file=sys.stderr, flush=True)


def _print(checked: PluginCheck) -> None:
    """Print the failures one by one, then a table of all."""
    from discover.api.authoring import verdict

    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)
    for outcome in checked.outcomes:
        if outcome.problem is not None:
            what, where, why, remedy = outcome.problem
            print_text(f"{outcome.kind} {outcome.name}: {what}")
            lines = (("where", where), ("why", why), ("to do", remedy))
            print_text("".join(f"  {f'{label}:':6} {text}\n" for label, text in lines if text))
    rows = [(each.kind, each.name, verdict(each), f"{each.seconds:.1f}") for each in checked.outcomes]
    print_table(("kind", "name", "verdict", "seconds"), rows)
    for outcome in checked.outcomes:
        for note in outcome.notes:
            print_text(f"note on {outcome.kind} {outcome.name}: {note}")
    print_text(checked.summary)
