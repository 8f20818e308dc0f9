"""When a comparison makes a version the champion."""

from collections.abc import Sequence

import pytest

from discover import Comparison, Difference, Interval, TaskRun
from discover.evaluation.promotion import is_better

RUNS = (TaskRun("payday", 40), TaskRun("payday", 80))


def compared(verdicts: Sequence[str]) -> Comparison:
    """A comparison on two runs, with differences on as many of them as there are verdicts."""
    differences = [
        Difference("new", "old", run, Interval(0.0, 1.0, 2.0), 0.01, verdict)
        for run, verdict in zip(RUNS, verdicts, strict=False)
    ]
    return Comparison(("new", "old"), RUNS, notes=("", ""), trainings={}, differences=differences, verdict="", provenance={})


@pytest.mark.parametrize(
    ("verdicts", "better"),
    [
        (["better", "better"], True),
        (["no difference", "better"], True),
        (["no difference", "no difference"], False),
        (["better", "worse"], False),
        (["better"], False),  # a seed broke in the other run, of one candidate or the other
        (["too few seeds", "too few seeds"], False),
        ([], False),
    ],
)
def test_better_somewhere_and_worse_nowhere(verdicts: Sequence[str], better: bool) -> None:
    assert is_better(compared(verdicts)) is better
