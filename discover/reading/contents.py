"""The contents of a candidate's page, whatever its form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from discover.contract.algorithm import Algorithm
from discover.contract.registry import Registry
from discover.reading.facts import CandidateFacts
from discover.reading.formulas import Formula
from discover.reading.nearest import NearestRecipe
from discover.reading.parts import Part
from discover.reading.sweeps import Sensitivity


@dataclass(frozen=True, repr=False)
class Contents:
    """Everything there is to read about a candidate.

    Attributes:
        name: the user's name for the candidate.
        candidate: without the parts that do nothing.
        parts: its components, numbers and settings.
        nearest: the nearest known recipe; None if there is no recipe.
        formulas: the equations of its components, in LaTeX.
        facts: where it wins and fails, where it comes from, what it cost.
        problems: sentences on components that could not describe themselves.
        registry: has the names of its components.
        sensitivity: how its return changes with each of its numbers; None where that has not been measured.
    """

    name: str
    candidate: Algorithm
    parts: Sequence[Part]
    nearest: NearestRecipe | None
    formulas: Sequence[Formula]
    facts: CandidateFacts
    problems: Sequence[str]
    registry: Registry
    sensitivity: Sensitivity | None = None

    @property
    def sentence(self) -> str:
        """The candidate in one sentence, such as ``mine is ppo with clip: 0.2 -> 0.31.``"""
        if self.nearest is None:
            return f"{self.name} has no known relative."
        return f"{self.name} {self.nearest.sentence()}."

    @property
    def before(self) -> Mapping[str, str]:
        """The values of the nearest recipe where the candidate has others, by path."""
        return {} if self.nearest is None else {change.path: change.before or "none" for change in self.nearest.changes}
