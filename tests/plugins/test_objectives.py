"""Objectives: worked examples, and NaN that stays with its member."""

from collections.abc import Sequence

import numpy as np
import pytest
from discover_zoo.objectives.area_under_curve import AreaUnderCurve
from discover_zoo.objectives.final_return import FinalReturn
from discover_zoo.objectives.mixed import Mixed

from discover import Objective, TaskReturns, UserError
from discover.components.paths import check

OBJECTIVES = [FinalReturn(), AreaUnderCurve(), Mixed()]


def climbing(seeds: Sequence[float], low: float = 0.0, high: float = 100.0) -> np.ndarray:
    """``[1, S, 100]``: each seed's curve rises evenly from ``low`` to ``high``, and is scaled by the seed's factor."""
    return (np.asarray(seeds)[:, None] * np.linspace(low, high, 100))[None]


def test_the_final_return_is_the_mean_of_the_last_rows_on_each_tasks_own_scale() -> None:
    tasks = [TaskReturns(climbing([1.0, 0.5]), 0.0, 100.0), TaskReturns(climbing([1.0], -200.0, -100.0), -200.0, -100.0)]
    last = np.mean(np.linspace(0.0, 1.0, 100)[-10:])
    assert FinalReturn()(tasks) == pytest.approx([(0.75 * last + last) / 2])
    assert FinalReturn(rows=1)(tasks) == pytest.approx([(0.75 + 1.0) / 2])


def test_the_area_is_the_mean_of_the_whole_curve() -> None:
    tasks = [TaskReturns(climbing([1.0, 0.5]), 0.0, 100.0), TaskReturns(climbing([1.0], -200.0, -100.0), -200.0, -100.0)]
    assert AreaUnderCurve()(tasks) == pytest.approx([(0.375 + 0.5) / 2])
    assert FinalReturn(rows=100)(tasks) == pytest.approx(AreaUnderCurve()(tasks))


def test_the_mixed_objective_is_half_of_each_bounded_task_by_task() -> None:
    usual, poor = TaskReturns(climbing([1.0, 0.5]), 0.0, 100.0), TaskReturns(climbing([-9.0]), 0.0, 100.0)
    both = (AreaUnderCurve()([usual]) + FinalReturn(rows=5)([usual])) / 2
    assert Mixed(rows=5)([usual]) == pytest.approx(both)
    assert Mixed(rows=5)([usual, poor]) == pytest.approx((both - 0.2) / 2)
    assert Mixed(high=0.5)([usual, TaskReturns(climbing([9.0]), 0.0, 100.0)]) == pytest.approx([0.5])


@pytest.mark.parametrize("objective", OBJECTIVES, ids=repr)
def test_random_is_zero_and_the_reference_one(objective: Objective) -> None:
    returns = np.stack([np.full((3, 100), -1200.0), np.full((3, 100), -150.0)])
    assert objective([TaskReturns(returns, -1200.0, -150.0)]) == pytest.approx([0.0, 1.0])


@pytest.mark.parametrize("objective", OBJECTIVES, ids=repr)
@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_a_broken_curve_makes_its_own_member_nan_and_no_other(objective: Objective, broken: float) -> None:
    tasks = [TaskReturns(np.ones((3, 2, 100), np.float32), 0.0, 2.0) for _ in range(2)]
    tasks[1].returns[1, 0, -1] = broken
    tasks[0].returns[1, 0, -1] = -broken
    fitness = objective(tasks)
    assert fitness.shape == (3,)
    assert np.isnan(fitness[1])
    assert fitness[[0, 2]] == pytest.approx([0.5, 0.5])


def test_more_rows_than_a_curve_has_are_refused() -> None:
    check(FinalReturn(rows=100))
    for rows in (0, 101):
        with pytest.raises(UserError, match=rf"^rows of FinalReturn must lie in \[1, 100\]; got {rows}\.$"):
            check(FinalReturn(rows=rows))


def test_rows_before_the_last_ones_do_not_matter_to_the_final_return() -> None:
    returns = np.ones((1, 1, 100))
    returns[..., :90] = np.nan
    assert FinalReturn()([TaskReturns(returns, 0.0, 1.0)]) == pytest.approx([1.0])
    assert np.isnan(AreaUnderCurve()([TaskReturns(returns, 0.0, 1.0)]))
