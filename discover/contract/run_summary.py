"""A run in a few words, for the listing of `discover runs`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

KINDS = ("search", "comparison", "training", "adaptation", "ablation")
"""The kinds of runs that are listed."""


@dataclass(frozen=True)
class RunSummary:
    """A search, a comparison, a training, an adaptation or an ablation.

    Attributes:
        kind: one of `KINDS`.
        name: its name, not unique.
        started: seconds since 1970 when it began.
        status: ``running``, ``finished``, ``failed`` or ``killed``; ``unfinished`` where more is not known.
        run_id: its id in the tracking store; empty if it is not tracked.
        verdict: the sentence in which its result is put; empty without one.
        best: the figure in which its result is put (the champion's fitness, the interquartile mean); None without one.
        best_name: the candidate that has it, in a comparison; else empty.
        directory: that of a search, as it was recorded; None for anything else.
    """

    kind: str
    name: str
    started: float
    status: str
    run_id: str = ""
    verdict: str = ""
    best: float | None = None
    directory: Path | None = None
    best_name: str = ""
