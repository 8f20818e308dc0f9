"""What a command prints on standard output: tables and sentences for people, or one JSON object."""

from __future__ import annotations

import json
import math
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

_WIDTH = 160  # of tables, where there is no terminal


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


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[str] = ()) -> None:
    """Print a table of texts. What the terminal cannot show is escaped before columns are measured.

    Args:
        columns: headings.
        rows: as many texts each.
        right: the columns that are set to the right (numbers).
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table

    encoding = sys.stdout.encoding or "utf-8"

    def shown(text: str) -> str:
        return text.encode(encoding, "backslashreplace").decode(encoding)

    table: Table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(shown(column), justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(shown, row))
    terminal = sys.stdout.isatty()
    Console(file=sys.stdout, width=None if terminal else _WIDTH, markup=False, highlight=False).print(table)


def print_comparison(rows: Sequence[Mapping[str, Any]], verdict: str) -> None:
    """Print the rows of `discover.evaluation.compare.table`, run by run, and the verdict below."""
    runs = list(dict.fromkeys((row["task"], row["steps"]) for row in rows))
    first = rows[0]["candidate"]
    differs = f"{first} minus this"
    numbers = ("IQM", "95 % interval", "seeds", differs)
    ordered = sorted(rows, key=lambda row: runs.index((row["task"], row["steps"])))
    print_table(("task", "candidate", *numbers, "verdict"), map(_comparison_row, ordered), numbers)
    print(verdict)


def _comparison_row(row: Mapping[str, Any]) -> Sequence[str]:
    note = f" ({row['note']})" if row["note"] else ""
    difference, broken = row["first_minus_this"], f" ({row['broken']} broken)" if row["broken"] else ""
    return (
        f"{row['task']} @ {row['steps']:,}{note}",
        row["candidate"],
        number(row["iqm"]),
        interval(row["interval"]),
        f"{row['seeds']}{broken}",
        f"{number(difference['estimate'])} {interval(difference['interval'])}" if difference else "",
        difference["verdict"] if difference else "",
    )


def tracked_lines(facts: Mapping[str, Any]) -> Iterator[str]:
    """Where a run that was tracked is: in the store, or in a ledger alone.

    >>> [*tracked_lines({"run_id": "ab"})], [*tracked_lines({})]
    (['run: ab'], [])
    """
    if facts.get("run_id") is not None:
        yield f"run: {facts['run_id']}"
    elif "ledger" in facts:
        yield f"run: not in the tracking store yet; its ledger lies in {facts['ledger']}"


def number(value: float | None) -> str:
    """Three decimals below ten, one above; a dash where there is none.

    >>> number(487.25), number(0.5), number(None)
    ('487.2', '0.500', '-')
    """
    if value is None or not math.isfinite(value):
        return "-"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:,.1f}"


def interval(bounds: Sequence[float | None]) -> str:
    """
    >>> interval([1.0, 12.0]), interval([None, None])
    ('[1.000, 12.0]', '-')
    """
    low, high = bounds
    return "-" if low is None or high is None else f"[{number(low)}, {number(high)}]"


def command_line(*words: object, plugins_dir: Path | None = None) -> str:
    """A command of ours as it can be typed in a shell."""
    more = () if plugins_dir is None else ("--plugins-dir", plugins_dir)
    return shlex.join(map(str, ("discover", *words, *more)))
