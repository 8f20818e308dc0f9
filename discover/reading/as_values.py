"""The page of a candidate as values that JSON can hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from discover.components.effective import values_by_path

if TYPE_CHECKING:
    from discover.reading.contents import Contents


def page_as_values(page: Contents) -> dict[str, Any]:
    """The page as a mapping of plain values; ``values`` holds every effective part by its path, with all its digits."""
    nearest, facts = page.nearest, page.facts
    return {
        "candidate": page.name,
        "sentence": page.sentence,
        "values": values_by_path(page.candidate),
        "nearest": None if nearest is None else nearest._asdict() | {"changes": [one._asdict() for one in nearest.changes]},
        "formulas": [{"path": one.path, "latex": one.latex, "text": one.text} for one in page.formulas],
        "results": [dict(row) for row in facts.rows],
        "verdict": facts.verdict,
        "lineage": dict(facts.lineage),
        "cost": dict(facts.cost),
        "provenance": dict(facts.provenance),
        "problems": list(page.problems),
    }
