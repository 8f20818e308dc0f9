"""The results of a comparison as a table for a terminal."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from discover.base.text_table import counted, interval, number, text_table

_WIDE, _GAP = 1000, 3


def result_table(rows: Sequence[Mapping[str, Any]], shown: Callable[[str], str], width: int) -> str:
    """The rows of a comparison as one table, or as one for each run where that is too wide.

    Args:
        rows: of `Comparison.rows`, those of a run one after the other; the first candidate comes first.
        shown: turns each text into what the terminal can show.
        width: characters of a line.
    """
    first = rows[0]["candidate"]
    cells = [[shown(text) for text in result_cells(row)] for row in rows]
    numbers = ("IQM", "95 % interval", "seeds", f"{first} minus this")
    whole = text_table(("task", "candidate", *numbers, "verdict"), cells, numbers, width=_WIDE)
    if max(map(len, whole.splitlines())) <= width:
        return whole
    groups = itertools.groupby(zip(rows, cells, strict=True), key=lambda pair: pair[1][0])
    return "\n\n".join(_of_run(task, list(pairs), width) for task, pairs in groups)


def _of_run(task: str, pairs: Sequence[tuple[Mapping[str, Any], Sequence[str]]], width: int) -> str:
    """The rows of one run: its task and seeds in a line above, and what breaks beside the candidates."""
    lines = []
    for row, (_, candidate, middle, bounds, _, difference, verdict) in pairs:
        broken = f" ({row['broken']} broken)" if row["broken"] else ""
        lines.append((f"{candidate}{broken}", middle, bounds, difference, verdict))
    numbers = ("IQM", "95 % interval", "first minus this")
    columns = ("candidate", *numbers, "verdict")
    others = sum(max(map(len, column)) + _GAP for column in list(zip(columns, *lines, strict=True))[1:])
    table = text_table(columns, lines, numbers, width=width, whole=columns[1:] if others + _GAP <= width else ())
    return f"{task}, {counted(pairs[0][0]['seeds'], 'seed')}\n{table}"


def result_cells(row: Mapping[str, Any]) -> Sequence[str]:
    """The cells of the table for one of `Comparison.rows`."""
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
