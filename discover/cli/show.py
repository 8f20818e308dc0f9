"""``discover show``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from discover.base.errors import UserError
from discover.cli.completion import candidates, names_of
from discover.cli.guard import raise_late
from discover.cli.options import STEPS, Changes, Json, PluginsDir, Seed, Seeds, Steps, Tracking
from discover.cli.output import escaped, print_json, print_text, quiet_output, terminal_width
from discover.config.candidates import HELP, candidate_from, settled
from discover.plugin.session import session, start_plugins

if TYPE_CHECKING:
    from discover.reading.page import CandidatePage

_HTML = "Write a page of HTML as well, one file that fetches nothing."
_SENSITIVITY = "Vary each number over its range, and train on a task: takes long."
_POINTS = "Values of each number, the candidate's own among them."
_NUMBERS = "Numbers to vary, by their paths or the ends of them (clip,returns.gamma); all unless given."
_LEAST_SEEDS = 2


def run(
    candidate: Annotated[str, typer.Argument(metavar="CANDIDATE", help=HELP, autocompletion=candidates)],
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help=_HTML)] = None,
    sensitivity: Annotated[bool, typer.Option("--sensitivity", help=_SENSITIVITY)] = False,
    task: Annotated[
        str | None, typer.Option("--task", metavar="ID", help="The task of the sensitivity.", autocompletion=names_of("task"))
    ] = None,
    points: Annotated[int, typer.Option("--points", metavar="N", min=2, max=1000, help=_POINTS)] = 5,
    numbers: Annotated[str, typer.Option("--numbers", metavar="A,B", help=_NUMBERS)] = "",
    seeds: Seeds = 4,
    steps: Steps = STEPS,
    seed: Seed = 0,
    settings: Changes = None,
    json: Json = False,
    tracking: Tracking = None,
    plugins_dir: PluginsDir = None,
) -> None:
    """Show a candidate: its effective parts, the nearest known recipe, formulas, and what is known of it."""
    _check(html, sensitivity, task, seeds)
    with quiet_output(json):
        plugins = start_plugins(plugins_dir)
        from discover.api.reading import sensitivity_in
        from discover.config.overrides import changed, changed_name, changes_in
        from discover.contract.events import Command, TaskRun
        from discover.reading.known_facts import known_facts
        from discover.reading.page import candidate_page

        changes, found = changes_in(settings or ()), None
        candidate = settled(plugins, candidate, tracking)
        algorithm = changed(plugins.registry, candidate_from(plugins, candidate, tracking), changes)
        facts = None if changes else known_facts(plugins, candidate, algorithm, tracking)
        with session(Command("show", tracking=False, json=json), plugins) as running:
            if sensitivity and task is not None:
                chosen = [name.strip() for name in numbers.split(",") if name.strip()]
                plan = {"seeds": seeds, "points": points, "seed": seed}
                found = sensitivity_in(running, algorithm, TaskRun(task, steps), **plan, numbers=chosen)
            page = candidate_page(
                algorithm, plugins.registry, name=changed_name(candidate, changes), facts=facts, sensitivity=found
            )
            if html is not None:
                _write(page, html)
    if json:
        print_json(page.values() | ({} if html is None else {"html": html}))
    else:
        _print(page)
        if html is not None:
            print(f"\npage: {html}")
    raise_late(running)


def _check(html: Path | None, sensitivity: bool, task: str | None, seeds: int) -> None:
    """Check what can be checked before JAX starts.

    Raises:
        UserError: options that do not go together, or a page that cannot be written.
    """
    if html is not None:
        from discover.storage.files import check_place

        check_place(html, "--html")
    if sensitivity and task is None:
        raise UserError("--sensitivity trains the candidate: name the task with --task, such as --task CartPole-v1.")
    if task is not None and not sensitivity:
        raise UserError(f"--task '{task}' belongs to --sensitivity: add that, or leave --task out.")
    if sensitivity and seeds < _LEAST_SEEDS:
        raise UserError(f"--seeds {seeds} gives no interval: --sensitivity needs {_LEAST_SEEDS} seeds or more.")


def _write(page: CandidatePage, path: Path) -> None:
    from discover.storage.array_file import write_atomically

    write_atomically(path, page.html().encode())


def _print(page: CandidatePage) -> None:
    from discover.reading.as_text import page_as_text

    print_text(page_as_text(page, terminal_width(), escaped))
