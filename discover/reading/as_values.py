"""The page of a candidate as values that JSON can hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from discover.components.effective import values_by_path
from discover.components.open_values import Free
from discover.components.paths import walk
from discover.components.weights_domain import WeightsDomain

if TYPE_CHECKING:
    from discover.components.component import Component
    from discover.reading.contents import Contents
    from discover.reading.sweeps import SweepPoint


def page_as_values(page: Contents) -> dict[str, Any]:
    """The page as a mapping of plain values: ``values`` by path, with all digits, and in ``weights`` every number of a tree."""
    nearest, facts = page.nearest, page.facts
    return {
        "candidate": page.name,
        "sentence": page.sentence,
        "values": values_by_path(page.candidate),
        "weights": _weights(page.candidate),
        "nearest": None if nearest is None else nearest._asdict() | {"changes": [one._asdict() for one in nearest.changes]},
        "formulas": [{"path": one.path, "latex": one.latex, "text": one.text} for one in page.formulas],
        "results": [dict(row) for row in facts.rows],
        "verdict": facts.verdict,
        "fails": list(facts.fails),
        "paid": [dict(row) for row in facts.paid],
        "sensitivity": _sensitivity(page),
        "lineage": dict(facts.lineage),
        "cost": dict(facts.cost),
        "provenance": dict(facts.provenance),
        "problems": list(page.problems),
    }


def _sensitivity(page: Contents) -> dict[str, Any] | None:
    found = page.sensitivity
    if found is None:
        return None
    numbers = [{"path": one.path, "effect": one.effect, "points": list(map(_point, one.points))} for one in found.sweeps]
    return {**found.run._asdict(), "seeds": found.seeds, "numbers": numbers}


def _point(point: SweepPoint) -> dict[str, Any]:
    low, estimate, high = point.interval
    return {"value": point.value, "iqm": estimate, "interval": [low, high], "broken": point.broken, "own": point.is_own}


def _weights(candidate: Component) -> dict[str, Any]:
    """The trees of weights by path, with lists in the place of arrays."""
    trees = {
        path: value
        for path, _, field, value in walk(candidate)
        if isinstance(field.domain, WeightsDomain) and not isinstance(value, Free)
    }
    return {path: jax.tree.map(lambda array: np.asarray(array).tolist(), tree) for path, tree in trees.items()}
