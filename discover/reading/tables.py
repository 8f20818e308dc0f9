"""The tables of a page as rows of texts, the same for every form of the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from discover.base.text_table import interval, number
from discover.contract.result_table import result_cells
from discover.reading.sweeps import COLUMNS, NUMBER_COLUMNS

if TYPE_CHECKING:
    from discover.reading.contents import Contents
    from discover.reading.facts import Facts


class Table(NamedTuple):
    """A table of a page.

    Attributes:
        title: its heading.
        columns: the headings of its columns.
        rows: a text per column each.
        numbers: the columns that are aligned to the right.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    numbers: Sequence[str] = ()


def parts_table(page: Contents) -> Table:
    """The effective parts as an indented tree, beside the values that the nearest recipe has where they differ."""
    nearest, before = page.nearest, page.before
    if nearest is None or not before:
        rows = [("  " * part.depth + part.name, part.value, part.takes) for part in page.parts]
        return Table("Parts", ("part", "value", "takes"), rows)
    compared = [("  " * part.depth + part.name, part.value, before.get(part.path, ""), part.takes) for part in page.parts]
    return Table("Parts", ("part", "value", f"{nearest.name} has", "takes"), compared)


def change_table(page: Contents) -> Table | None:
    """The differences to the nearest recipe; None if there are none."""
    if page.nearest is None or not page.nearest.changes:
        return None
    rows = [(change.path, change.before or "none", change.after or "none") for change in page.nearest.changes]
    return Table("Difference to the nearest known recipe", ("path", page.nearest.name, page.name), rows)


def result_table(page: Contents) -> Table | None:
    """The comparison on each task; None if there is none."""
    rows = page.facts.rows
    if not rows:
        return None
    minus = f"{rows[0]['candidate']} minus this"
    columns = ("task", "candidate", "IQM", "95 % interval", "seeds", minus, "verdict")
    order = {(row["task"], row["steps"]): place for place, row in reversed(list(enumerate(rows)))}
    ordered = sorted(rows, key=lambda row: order[row["task"], row["steps"]])
    return Table("Where it wins and fails", columns, [result_cells(row) for row in ordered], columns[2:6])


def paid_table(page: Contents) -> Table | None:
    """The gain from each value beside a known algorithm; None where it was not measured."""
    if not page.facts.paid:
        return None
    rows = [
        (row["path"], row["value"], row["known"], number(row["estimate"]), interval(row["interval"]), row["verdict"])
        for row in page.facts.paid
    ]
    columns = ("path", page.name, "known", "paid", "95 % interval", "verdict")
    return Table("What each value pays", columns, rows, columns[3:5])


def sensitivity_table(page: Contents) -> Table | None:
    """The sensitivity to each number, a row per value; None where it has not been measured."""
    found = page.sensitivity
    return None if found is None else Table(found.title, COLUMNS, list(found.rows()), NUMBER_COLUMNS)


def fact_tables(page: Contents) -> Iterator[tuple[str, Facts]]:
    """Failures, lineage, cost and provenance, each with its heading; those that are empty are left out."""
    facts = page.facts
    fails = {str(place): text for place, text in enumerate(facts.fails, 1)}
    parts = (("Where it fails", fails), ("Lineage", facts.lineage), ("Cost", facts.cost), ("Provenance", facts.provenance))
    for title, some in parts:
        if some:
            yield title, some
