"""Completion by a shell: of names that plugins bring, as the last command has written them down, and of files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import typer

from discover.config.candidates import FILES
from discover.plugin.names import Names, known_names

Completer = Callable[[typer.Context, str], list[tuple[str, str]]]


def names_of(*kinds: str) -> Completer:
    """A completer of the names of some kinds, of all kinds without any."""

    def complete(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
        known = _known(ctx)
        chosen = [known.get(kind, {}) for kind in kinds or known]
        return _beginning(incomplete, {name: line for names in chosen for name, line in names.items()})

    return complete


def kinds(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Complete a kind of components, as one word."""
    return _beginning(incomplete, dict.fromkeys((kind.replace(" ", "-") for kind in _known(ctx)), ""))


def candidates(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Complete a recipe, or the file of a candidate."""
    return [*names_of("recipe")(ctx, incomplete), *((path, "") for path in sorted(_files(incomplete)))]


def task_list(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Complete the last task of a list with commas."""
    before, comma, last = incomplete.rpartition(",")
    return [(f"{before}{comma}{name}", line) for name, line in names_of("task")(ctx, last)]


def _known(ctx: typer.Context) -> Names:
    return known_names(ctx.params.get("plugins_dir"))


def _beginning(incomplete: str, names: dict[str, str]) -> list[tuple[str, str]]:
    return sorted((name, line) for name, line in names.items() if name.lower().startswith(incomplete.lower()))


def _files(incomplete: str) -> Iterator[str]:
    """Folders, and files of candidates, whose path begins so."""
    folder, slash, start = incomplete.rpartition("/")
    try:
        for path in Path(f"{folder}{slash}" or ".").iterdir():
            if path.name.startswith(start) and (path.suffix in FILES or path.is_dir()) and (start or path.name[0] != "."):
                yield f"{folder}{slash}{path.name}" + ("/" if path.is_dir() else "")
    except OSError:
        return
