"""Candidates compared over a suite of tasks in one number: the mean of normalized areas under their learning curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from discover.base.errors import UserError
from discover.base.paired import paired_differences
from discover.contract.events import TaskRun
from discover.contract.registry import Registry
from discover.contract.results import SuiteDifference, Training
from discover.evaluation.train import references_of


def check_suite(registry: Registry, suite: Sequence[TaskRun]) -> None:
    """Check that each task of a suite has a random and a reference return, by which returns of different tasks are comparable.

    Raises:
        UserError: one has none.
    """
    for run in suite:
        if references_of(registry, run.task) is None:
            raise UserError(
                f"task '{run.task}' has no random and reference return, so that it cannot be part of a suite: leave it out, or "
                "register it with both."
            )


def suite_differences(
    trainings: Mapping[str, Sequence[Training]], runs: Sequence[TaskRun], suite: Sequence[TaskRun]
) -> list[SuiteDifference]:
    """The first candidate minus each other one, corrected together; none where a suite has no run without broken seeds.

    Args:
        trainings: one per run, by candidate name.
        runs: tasks and steps.
        suite: those of them that count.
    """
    first, *others = trainings
    pairs = []
    for other in others:
        places = [
            place
            for place, run in enumerate(runs)
            if run in suite and trainings[first][place].sound and trainings[other][place].sound
        ]
        if places:
            areas = [[normalized_areas(trainings[name][place]) for place in places] for name in (first, other)]
            pairs.append((other, tuple(runs[place] for place in places), (np.array(areas[0]) - np.array(areas[1])).T))
    judged = paired_differences([differences for *_, differences in pairs])
    return [
        SuiteDifference(first, other, chosen, interval=each.interval, p_value=each.p_value, verdict=each.verdict)
        for (other, chosen, _), each in zip(pairs, judged, strict=True)
    ]


def normalized_areas(training: Training) -> np.ndarray:
    """The mean return of each seed over the whole of training ``[S]``; 0 is a random policy, 1 the reference of the task."""
    assert training.references is not None
    random, reference = training.references
    return (training.curves.mean(axis=1, dtype=np.float64) - random) / (reference - random)


def suite_sentence(suite: Sequence[SuiteDifference]) -> str:
    """One sentence about all differences, with a blank after it; empty without any."""
    if not suite:
        return ""
    parts = []
    for each in suite:
        low, estimate, high = each.interval
        parts.append(f"{estimate:+.3f} [{low:.3f}, {high:.3f}] against {each.baseline}: {each.verdict}")
    count = max(len(each.runs) for each in suite)
    tasks = "task" if count == 1 else f"suite of {count} tasks"
    return f"Over the {tasks}, in normalized area under the curve, {suite[0].candidate} has " + "; ".join(parts) + ". "
