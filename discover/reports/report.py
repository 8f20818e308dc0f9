"""A report: its numbers as text, as JSON and as a page."""

from __future__ import annotations

import functools
import json
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from discover.base.bootstrap import Interval
from discover.base.errors import UserError
from discover.contract.results import Comparison
from discover.reports import tables
from discover.reports.effects import Effect, Effects, effects_of
from discover.reports.merging import merged
from discover.reports.numbers import Numbers, numbers_of
from discover.reports.page import MARK, page
from discover.reports.sections import sections_of
from discover.reports.source import Source
from discover.storage.array_file import write_atomically
from discover.storage.files import checked_path


@dataclass(frozen=True, repr=False)
class Report:
    """A report of one source or several. It prints as its tables.

    Attributes:
        sources: searches, comparisons and trainings.
        numbers: of all candidates together; None if no source has any.
        effects: which choice paid, one per source; None where a source is no search.
        notes: sentences on what is missing, and on what the sources have in common.
    """

    sources: Sequence[Source]
    numbers: Numbers | None
    effects: Sequence[Effects | None]
    notes: Sequence[str]

    @property
    def comparison(self) -> Comparison | None:
        """The comparison of all candidates; None if no source has any."""
        return None if self.numbers is None else self.numbers.comparison

    @property
    def title(self) -> str:
        """The names of the sources."""
        return "; ".join(dict.fromkeys(f"{source.kind.capitalize()} {source.name}" for source in self.sources))

    @property
    def verdict(self) -> str:
        """The verdict of the comparison, or a sentence that there is none."""
        return "No candidates are compared here." if self.comparison is None else self.comparison.verdict

    def __repr__(self) -> str:
        parts = [self.title, self.verdict, *self.notes]
        if self.numbers is not None:
            parts += [tables.returns_table(self.numbers.comparison).text(), tables.overall_table(self.numbers).text()]
            parts += [*self.numbers.scores.notes]
        for source in self.sources:
            if source.ablation is not None:
                parts += [tables.ablation_table(source.ablation).text(), source.ablation.verdict]
        parts += [tables.effects_table(each).text() for each in self.effects if each is not None]
        return "\n\n".join(parts)

    def facts(self) -> dict[str, Any]:
        """All numbers of the report, as values that JSON can hold."""
        facts = {
            "sources": [
                {"address": s.label, "kind": s.kind, "name": s.name, **s.facts, "provenance": s.provenance}
                for s in self.sources
            ],
            "notes": list(self.notes),
            "verdict": self.verdict,
            "table": [] if self.comparison is None else self.comparison.rows(),
            **({} if self.numbers is None else _facts_of(self.numbers)),
            "ablations": {source.name: source.ablation.values() for source in self.sources if source.ablation is not None},
            "effects": {
                source.name: [_effect_facts(effect) for effect in each.effects]
                for source, each in zip(self.sources, self.effects, strict=True)
                if each is not None
            },
        }
        return json.loads(json.dumps(_plain(facts), allow_nan=False, default=str))

    def html(self) -> str:
        """The page: one HTML file with everything in it.

        Raises:
            UserError: plotly is not installed.
        """
        verdict = [self.verdict, *self.notes, *(self.numbers.scores.notes if self.numbers else ())]
        names = list(self.comparison.candidates) if self.comparison else []
        return page(self.title, verdict, sections_of(self.sources, self.numbers, self.effects), names)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page to a file; an earlier report in its place is replaced, any other file is not.

        Raises:
            UserError: plotly is not installed, or the file cannot be written.
        """
        place = check_place(path)
        write_atomically(place, self.html().encode())
        return place


def report_on(sources: Sequence[Source]) -> Report:
    """The report of some sources: candidates of different ones are compared on the runs that all have.

    Raises:
        UserError: there is no source, or they have no run in common.
    """
    if not sources:
        raise UserError("a report needs a source: give the directory of a search, or the id of a tracked run.")
    labels = [source.label for source in sources]
    for label in labels:
        if labels.count(label) > 1:
            raise UserError(f"'{label}' is given twice: leave one out.")
    comparison, notes = merged(sources)
    return Report(
        sources=tuple(sources),
        numbers=None if comparison is None else numbers_of(comparison),
        effects=tuple(None if s.population is None else effects_of(s.population) for s in sources),
        notes=(*(note for source in sources for note in source.notes), *notes),
    )


def check_place(path: str | os.PathLike[str]) -> Path:
    """Check that a report can be written to a file, before any work is done.

    Raises:
        UserError: it is a folder, its folder does not exist, or it is a file that is no report.
    """
    place = checked_path(path, "report")
    if place.is_dir() or not place.name:
        raise UserError(f"the report '{place}' cannot be written (it is a folder): give the name of a file.")
    if not place.parent.is_dir():
        raise UserError(
            f"the report '{place}' cannot be written (there is no folder '{place.parent}'): make it, or give another."
        )
    if place.exists() and not _is_report(place):
        raise UserError(f"'{place}' is there already and is no report: give another name (--html).")
    if not os.access(place.parent, os.W_OK):
        raise UserError(f"the report '{place}' cannot be written (no permission): give another place (--html).")
    return place


def _is_report(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return MARK.encode() in file.read(4096)
    except OSError:
        return False


def _facts_of(of: Numbers) -> dict[str, Any]:
    names = of.comparison.candidates
    return {
        "normalization": [
            {"task": run.task, "steps": run.steps, **scale._asdict()}
            for run, scale in zip(of.comparison.runs, of.scores.scales, strict=True)
        ],
        "overall": of.overall,
        "performance_profile": {"thresholds": of.thresholds, **{name: of.profiles[name].share for name in names}},
        "probability_of_improvement": {
            other: {"overall": of.improvements[other], "by_run": list(of.improvements_by_run[other])}
            for other in of.improvements
        },
        "costs": [{**cost._asdict(), "run": cost.run.label} for cost in of.costs],
    }


def _effect_facts(effect: Effect) -> dict[str, Any]:
    levels = [{key: value for key, value in level._asdict().items() if key != "periods"} for level in effect.levels]
    return {**effect._asdict(), "levels": levels}


@functools.singledispatch
def _plain(value: object) -> Any:
    """A value as JSON can hold it; NaN and infinity become None."""
    return value


@_plain.register
def _(value: dict) -> Any:
    return {str(key): _plain(inner) for key, inner in value.items()}


@_plain.register(list)
@_plain.register(tuple)
def _(value: Sequence[object]) -> Any:
    if isinstance(value, Interval):
        return _plain({"low": value.low, "estimate": value.estimate, "high": value.high})
    return [_plain(inner) for inner in value]


@_plain.register
def _(value: np.ndarray) -> Any:
    return _plain(value.tolist())


@_plain.register
def _(value: float) -> Any:
    return float(value) if math.isfinite(value) else None
