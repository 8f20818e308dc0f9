"""The page of a candidate as text for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from discover.base.text_table import WIDTH, text_table
from discover.reading.tables import Table, change_table, fact_tables, paid_table, parts_table, result_table, sensitivity_table

if TYPE_CHECKING:
    from discover.reading.contents import Contents


def page_as_text(page: Contents, width: int = WIDTH, shown: Callable[[str], str] = str) -> str:
    """The page as text.

    Args:
        page: the page.
        width: characters of a line.
        shown: turns each text into what the terminal can show, before columns are measured.
    """
    return "\n\n".join(section for section in _sections(page, width, shown) if section)


def _sections(page: Contents, width: int, shown: Callable[[str], str]) -> Iterator[str]:
    def drawn(table: Table | None) -> str:
        if table is None:
            return ""
        rows = [[shown(text) for text in row] for row in table.rows]
        return f"{table.title}\n{text_table([shown(column) for column in table.columns], rows, table.numbers, width)}"

    yield shown(page.sentence)
    if page.formulas:
        yield "Formulas\n" + "\n".join(shown(line) for line in _formula_lines(page))
    yield drawn(parts_table(page))
    yield drawn(change_table(page))
    yield drawn(result_table(page))
    yield shown(page.facts.verdict)
    yield drawn(paid_table(page))
    yield drawn(sensitivity_table(page))
    for title, facts in fact_tables(page):
        yield f"{title}\n" + "\n".join(f"  {shown(name)}: {shown(text)}" for name, text in facts.items())
    yield "\n".join(map(shown, page.problems))


def _formula_lines(page: Contents) -> Iterator[str]:
    """The formulas below the paths of their components."""
    path = None
    for formula in page.formulas:
        if formula.path != path:
            path = formula.path
            yield f"  {path or 'algorithm'}"
        yield f"    {formula.text}"
