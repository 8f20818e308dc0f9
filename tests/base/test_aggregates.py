"""Aggregates over tasks equal an independent computation from their definitions: loops, and scipy."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from discover.base.aggregates import AGGREGATES, aggregate_interval, improvement_interval, performance_profile
from discover.base.statistics import Interval, bootstrap_interval, interquartile_mean, probability_of_improvement

SHAPES = [(2, 1), (3, 2), (10, 3), (7, 5), (16, 4)]


def scores(seeds: int, tasks: int, shift: float = 0.0) -> np.ndarray:
    """Normalized scores with ties, of which some are above 1 and some below 0."""
    drawn = np.random.default_rng((seeds, tasks)).normal(0.6 + shift, 0.5, size=(seeds, tasks))
    return np.round(drawn, 1)


def iqm(values: np.ndarray) -> float:
    return float(stats.trim_mean(values.ravel(), 0.25))


def median(values: np.ndarray) -> float:
    means = sorted(math.fsum(column) / len(column) for column in values.T.tolist())
    middle = len(means) // 2
    return means[middle] if len(means) % 2 else (means[middle - 1] + means[middle]) / 2


def mean(values: np.ndarray) -> float:
    return math.fsum(values.ravel().tolist()) / values.size


def gap(values: np.ndarray) -> float:
    return 1 - math.fsum(min(value, 1.0) for value in values.ravel().tolist()) / values.size


DEFINITIONS: dict[str, Callable[[np.ndarray], float]] = {"IQM": iqm, "median": median, "mean": mean, "optimality gap": gap}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", DEFINITIONS)
def test_an_aggregate_is_that_of_its_definition(name: str, shape: tuple[int, int]) -> None:
    values = scores(*shape)
    expected = DEFINITIONS[name](values)
    assert float(AGGREGATES[name](values)) == pytest.approx(expected, abs=1e-6)
    interval = aggregate_interval(values, AGGREGATES[name], resamples=400)
    assert interval.estimate == pytest.approx(expected, abs=1e-6)
    assert interval.low <= interval.estimate <= interval.high
    several = AGGREGATES[name](np.stack([values, values + 0.1]))
    assert several == pytest.approx([expected, DEFINITIONS[name](values + 0.1)], abs=1e-6)


def test_every_aggregate_has_a_definition_here() -> None:
    assert set(DEFINITIONS) == set(AGGREGATES)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_profile_is_the_share_of_runs_above_each_threshold(shape: tuple[int, int]) -> None:
    values, thresholds = scores(*shape), [-1.0, 0.0, 0.3, 0.5, 1.0, 2.5]
    profile = performance_profile(values, thresholds)
    for place, threshold in enumerate(thresholds):
        expected = sum(value > threshold for value in values.ravel().tolist()) / values.size
        assert profile.share[place] == pytest.approx(expected, abs=1e-6)
    assert (profile.low <= profile.share).all()
    assert (profile.share <= profile.high).all()
    assert 0 <= profile.low.min() <= profile.high.max() <= 1


def test_the_profile_of_one_seed_has_no_band() -> None:
    profile = performance_profile([[0.2, 0.8]], [0.5])
    assert profile.share.tolist() == [0.5]
    assert np.isnan([profile.low, profile.high]).all()


@pytest.mark.parametrize("shape", SHAPES)
def test_the_probability_of_improvement_is_that_of_all_pairs_and_of_mann_and_whitney(shape: tuple[int, int]) -> None:
    a, b = scores(*shape), scores(shape[0] + 1, shape[1], 0.2)
    shares = []
    for task in range(shape[1]):
        wins = [1.0 if x > y else 0.5 if x == y else 0.0 for x in a[:, task].tolist() for y in b[:, task].tolist()]
        shares.append(math.fsum(wins) / len(wins))
        u = stats.mannwhitneyu(a[:, task], b[:, task]).statistic
        assert shares[-1] == pytest.approx(u / len(wins), abs=1e-6)
    expected = math.fsum(shares) / len(shares)
    assert probability_of_improvement(a, b) == pytest.approx(expected, abs=1e-6)
    interval = improvement_interval(a, b)
    assert interval.estimate == pytest.approx(expected, abs=1e-6)
    assert 0 <= interval.low <= interval.estimate <= interval.high <= 1


def test_the_interval_of_the_mean_has_the_width_that_theory_gives() -> None:
    """For many seeds the bootstrap's standard error of a mean over tasks is that of the textbook."""
    values = np.random.default_rng(3).normal(size=(400, 3)) * [1.0, 2.0, 4.0]
    low, estimate, high = aggregate_interval(values, AGGREGATES["mean"])
    error = math.sqrt(sum(values[:, task].var() / 400 for task in range(3))) / 3
    assert (high - low) / (2 * 1.96) == pytest.approx(error, rel=0.05)
    assert estimate == pytest.approx(values.mean(), abs=1e-6)


def test_the_band_of_a_profile_has_the_width_that_theory_gives() -> None:
    values = np.random.default_rng(4).normal(size=(400, 2))
    profile = performance_profile(values, [0.0])
    error = math.sqrt(sum(np.var(values[:, task] > 0) / 400 for task in range(2))) / 2
    assert (profile.high - profile.low)[0] / (2 * 1.96) == pytest.approx(error, rel=0.1)


def test_the_interval_of_an_improvement_has_the_width_that_theory_gives() -> None:
    """The variance of the Mann-Whitney statistic of equal samples is (n + m + 1) / (12 n m)."""
    generator = np.random.default_rng(5)
    interval = improvement_interval(generator.normal(size=300), generator.normal(size=200))
    error = math.sqrt(501 / (12 * 300 * 200))
    assert (interval.high - interval.low) / (2 * 1.96) == pytest.approx(error, rel=0.1)


def test_seeds_are_drawn_within_their_task() -> None:
    """Tasks that differ by far widen nothing: each has as many seeds in every draw."""
    assert aggregate_interval([[0.0, 100.0]] * 4, AGGREGATES["mean"]) == Interval(50.0, 50.0, 50.0)
    assert performance_profile([[0.0, 100.0]] * 4, [50.0])[0] == [0.5]


@pytest.mark.parametrize("size", [2, 3, 4, 5, 8, 10, 16, 33])
def test_the_interquartile_mean_and_the_estimate_of_its_interval_are_scipys(size: int) -> None:
    values = scores(size, 1).ravel()
    expected = float(stats.trim_mean(values, 0.25))
    assert float(interquartile_mean(values)) == pytest.approx(expected, abs=1e-6)
    assert bootstrap_interval(values, resamples=400).estimate == pytest.approx(expected, abs=1e-6)
