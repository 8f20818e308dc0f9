"""The formulas of a candidate's components."""

from __future__ import annotations

from typing import NamedTuple

from discover.base.errors import cause_of
from discover.base.latex import latex_as_text
from discover.components.component import Component
from discover.components.paths import nodes


class Formula(NamedTuple):
    """One equation of a component.

    Attributes:
        path: dotted path of the component; empty for the whole candidate.
        latex: the equation, with its numbers put in.
    """

    path: str
    latex: str

    @property
    def text(self) -> str:
        """The equation as plain text."""
        return latex_as_text(self.latex)


def formulas_of(candidate: Component, problems: list[str]) -> tuple[Formula, ...]:
    """The equations of all components, owners first.

    Args:
        candidate: without the parts that do nothing.
        problems: receives a sentence for each component whose method fails; the others are not affected.
    """
    found = []
    for path, node in nodes(candidate):
        try:
            lines = node.formula().splitlines()
        except Exception as error:
            problems.append(f"the formula of {path or 'the candidate'} ({type(node).__name__}) fails: {cause_of(error)}.")
            continue
        found += [Formula(path, line.strip()) for line in lines if line.strip()]
    return tuple(found)
