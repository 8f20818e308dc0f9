"""The page of a candidate as Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from discover.reading.tables import Table, change_table, fact_tables, paid_table, parts_table, result_table, sensitivity_table

if TYPE_CHECKING:
    from discover.reading.contents import Contents

_INDENT = "&emsp;"
"""A space that Markdown keeps at the beginning of a cell."""


def page_as_markdown(page: Contents) -> str:
    """The page as Markdown; formulas stand in blocks of code, as text and in LaTeX."""
    return "\n\n".join(section for section in _sections(page) if section) + "\n"


def _sections(page: Contents) -> Iterator[str]:
    yield _escaped(page.sentence)
    yield _escaped(page.facts.verdict)
    if page.formulas:
        yield "### Formulas"
        yield _code("text", [formula.text for formula in page.formulas])
        yield _code("latex", [formula.latex for formula in page.formulas])
    yield _table(result_table(page))
    yield _table(paid_table(page))
    yield _table(sensitivity_table(page))
    yield _table(change_table(page))
    yield _table(parts_table(page))
    for title, facts in fact_tables(page):
        yield f"### {title}\n\n" + "\n".join(f"- **{_escaped(name)}**: {_escaped(text)}" for name, text in facts.items())
    yield "\n".join(f"- {_escaped(problem)}" for problem in page.problems)


def _code(language: str, lines: list[str]) -> str:
    return "\n".join([f"```{language}", *lines, "```"])


def _table(table: Table | None) -> str:
    if table is None:
        return ""
    rule = ["---:" if column in table.numbers else "---" for column in table.columns]
    rows = [table.columns, rule, *table.rows]
    lines = [rule_or_row if place == 1 else list(map(_cell, rule_or_row)) for place, rule_or_row in enumerate(rows)]
    return f"### {table.title}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(text: str) -> str:
    indent = len(text) - len(text.lstrip(" "))
    return _INDENT * (indent // 2) + _escaped(text.strip())


def _escaped(text: str) -> str:
    """A text in which Markdown sees no marks of its own."""
    for mark in "\\`*_|<>[]":
        text = text.replace(mark, f"\\{mark}")
    return " ".join(text.split())
