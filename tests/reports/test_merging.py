"""Several sources together: candidates on the same runs are compared, and what differs is said."""

from collections.abc import Callable

import numpy as np
import pytest

from discover import Comparison, TaskRun, UserError
from discover.reports.merging import merged
from discover.reports.source import Source

Compared = Callable[..., Comparison]
SHORT, LONG = TaskRun("payday", 100), TaskRun("payday", 900)


def source(label: str, comparison: Comparison | None) -> Source:
    return Source(label, "comparison", label, comparison=comparison)


def test_one_source_is_as_it_was(two: Comparison) -> None:
    assert merged([source("x", two)]) == (two, ())
    assert merged([source("x", None)]) == (None, ())


def test_candidates_of_two_comparisons_are_compared_on_the_runs_that_both_have(compared: Compared) -> None:
    first = compared({"a": [[1, 2, 3, 4, 5]], "ppo": [[0, 0, 1, 1, 0]]}, [SHORT])
    second = compared({"b": [[2, 2, 3, 3, 2], [9] * 5], "ppo": [[0, 0, 1, 1, 0], [8] * 5]}, [SHORT, LONG])
    together, notes = merged([source("x", first), source("y", second)])
    assert together is not None
    assert list(together.candidates) == ["a", "ppo", "b"]  # ppo had the same returns in both
    assert list(together.runs) == [SHORT]
    assert [difference.baseline for difference in together.differences] == ["ppo", "b"]
    np.testing.assert_array_equal(together.trainings["b"][0].returns, [2, 2, 3, 3, 2])
    assert notes[0] == "Not in all sources, and left out: payday @ 900."
    assert len(notes) == 2


def test_other_results_of_the_same_name_stay_apart_and_other_seeds_are_said(compared: Compared) -> None:
    first = compared({"ppo": [[1, 2, 3]]}, [SHORT])
    second = compared({"ppo": [[1, 2, 4]]}, [SHORT], "report 7")
    together, notes = merged([source("x", first), source("y", second)])
    assert together is not None
    assert list(together.candidates) == ["ppo", "ppo (y)"]
    assert notes[0].startswith("Seeds differ between the sources (3 of 'report 0', 3 of 'report 7')")


def test_sources_without_a_common_run_are_refused(compared: Compared) -> None:
    first, second = compared({"a": [[1, 2]]}, [SHORT]), compared({"a": [[1, 2]]}, [LONG])
    with pytest.raises(UserError) as caught:
        merged([source("x", first), source("y", second)])
    assert str(caught.value) == (
        "these sources have no task with the same steps in common ('x' has payday @ 100; 'y' has payday @ 900): report them "
        "one by one."
    )
