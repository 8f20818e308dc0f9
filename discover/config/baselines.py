"""The baselines of a report, as they are built from its config."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from discover.base.errors import UserError
from discover.contract.algorithm import Algorithm

TUNE = "tune"
"""The key of a baseline that is a space, to be tuned."""


@dataclass(frozen=True)
class Baseline:
    """A candidate beside which the champion of a search is compared, or a space that is searched for one first.

    Attributes:
        template: the candidate; the space, with its open values, where the baseline is tuned.
        space: ``template`` as the config writes it, where the baseline is tuned; else None.
    """

    template: Algorithm
    space: Any = None


def tuned_space(words: Any) -> Any:
    """The space over which a baseline is to be tuned, or None if it is a candidate as it stands."""
    return words[TUNE] if isinstance(words, Mapping) and set(words) == {TUNE} else None


def slug(name: str) -> str:
    """A name as part of a path."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "search"


def check_names(baselines: Mapping[Any, Any]) -> None:
    """A baseline's name must be its own: in the report, and as a folder where it is tuned."""
    folders: dict[str, str] = {}
    for name, words in baselines.items():
        if not isinstance(name, str):
            raise UserError(f"report.baselines: a name must be a text; got {name!r}: put it in quotes.")
        if name == "champion":
            raise UserError("report.baselines: 'champion' is what the search finds: give the baseline another name.")
        if tuned_space(words) is not None:
            other = folders.setdefault(slug(name), name)
            if other != name:
                raise UserError(
                    f"report.baselines: '{other}' and '{name}' would be tuned in one folder, tune-{slug(name)}: rename one."
                )
