"""Printing on standard output: tables and sentences for people, or one JSON object."""

from __future__ import annotations

import contextlib
import json
import math
import shlex
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from discover.base.text_table import RULE, WIDTH, text_table

if TYPE_CHECKING:
    from discover.contract.results import Comparison


@contextlib.contextmanager
def quiet_output(json: bool) -> Iterator[None]:
    """With ``json``, send everything that is printed meanwhile to standard error."""
    with contextlib.redirect_stdout(sys.stderr) if json else contextlib.nullcontext():
        yield


def print_json(value: object) -> None:
    """Print a value as JSON. NaN and infinity become null; characters that the terminal cannot show are escaped."""
    text = json.dumps(plain(value), indent=2, allow_nan=False, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(plain(value), indent=2, allow_nan=False)
    print(text)


def plain(value: object) -> Any:
    """A value as JSON can hold it.

    Arrays and numbers of NumPy and JAX become lists and numbers, tuples and sets become lists, NaN and infinity None, and
    anything else a text.

    >>> import numpy as np
    >>> plain({"a": np.float32(0.5), 2: (1, float("nan")), "c": Path("x")})
    {'a': 0.5, '2': [1, None], 'c': 'x'}
    """
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(inner) for inner in value]
    to_list = getattr(value, "tolist", None)
    if to_list is not None:
        return plain(to_list())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | None) else str(value)


def print_text(text: str) -> None:
    """Print a text. Characters that the terminal cannot show are escaped, and the lines of a table become dashes."""
    encoding = sys.stdout.encoding or "utf-8"
    try:
        RULE.encode(encoding)
    except UnicodeEncodeError:
        text = text.replace(RULE, "-")
    print(escaped(text))


def escaped(text: str) -> str:
    """A text whose characters standard output can show."""
    encoding = sys.stdout.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table of texts, as wide as the terminal."""
    print_text(text_table(columns, [[escaped(text) for text in row] for row in rows], width=terminal_width()))


def print_comparison(comparison: Comparison) -> None:
    """Print a table of results with the verdict below, as wide as the terminal."""
    print_text(comparison.table(escaped, terminal_width()))


def terminal_width() -> int:
    """Characters of a line on standard output."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDTH


def tracked_lines(facts: Mapping[str, Any], store: str | None = None, label: str = "look at it: ") -> Iterator[str]:
    """The place of a tracked run: its page, or the command that shows it, or a ledger alone; no line if it is not tracked.

    Args:
        facts: of the command.
        store: the store that the command line names, if any. It is shown in the words of the tracker: the address may hold a
            password.
        label: the words before the place.

    >>> [*tracked_lines({"run_id": "ab"})], [*tracked_lines({})]
    (['look at it: discover ui --run ab'], [])
    >>> [*tracked_lines({"run_id": "ab", "link": "http://host/#/ab"})]
    ['look at it: http://host/#/ab']
    """
    if facts.get("run_id") is not None:
        named = () if store is None else ("--tracking", facts.get("tracking", store))
        yield label + (facts.get("link") or command_line("ui", *named, "--run", facts["run_id"]))
    elif "ledger" in facts:
        yield f"run: not in the tracking store yet; its ledger lies in {facts['ledger']}"


def command_line(*arguments: object, plugins_dir: Path | None = None) -> str:
    """A ``discover`` command, quoted for a shell.

    >>> command_line("resume", "my runs", plugins_dir=Path("mine"))
    "discover resume 'my runs' --plugins-dir mine"
    """
    more = () if plugins_dir is None else ("--plugins-dir", plugins_dir)
    return shlex.join(map(str, ("discover", *arguments, *more)))
