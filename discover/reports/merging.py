"""Several comparisons as one: candidates of different comparisons on the same tasks and steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from discover.base.errors import UserError
from discover.contract.events import TaskRun
from discover.contract.results import Comparison, Training
from discover.evaluation.compare import judged
from discover.reports.source import Source


class Merged(NamedTuple):
    """The comparison of all candidates of several sources, and notes on what that means."""

    comparison: Comparison | None
    notes: tuple[str, ...]


def merged(sources: Sequence[Source]) -> Merged:
    """The comparison of all candidates in several sources, on the runs that all of them have.

    A candidate that two sources have with the same returns is there once; one with the same name and other returns gets the
    label of its source.

    Raises:
        UserError: no run is in all sources that have a comparison.
    """
    having = [source for source in sources if source.comparison is not None]
    if not having:
        return Merged(None, ())
    if len(having) == 1:
        return Merged(having[0].comparison, ())
    runs, notes = _common_runs(having)
    trainings: dict[str, list[Training]] = {}
    for source in having:
        assert source.comparison is not None
        for name in source.comparison.candidates:
            of_one = _on(source.comparison, name, runs)
            known = trainings.get(name)
            if known is None:
                trainings[name] = of_one
            elif not _same(known, of_one):
                trainings[_free(f"{name} ({source.label})", trainings)] = of_one
    streams = {(training.stream, len(training.returns)) for of_one in trainings.values() for training in of_one}
    if len(streams) > 1 or "" in {stream for stream, _ in streams}:
        told = ", ".join(sorted(f"{count} of '{stream or 'unknown'}'" for stream, count in streams))
        notes.append(f"Seeds differ between the sources ({told}), so that candidates are compared on different seeds.")
    first = having[0].comparison
    assert first is not None
    first_notes: dict[Any, str] = dict(zip(first.runs, first.notes, strict=True))
    suite = [run for each in first.suite[:1] for run in each.runs if run in runs]
    together = judged(trainings, runs, [first_notes[run] for run in runs], first.provenance, suite=suite)
    notes.append("Verdicts and intervals of differences are corrected for all candidates and runs of this report together.")
    return Merged(together, tuple(notes))


def _common_runs(sources: Sequence[Source]) -> tuple[list[TaskRun], list[str]]:
    every = [list(source.comparison.runs) for source in sources if source.comparison is not None]
    common = [run for run in every[0] if all(run in runs for runs in every)]
    if not common:
        told = "; ".join(
            f"'{source.label}' has {', '.join(run.label for run in runs)}" for source, runs in zip(sources, every, strict=True)
        )
        raise UserError(f"these sources have no task with the same steps in common ({told}): report them one by one.")
    dropped = sorted({run.label for runs in every for run in runs if run not in common})
    return common, [f"Not in all sources, and left out: {', '.join(dropped)}."] if dropped else []


def _on(comparison: Comparison, name: str, runs: Sequence[TaskRun]) -> list[Training]:
    """The trainings of a candidate on some runs."""
    by_run = dict(zip(comparison.runs, comparison.trainings[name], strict=True))
    return [by_run[run] for run in runs]


def _same(some: Sequence[Training], others: Sequence[Training]) -> bool:
    """Whether two candidates have the same returns, seed by seed."""
    return all(np.array_equal(a.returns, b.returns, equal_nan=True) for a, b in zip(some, others, strict=True))


def _free(name: str, taken: dict[str, list[Training]]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name} {number}"
    return free
