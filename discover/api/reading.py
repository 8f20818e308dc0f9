"""Reading a candidate from Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

from discover.api.candidates import Candidate, load, name_of
from discover.api.loaded import plugins

if TYPE_CHECKING:
    from discover.reading.page import CandidatePage


def show(candidate: Candidate, *, name: str | None = None, store: str | None = None) -> CandidatePage:
    """Describe a candidate: its effective parts, the nearest known recipe, formulas, and what is known of it.

    Args:
        candidate: see `load`.
        name: of the candidate in the page; what ``candidate`` calls it unless given.
        store: address of the tracking store.

    Returns:
        The page: it prints as text; `CandidatePage.html` and `CandidatePage.markdown` give it in other forms.

    Raises:
        UserError: there is no such candidate, or it has open values.

    >>> show("dpo").sentence
    'dpo is dpo.'
    """
    from discover.reading.page import candidate_page

    return candidate_page(load(candidate, store=store), plugins().registry, name=name or name_of(candidate))
