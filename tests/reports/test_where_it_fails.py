"""Where a candidate fails, by its comparison with others."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from discover import Comparison, TaskRun
from discover.base.statistics import Interval
from discover.contract.results import SuiteDifference
from discover.evaluation.where_it_fails import failures_in

DIFFERENCE = SuiteDifference("mine", "known", (TaskRun("payday", 100),), Interval(0.0, 0.0, 0.0), 1.0, "better")


def test_failures_are_what_is_worse_what_hardly_learns_and_what_breaks(compared: Callable[..., Comparison]) -> None:
    jitter = np.linspace(-0.01, 0.01, 8)
    good, poor = list(2.0 + jitter), list(-0.8 + jitter)
    assert failures_in(compared({"mine": [good, good], "known": [poor, poor]})) == []
    assert failures_in(compared({"mine": [good, poor], "known": [poor, good]})) == [
        "worse than known on late-payday @ 400",
        "learns hardly anything on late-payday @ 400: 5% of the way to the reference",
    ]
    suite = [replace(DIFFERENCE, verdict=verdict) for verdict in ("better", "no difference", "worse", "too few seeds")]
    some = replace(compared({"mine": [good, good], "known": [poor, poor]}), suite=suite)
    assert failures_in(some) == ["not better than known over the suite", "worse than known over the suite"]
    broken = [*good[:-1], float("nan")]
    assert failures_in(compared({"mine": [good, broken], "known": [good, good]})) == [
        "breaks with some seeds on late-payday @ 400"
    ]
