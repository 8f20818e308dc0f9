"""What a command prints on standard output: tables and sentences for people, or one JSON object."""

from __future__ import annotations

import contextlib
import json
import math
import shlex
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from discover.base.text_table import RULE, WIDTH, text_table


@contextlib.contextmanager
def quiet_output(json: bool) -> Iterator[None]:
    """With ``json``, whatever is printed meanwhile goes to standard error."""
    with contextlib.redirect_stdout(sys.stderr) if json else contextlib.nullcontext():
        yield


def print_json(value: Any) -> None:
    """Print a value as JSON; NaN and infinity become null, and what the terminal cannot show is escaped as JSON does."""
    text = json.dumps(plain(value), indent=2, allow_nan=False, ensure_ascii=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(plain(value), indent=2, allow_nan=False)
    print(text)


def plain(value: Any) -> Any:
    """A value as JSON can hold it: numbers of NumPy and JAX, named tuples and sets included; as text what else there is."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(inner) for inner in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | None) else str(value)


def print_text(text: str) -> None:
    """Print a text. What the terminal cannot show is escaped; lines of a table are drawn with what it has."""
    encoding = sys.stdout.encoding or "utf-8"
    try:
        RULE.encode(encoding)
    except UnicodeEncodeError:
        text = text.replace(RULE, "-")
    print(escaped(text))


def escaped(text: str) -> str:
    """A text as standard output can show it."""
    encoding = sys.stdout.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table of texts, as wide as the terminal."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDTH
    print_text(text_table(columns, [[escaped(text) for text in row] for row in rows], width=width))


def tracked_lines(facts: Mapping[str, Any]) -> Iterator[str]:
    """Where a run that was tracked is: in the store, or in a ledger alone.

    >>> [*tracked_lines({"run_id": "ab"})], [*tracked_lines({})]
    (['run: ab'], [])
    """
    if facts.get("run_id") is not None:
        yield f"run: {facts['run_id']}"
    elif "ledger" in facts:
        yield f"run: not in the tracking store yet; its ledger lies in {facts['ledger']}"


def command_line(*words: object, plugins_dir: Path | None = None) -> str:
    """A command of ours as it can be typed in a shell."""
    more = () if plugins_dir is None else ("--plugins-dir", plugins_dir)
    return shlex.join(map(str, ("discover", *words, *more)))
