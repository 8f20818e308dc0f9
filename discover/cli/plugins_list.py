"""``discover plugins list``."""

from __future__ import annotations

import inspect
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from discover.base.errors import UserError, nearest
from discover.base.text_table import text_table
from discover.cli.completion import kinds
from discover.cli.options import Json, PluginsDir
from discover.cli.output import escaped, print_json, print_text, quiet_output
from discover.plugin.session import start_plugins

if TYPE_CHECKING:
    from discover.contract.registry import Entry
    from discover.plugin.loader import Plugins

_COLUMNS = ("kind", "name", "summary", "plugin", "distribution", "version")
_WIDE = 160
_BELOW = 3
"""Lines of a terminal that stay free for the prompt, the command and the line that says how many more there are."""


def list_entries(
    kind: Annotated[
        str | None,
        typer.Option("--kind", metavar="KIND", help="List one kind alone, such as 'update rule'.", autocompletion=kinds),
    ] = None,
    search: Annotated[
        str | None, typer.Option("--search", metavar="WORD", help="List what has the word in its name or its summary.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="List all, also on a terminal that shows fewer lines.")] = False,
    json: Json = False,
    plugins_dir: PluginsDir = None,
) -> None:
    """List what the loaded plugins bring, and which plugin brings it: on a terminal at most a screen, elsewhere all."""
    with quiet_output(json):
        plugins = start_plugins(plugins_dir)
        entries = [*plugins.registry.entries(), *watchers(plugins)]
    if kind is not None:
        entries = _of_kind(entries, kind)
    if search is not None:
        entries = [entry for entry in entries if _holds(entry, search)]
    rows = [[*map(str, line_of(entry).values())] for entry in entries]
    if json:
        print_json([line_of(entry) for entry in entries])
    elif search is not None and not entries:
        print(f"nothing there whose name or summary holds '{search}'")
    elif sys.stdout.isatty() and not everything:
        _print_screen(rows)
    else:
        print_text(_table(rows, shutil.get_terminal_size((_WIDE, 0)).columns if sys.stdout.isatty() else _WIDE))


def line_of(entry: Entry) -> dict[str, str]:
    """The facts of an entry that stand in one line."""
    return {"kind": entry.kind, "name": entry.name, "summary": entry.summary, **entry.provenance._asdict()}


def watchers(plugins: Plugins) -> Iterator[Entry]:
    """An entry for each plugin that watches, or has other hooks than the one that registers."""
    from discover.contract.registry import Entry

    for provenance in plugins.registry.plugins():
        plugin = plugins.manager.get_plugin(provenance.plugin)
        hooks = {caller.name for caller in plugins.manager.get_hookcallers(plugin) or ()} - {"discover_register"}
        if hooks:
            summary = (inspect.getdoc(plugin) or ", ".join(sorted(hooks))).partition("\n")[0]
            facts: dict[str, str] = {"kind": "watcher", "name": provenance.plugin, "summary": summary, "paper": ""}
            yield Entry(component=None, source=None, provenance=provenance, facts={}, **facts)


def _of_kind(entries: Sequence[Entry], text: str) -> list[Entry]:
    """The entries of one kind, whether its words are joined by spaces, dashes or underscores.

    Raises:
        UserError: no entry is of that kind.
    """
    kind = re.sub(r"[\s_-]+", " ", text.strip().lower())
    known = {entry.kind for entry in entries}
    if kind not in known:
        raise UserError(f"--kind '{text}': nothing is of that kind; {nearest(kind, known)}.")
    return [entry for entry in entries if entry.kind == kind]


def _holds(entry: Entry, word: str) -> bool:
    """Whether a word, or part of one, stands in the line of an entry."""
    return word.lower() in " ".join(line_of(entry).values()).lower()


def _print_screen(rows: list[list[str]]) -> None:
    """Print as many rows as a terminal shows, one line each, and how many more there are."""
    size = shutil.get_terminal_size()
    shown = max(1, size.lines - _BELOW)
    print_text("\n".join(one_line_rows(rows[:shown], size.columns)))
    if shown < len(rows):
        print_text(f"and {len(rows) - shown} more: narrow them by --kind KIND or --search WORD, or list all with --all.")


def one_line_rows(rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """Kind, name and summary of each row in one line, the summary cut where the line ends.

    >>> one_line_rows([["network", "mlp", "Fully connected layers"], ["objective", "final", "The return"]], 30)
    ['network    mlp    Fully conne…', 'objective  final  The return']
    """
    texts = [[escaped(text) for text in row[:3]] for row in rows]
    kind, name = (max(len(row[place]) for row in texts) for place in (0, 1))
    lines = (f"{row[0]:<{kind}}  {row[1]:<{name}}  {row[2]}" for row in texts)
    return [line if len(line) <= width else f"{line[: width - 1]}…" for line in lines]


def _table(rows: Sequence[Sequence[str]], width: int) -> str:
    return text_table(_COLUMNS, [[escaped(text) for text in row] for row in rows], width=width)
