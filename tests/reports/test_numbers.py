"""The numbers of a report equal those of their definitions, computed here by other means."""

import dataclasses

import numpy as np
import pytest
from scipy import stats

from discover import Comparison
from discover.reports.candidate_plots import pareto_front
from discover.reports.numbers import Numbers, numbers_of
from discover.reports.scores import scores_of


@pytest.fixture
def numbers(two: Comparison) -> Numbers:
    return numbers_of(two)


def normalized(comparison: Comparison, name: str) -> np.ndarray:
    """Scores ``[S, T]``: -1 is 0 and 3 is 1, see the fixture."""
    return np.stack([(training.returns + 1) / 4 for training in comparison.trainings[name]], axis=1)


@pytest.mark.parametrize("name", ["mine", "other"])
def test_scores_and_aggregates(numbers: Numbers, two: Comparison, name: str) -> None:
    scores = normalized(two, name)
    np.testing.assert_allclose(numbers.scores.by_name[name], scores, atol=1e-12)
    overall = numbers.overall[name]
    assert overall["IQM"].estimate == pytest.approx(stats.trim_mean(scores.ravel(), 0.25), abs=1e-6)
    assert overall["mean"].estimate == pytest.approx(sum(scores.ravel().tolist()) / 8, abs=1e-6)
    assert overall["median"].estimate == pytest.approx(np.sort([scores[:, t].mean() for t in range(2)]).mean(), abs=1e-6)
    gap = sum(1 - score for score in scores.ravel().tolist() if score < 1) / 8
    assert overall["optimality gap"].estimate == pytest.approx(gap, abs=1e-6)
    for threshold, share in zip(numbers.thresholds, numbers.profiles[name].share, strict=True):
        assert share == pytest.approx(sum(score > threshold for score in scores.ravel().tolist()) / 8, abs=1e-6)


def test_the_probability_of_improvement_per_run_and_over_all(numbers: Numbers, two: Comparison) -> None:
    by_run = []
    for mine, other in zip(two.trainings["mine"], two.trainings["other"], strict=True):
        by_run.append(stats.mannwhitneyu(mine.returns, other.returns).statistic / 16)
    assert [each.estimate for each in numbers.improvements_by_run["other"]] == pytest.approx(by_run, abs=1e-6)
    assert numbers.improvements["other"].estimate == pytest.approx(sum(by_run) / 2, abs=1e-6)


def test_returns_and_differences_are_those_of_the_interquartile_means(two: Comparison) -> None:
    for row in two.rows():
        place = [run.task for run in two.runs].index(row["task"])
        mine, other = (float(stats.trim_mean(two.trainings[name][place].returns, 0.25)) for name in ("mine", "other"))
        assert row["iqm"] == pytest.approx(mine if row["candidate"] == "mine" else other, abs=1e-6)
        if row["candidate"] == "other":
            assert row["first_minus_this"]["estimate"] == pytest.approx(mine - other, abs=1e-6)


def test_costs_are_of_one_lifetime_and_mark_the_front(numbers: Numbers) -> None:
    costs = {(cost.name, cost.run.task): cost for cost in numbers.costs}
    assert costs["mine", "payday"].env_steps == 100
    assert costs["mine", "late-payday"].seconds == 2.0
    front = {key for key, cost in costs.items() if cost.cheapest_in_steps}
    assert front == {("other", "payday"), ("mine", "late-payday")}


def test_the_front_has_every_point_that_no_other_dominates() -> None:
    generator = np.random.default_rng(0)
    curves = [
        (np.sort(generator.integers(0, 30, 20)).astype(float), generator.integers(0, 9, 20).astype(float)) for _ in range(3)
    ]
    points = {(x, y) for xs, ys in curves for x, y in zip(xs.tolist(), ys.tolist(), strict=True)}
    expected = {(x, y) for x, y in points if not any(a <= x and b >= y and (a, b) != (x, y) for a, b in points)}
    x, y = pareto_front(curves)
    assert set(zip(x.tolist(), y.tolist(), strict=True)) == expected
    assert (np.diff(x) > 0).all()


def test_a_broken_seed_has_the_worst_score(compared: object) -> None:
    comparison = compared({"a": [[np.nan, 1.0, 2.0], [1.0, 1.0, 1.0]], "b": [[-2.0, 0.0, 0.0], [0.0, 0.0, 0.0]]})  # type: ignore[operator]
    scores = scores_of(comparison)
    assert scores.by_name["a"][0].tolist() == [-0.25, 0.5]  # as the worst seed of b
    assert scores.notes == ("1 broken seeds count with the worst score of their run.",)


def test_tasks_without_references_are_scaled_by_the_report(two: Comparison) -> None:
    bare = {name: [dataclasses.replace(t, references=None) for t in of_one] for name, of_one in two.trainings.items()}
    scores = scores_of(dataclasses.replace(two, trainings=bare))
    assert [scale[:] for scale in scores.scales] == [(0.0, 4.0, False), (0.0, 3.5, False)]
    assert scores.by_name["other"][3].tolist() == [1.0, 1.0 / 3.5]
    assert scores.notes[0].startswith("No references are known for late-payday, payday")


def test_one_seed_has_estimates_without_intervals(compared: object) -> None:
    numbers = numbers_of(compared({"a": [[1.0], [3.0]], "b": [[0.0], [5.0]]}))  # type: ignore[operator]
    low, estimate, high = numbers.overall["a"]["mean"]
    assert estimate == 0.75
    assert np.isnan([low, high]).all()
    assert numbers.improvements["b"].estimate == 0.5
