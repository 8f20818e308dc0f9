"""Tables and numbers as text, for a terminal or a notebook."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Sequence

WIDTH = 160
"""Characters of a line where no terminal gives its width."""

RULE = "─"
"""The character of the line below the headings."""


def text_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    right: Sequence[str] = (),
    width: int = WIDTH,
    *,
    whole: Sequence[str] = (),
) -> str:
    """A table of texts in columns.

    Args:
        columns: headings.
        rows: one text per column each.
        right: names of the columns that are aligned to the right (numbers).
        width: characters of a line; longer texts are folded.
        whole: names of the columns whose texts are folded only where nothing else can be.

    >>> print(text_table(("rule", "IQM"), [("ppo", "9.0"), ("dpo", "10.0")], right=("IQM",)))
    rule    IQM
    ───────────
    ppo     9.0
    dpo    10.0
    """
    from rich import box  # slow to import, and rarely needed
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold", no_wrap=column in whole)
    for row in rows:
        table.add_row(*row)
    text = io.StringIO()
    Console(file=text, width=width, markup=False, highlight=False).print(table)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines() if line.strip())


def number(value: float | None) -> str:
    """A number with three decimals below ten and one above; a dash for None, NaN and infinity.

    >>> number(487.25), number(0.5), number(None)
    ('487.2', '0.500', '-')
    """
    if value is None or not math.isfinite(value):
        return "-"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:,.1f}"


def counted(count: int, noun: str) -> str:
    """A number of things in words.

    >>> counted(1, "generation"), counted(2000, "env step")
    ('1 generation', '2,000 env steps')
    """
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def interval(bounds: Sequence[float | None]) -> str:
    """An interval by its two ends; a dash where an end is None, NaN or infinite.

    >>> interval([1.0, 12.0]), interval([None, None])
    ('[1.000, 12.0]', '-')
    """
    low, high = bounds
    return "-" if low is None or high is None or not math.isfinite(low + high) else f"[{number(low)}, {number(high)}]"
