"""Comparisons over a suite of tasks in one number."""

import dataclasses
from typing import Any

import numpy as np
import pytest
import toys

from discover import Comparison, Executor, TaskRun, UserError, save_comparison
from discover.config.build import algorithm_from, component_from
from discover.evaluation.compare import compare, judged
from discover.evaluation.comparison_file import load_comparison

REGISTRY = toys.plugins().registry
RUNS = [TaskRun("payday", 40), TaskRun("payday", 80)]


def candidates() -> dict[str, Any]:
    steep = {"recipe": "climb", "rule": {"toy_climb": {"slope": 2.0}}}
    return {name: algorithm_from(REGISTRY, words) for name, words in (("steep", steep), ("flat", "climb"))}


def compared(suite: list[TaskRun]) -> Comparison:
    return compare(REGISTRY, component_from(REGISTRY, Executor, "local", "executor"), candidates(), RUNS, seeds=6, suite=suite)


@pytest.fixture(scope="module")
def both() -> Comparison:
    return compared(RUNS)


def test_it_is_the_mean_over_tasks_and_seeds_of_the_difference_of_normalized_areas(both: Comparison) -> None:
    (found,) = both.suite
    differences = []
    for steep, flat in zip(both.trainings["steep"], both.trainings["flat"], strict=True):
        assert steep.references is not None
        random, reference = steep.references
        differences.append((steep.curves.mean() - flat.curves.mean()) / (reference - random))
    assert found.interval.estimate == pytest.approx(np.mean(differences), rel=1e-5)
    assert (found.candidate, found.baseline, tuple(found.runs)) == ("steep", "flat", tuple(RUNS))
    assert both.verdict.startswith(
        f"Over the suite of 2 tasks, in normalized area under the curve, steep has {found.interval.estimate:+.3f} ["
    )


def test_tasks_that_are_not_in_the_suite_do_not_count(both: Comparison) -> None:
    one = judged(both.trainings, RUNS, ("", ""), {}, suite=RUNS[:1])
    assert one.suite[0].runs == (RUNS[0],)
    assert one.suite[0].interval != both.suite[0].interval
    assert judged(both.trainings, RUNS, ("", ""), {}).suite == []
    assert one.differences == both.differences


def test_a_task_on_which_a_seed_broke_is_left_out(both: Comparison) -> None:
    first = both.trainings["flat"][0]
    broken = dataclasses.replace(first, status=np.ones_like(first.status))
    trainings = {**both.trainings, "flat": [broken, both.trainings["flat"][1]]}
    (found,) = judged(trainings, RUNS, ("", ""), {}, suite=RUNS).suite
    assert found.runs == (RUNS[1],)
    assert judged(trainings, RUNS, ("", ""), {}, suite=RUNS[:1]).suite == []


def test_it_comes_back_from_a_file(both: Comparison, tmp_path: Any) -> None:
    again = load_comparison(save_comparison(tmp_path / "it.comparison", both), REGISTRY)
    assert again.suite == both.suite


def test_a_task_without_a_scale_is_refused_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("discover.evaluation.suite.references_of", lambda registry, task: None)
    monkeypatch.setattr("discover.evaluation.compare.train_checked", lambda *_, **__: pytest.fail("something ran"))
    with pytest.raises(UserError, match="task 'payday' has no random and reference return"):
        compared(RUNS)
