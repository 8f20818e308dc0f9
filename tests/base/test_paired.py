"""Paired differences: exact sign flips, intervals of means, and false verdicts as rare as promised."""

import numpy as np
import pytest

from discover.base.paired import paired_differences, sign_flip_p_value


def test_the_p_value_is_the_share_of_flips_with_as_large_a_mean() -> None:
    assert sign_flip_p_value(np.array([1.0, 2.0, 3.0])) == 2 / 8
    assert sign_flip_p_value(np.array([-1.0, 2.0, 3.0])) == 4 / 8  # of sums 4 and 6, each with its mirror image
    assert sign_flip_p_value(np.zeros(4)) == 1.0
    many = sign_flip_p_value(np.ones(20))
    assert 1 / 20_001 <= many < 1e-3


def test_what_pays_on_few_seeds_counts() -> None:
    """An interquartile mean of these would be zero."""
    (one,) = paired_differences(np.array([[1.0] * 7 + [0.0] * 25]))
    assert one.interval.estimate == pytest.approx(7 / 32)
    assert one.interval.low > 0.0
    assert one.verdict == "better"


def test_verdicts_are_corrected_over_all_differences() -> None:
    clear, none = np.full(8, -1.0), np.array([1.0, -1.0] * 4)
    assert [each.verdict for each in paired_differences(np.array([clear, none]))] == ["worse", "no difference"]
    assert paired_differences(np.array([clear, none]))[0].p_value == 4 / 256
    assert [each.verdict for each in paired_differences(np.array([clear[:4]]))] == ["too few seeds"]
    assert paired_differences(np.zeros((0, 8))) == []


def test_where_nothing_differs_a_verdict_is_rare() -> None:
    draws = np.random.default_rng(0).normal(size=(60, 6, 8))
    wrong = sum(any(each.verdict in ("better", "worse") for each in paired_differences(some)) for some in draws)
    assert wrong <= 0.05 * 60 + 3 * np.sqrt(0.05 * 0.95 * 60)


def test_over_a_suite_the_mean_of_tasks_counts_and_seeds_are_drawn_again_within_each() -> None:
    """Tasks that differ much from each other, and not within: nothing is uncertain about their mean."""
    of_tasks = np.broadcast_to([3.0, -1.0], (8, 2))
    (one,) = paired_differences(of_tasks[None])
    assert tuple(one.interval) == (1.0, 1.0, 1.0)
    flat = paired_differences(of_tasks.reshape(1, 16))[0].interval
    assert flat.low < 0.5 < 1.5 < flat.high


def test_over_a_suite_where_nothing_differs_a_verdict_is_rare() -> None:
    draws = np.random.default_rng(1).normal(size=(80, 2, 8, 5)) * np.array([1.0, 0.1, 3.0, 1.0, 1.0])
    wrong = sum(any(each.verdict in ("better", "worse") for each in paired_differences(some)) for some in draws)
    assert wrong <= 0.05 * 80 + 3 * np.sqrt(0.05 * 0.95 * 80)
