"""The page of a candidate: everything there is to read about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from discover.components.effective import effective
from discover.components.paths import check
from discover.contract.algorithm import Algorithm
from discover.contract.registry import Registry
from discover.reading.as_html import page_as_html
from discover.reading.as_markdown import page_as_markdown
from discover.reading.as_text import page_as_text
from discover.reading.as_values import page_as_values
from discover.reading.contents import Contents
from discover.reading.facts import CandidateFacts
from discover.reading.formulas import formulas_of
from discover.reading.nearest import nearest_recipe
from discover.reading.parts import parts_of
from discover.reading.sweeps import Sensitivity


@dataclass(frozen=True, repr=False)
class CandidatePage(Contents):
    """A candidate, ready to be read: it prints as text, and `markdown` and `html` give the same as a page."""

    def __repr__(self) -> str:
        return page_as_text(self)

    def markdown(self) -> str:
        """The page as Markdown, with the formulas in blocks of code: a tracker's pages draw no mathematics."""
        return page_as_markdown(self)

    def html(self) -> str:
        """The page as one file of HTML that fetches nothing: formulas and figures are part of it."""
        return page_as_html(self)

    def values(self) -> dict[str, Any]:
        """The page as values that JSON can hold."""
        return page_as_values(self)


def candidate_page(
    candidate: Algorithm,
    registry: Registry,
    *,
    name: str = "candidate",
    facts: CandidateFacts | None = None,
    sensitivity: Sensitivity | None = None,
) -> CandidatePage:
    """Describe a candidate: its parts, the nearest known recipe, formulas, and what is known of it.

    Args:
        candidate: every value set.
        registry: of the loaded plugins.
        name: of the candidate in the page.
        facts: where it wins and fails, where it comes from, what it cost; `facts_of_search` collects those of a champion.
        sensitivity: how its return changes with each of its numbers, where that has been measured.

    Raises:
        UserError: the candidate has an open value, or an illegal one.

    >>> import discover
    >>> candidate = discover.replace(discover.recipe("ppo"), {"rule.clip": 0.31})
    >>> candidate_page(candidate, discover.plugins().registry, name="mine").sentence
    'mine is ppo with clip: 0.2 -> 0.31.'
    """
    check(candidate)
    reduced = effective(candidate)
    problems: list[str] = []
    return CandidatePage(
        name=name,
        candidate=reduced,
        parts=parts_of(reduced, registry),
        nearest=nearest_recipe(reduced, registry),
        formulas=formulas_of(reduced, problems),
        facts=facts or CandidateFacts(),
        problems=tuple(problems),
        registry=registry,
        sensitivity=sensitivity,
    )
