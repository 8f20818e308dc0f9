"""The baselines of a report, as they are built from its config."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from discover.contract.algorithm import Algorithm


@dataclass(frozen=True)
class Baseline:
    """A candidate beside which the champion of a search is compared, or a space that is searched for one first.

    Attributes:
        template: the candidate; the space, with its open values, where the baseline is tuned.
        space: ``template`` as the config writes it, where the baseline is tuned; else None.
    """

    template: Algorithm
    space: Any = None
