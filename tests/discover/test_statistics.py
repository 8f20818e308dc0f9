"""The statistics agree with textbook values, brute force and their own promises."""

import doctest
import itertools
from collections.abc import Callable

import numpy as np
import pytest

from discover import statistics
from discover.statistics import (
    FloatArray,
    bootstrap_interval,
    corrected_difference,
    difference_interval,
    difference_test,
    holm,
    interquartile_mean,
    probability_of_improvement,
)


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(0)


def test_the_examples_of_the_docstrings_run() -> None:
    outcome = doctest.testmod(statistics)
    assert outcome.attempted >= 6
    assert outcome.failed == 0


@pytest.mark.parametrize("n", range(1, 14))
def test_interquartile_mean_is_the_mean_of_what_is_left_after_cutting_a_quarter_at_each_end(
    random: np.random.Generator, n: int
) -> None:
    values = random.normal(size=(3, n))
    kept = [sorted(row)[int(0.25 * n) : n - int(0.25 * n)] for row in values.tolist()]
    expected = [sum(row) / len(row) for row in kept]
    assert interquartile_mean(values) == pytest.approx(expected)
    assert interquartile_mean(values.T, axis=0) == pytest.approx(expected)
    assert interquartile_mean(values, axis=None) == interquartile_mean(values.ravel())


def test_interquartile_mean_has_golden_values() -> None:
    # scipy.stats.trim_mean(values, 0.25)
    assert float(interquartile_mean([3, 1, 2])) == 2.0
    assert float(interquartile_mean([5, 1, 9, 100, -7])) == 5.0
    assert float(interquartile_mean([1, 2, 4, 8, 16, 32, 64, 128])) == 15.0


def test_interquartile_mean_of_a_constant_is_it_and_order_and_outliers_do_not_matter(
    random: np.random.Generator,
) -> None:
    values = random.normal(size=21)
    assert float(interquartile_mean(np.full(17, 2.5))) == 2.5
    assert interquartile_mean(random.permutation(values)) == interquartile_mean(values)
    assert float(interquartile_mean([*sorted(values)[:-1], 1e9])) == float(interquartile_mean(values))
    assert interquartile_mean(3 * values - 2) == pytest.approx(3 * interquartile_mean(values) - 2)


def test_bootstrap_interval_agrees_with_every_resample_there_is() -> None:
    scores = [0.0, 1.0, 3.0, 7.0]
    every = sorted(sum(draw) / 4 for draw in itertools.product(scores, repeat=4))
    low, estimate, high = bootstrap_interval(scores, np.mean, confidence=0.8, resamples=40_000)
    assert estimate == 2.75
    assert (low, high) == (every[int(0.1 * 256)], every[int(0.9 * 256)])


def test_interval_ends_at_the_ranks_whose_two_sided_p_value_is_alpha() -> None:
    def ranks(values: FloatArray, axis: int) -> FloatArray:
        return np.arange(1.0, 2000) if values.ndim == 2 else values.mean(axis=axis)

    assert bootstrap_interval([0, 1], ranks, resamples=1999) == (50, 0.5, 1950)


def test_bootstrap_interval_resamples_within_tasks_and_covers_all_of_them_together(
    random: np.random.Generator,
) -> None:
    scores = random.normal([0, 10, 100], size=(12, 3))
    low, estimate, high = bootstrap_interval(scores, np.mean, resamples=20_000)
    spread = np.sqrt(sum(scores.var(axis=0) / 12)) / 3  # of the mean, were tasks kept apart
    assert estimate == pytest.approx(scores.mean())
    assert high - low == pytest.approx(2 * 1.96 * spread, rel=0.05)
    assert bootstrap_interval(scores).estimate == float(interquartile_mean(scores, axis=None))
    assert bootstrap_interval(scores, np.median).estimate == np.median(scores)


def test_bootstrap_interval_covers_the_truth_as_often_as_it_says(random: np.random.Generator) -> None:
    trials = [bootstrap_interval(random.normal(size=30), resamples=1000) for _ in range(1000)]
    assert np.mean([low <= 0 <= high for low, _, high in trials]) == pytest.approx(0.95, abs=0.03)


def test_the_seed_alone_decides_the_resamples(random: np.random.Generator) -> None:
    scores = random.normal(size=9)
    assert bootstrap_interval(scores, seed=3) == bootstrap_interval(scores, seed=3)
    assert bootstrap_interval(scores, seed=3) != bootstrap_interval(scores, seed=4)


def test_a_difference_resamples_both_apart_unless_paired(random: np.random.Generator) -> None:
    b = random.normal(size=20)
    a = b + 0.25
    assert difference_interval(a, b, paired=True) == pytest.approx((0.25, 0.25, 0.25))
    assert difference_test(a, b, paired=True).verdict == "better"
    low, estimate, high = difference_interval(a, b)
    assert low < 0 < estimate < high
    apart = sum(bootstrap_interval(x, resamples=10_000).high - float(interquartile_mean(x)) for x in (a, b))
    assert high - estimate < apart  # variances add, standard deviations do not
    assert difference_interval(a, b[:7]).estimate == interquartile_mean(a) - interquartile_mean(b[:7])


def test_the_p_value_counts_resamples_beyond_zero_twice_and_is_never_zero() -> None:
    assert difference_test(range(100, 110), range(10)).p_value == 2 / 10_001
    assert difference_test(range(10), range(10), paired=True).p_value == 1
    a, b = [0.0, 1.0, 2.0], [0.0, 0.5, 0.5]
    means = [sum(draw) / 3 for x in (a, b) for draw in itertools.product(x, repeat=3)]
    beyond = np.mean([x <= y for x, y in itertools.product(means[:27], means[27:])])
    assert difference_test(a, b, resamples=40_000).p_value == pytest.approx(2 * beyond, rel=0.05)


def test_scores_that_are_equal_but_for_rounding_do_not_differ() -> None:
    a, b = np.full(7, 0.1), np.full(10, 0.1)
    assert interquartile_mean(a) != interquartile_mean(b)
    assert difference_test(a, b).verdict == "no difference"


def test_holm_has_textbook_values() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]).tolist() == [1, 1]
    assert holm([0.2]).tolist() == [0.2]


def test_holm_rejects_exactly_what_the_step_down_procedure_rejects(random: np.random.Generator) -> None:
    for _ in range(200):
        p_values = random.uniform(0, 0.1, size=6)
        rejected = set[int]()
        for step, k in enumerate(np.argsort(p_values).tolist()):
            if p_values[k] > 0.05 / (6 - step):
                break
            rejected.add(k)
        assert set(np.flatnonzero(holm(p_values) <= 0.05).tolist()) == rejected


@pytest.mark.parametrize("confidence", [0.8, 0.9, 0.95])
@pytest.mark.parametrize("resamples", [999, 1000, 1999])
def test_verdict_p_and_interval_agree(random: np.random.Generator, confidence: float, resamples: int) -> None:
    alpha = round(1 - confidence, 12)
    seen = set[str]()
    for _ in range(40):
        shifts = (-1.3, -0.7, 0, 0.7, 1.3)
        pairs = [(random.normal(shift, size=12), random.normal(size=12)) for shift in shifts]
        family = corrected_difference(pairs, False, confidence, max(resamples, int(100 / alpha)))
        for (low, _, high), p_value, verdict, level in family:
            assert (verdict == "better") == (low > 0)
            assert (verdict == "worse") == (high < 0)
            assert (verdict == "no difference") == (p_value > alpha)
            assert confidence - 1e-12 <= level <= 1 - alpha / 5 + 1e-12
            seen.add(verdict)
    assert seen == {"better", "worse", "no difference"}


def test_a_p_value_on_the_boundary_agrees_with_its_interval() -> None:
    ones, zeros, seen = [0, 1, 1, 1], [0, 0, 0, 0], set[float]()
    for seed in range(200):  # P(d = 0) = 13 / 256, so that p is about 0.1016
        better = difference_test(ones, zeros, True, 0.9, 399, seed)
        worse = difference_test(zeros, ones, True, 0.9, 399, seed)
        assert (better.verdict == "better") == (better.p_value <= 0.1)
        assert (worse.verdict == "worse") == (worse.p_value <= 0.1)
        seen.add(better.p_value)
    assert {38 / 400, 40 / 400, 42 / 400} <= seen


def test_after_the_first_failure_no_pair_passes_even_if_its_own_step_would_let_it(
    random: np.random.Generator,
) -> None:
    b = random.normal(size=30)
    b -= interquartile_mean(b)
    width = difference_interval(b, b).high
    alone = difference_test(b + 1.05 * width, b)
    assert alone.verdict == "better"
    assert 0.025 < alone.p_value <= 0.05
    together = corrected_difference([(b + 1.05 * width, b), (b + 1.05 * width, b)])
    assert [one.verdict for one in together] == ["no difference"] * 2
    assert [one.confidence for one in together] == [0.975] * 2


def test_each_pair_of_a_family_is_resampled_as_if_alone_and_p_values_are_holms(
    random: np.random.Generator,
) -> None:
    pairs = [(random.normal(shift, size=10), random.normal(size=15)) for shift in (0.5, 3, 1)]
    family = corrected_difference(pairs)
    assert [one.p_value for one in family] == holm([difference_test(a, b).p_value for a, b in pairs]).tolist()
    assert corrected_difference(pairs[::-1]) == family[::-1]
    for (a, b), one in zip(pairs, family, strict=True):
        assert difference_interval(a, b, confidence=one.confidence) == one.interval


def test_a_family_without_differences_gets_a_verdict_as_rarely_as_promised(
    random: np.random.Generator,
) -> None:
    scores = random.normal(size=(300, 4, 2, 20))
    families = [corrected_difference([*pairs], resamples=2000) for pairs in scores]
    share = np.mean([any(one.verdict != "no difference" for one in family) for family in families])
    assert share <= 0.09


def test_probability_of_improvement_counts_pairs_and_half_of_the_ties(random: np.random.Generator) -> None:
    a, b = random.integers(4, size=(7, 2)), random.integers(4, size=(5, 2))
    wins = [(x > y) + (x == y) / 2 for t in range(2) for x in a[:, t].tolist() for y in b[:, t].tolist()]
    assert probability_of_improvement(a, b) == pytest.approx(sum(wins) / len(wins))
    assert probability_of_improvement(a, b) + probability_of_improvement(b, a) == pytest.approx(1)
    assert probability_of_improvement([2, 3], [0, 1]) == 1
    assert probability_of_improvement([1], [1]) == 0.5


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: interquartile_mean([]), r"values is empty, of shape \(0,\); give one score or more\."),
        (
            lambda: bootstrap_interval([1, np.nan]),
            "scores has 1 NaN or infinite scores; give failed runs the worst",
        ),
        (
            lambda: difference_test([1, 2], [1, np.inf]),
            "b of pair 0 has 1 NaN or infinite scores; give failed runs",
        ),
        (
            lambda: bootstrap_interval([1]),
            r"scores has shape \(1,\); give \[S\] or \[S, T\] with S >= 2 seeds\.",
        ),
        (lambda: bootstrap_interval(np.zeros((2, 2, 2))), r"scores has shape \(2, 2, 2\); give \[S\]"),
        (
            lambda: difference_test([1, 2], [1, 2, 3], True),
            r"a of pair 0 \(2,\) and b of pair 0 \(3,\) do not match",
        ),
        (
            lambda: probability_of_improvement(np.ones((2, 3)), [1, 2]),
            r"a \(2, 3\) and b \(2,\) do not match; give",
        ),
        (lambda: bootstrap_interval([1, 2], confidence=95), "confidence is 95; give a level between 0 and 1"),
        (lambda: corrected_difference([]), "pairs is empty; give at least one pair"),
        (
            lambda: holm([0.1, np.nan]),
            r"p_values is \[0.1, nan\]; give a list of one or more numbers from 0 to 1\.",
        ),
        (lambda: holm([]), r"p_values is \[\]; give"),
        (
            lambda: corrected_difference([([1, 2], [1, 2])] * 30),
            r"resamples=10000 is too few at level 0.05 / 30; pass 12000 or more\.",
        ),
        (
            lambda: bootstrap_interval([1, 2], resamples=0),
            "resamples=0 is too few at level 0.05 / 1; pass 400",
        ),
    ],
)
def test_what_cannot_be_answered_is_refused_with_a_remedy(call: Callable[[], object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        call()


@pytest.mark.parametrize(("tasks", "confidence"), [(1, 0.95), (3, 0.9), (7, 0.99)])
def test_the_number_of_resamples_that_the_error_asks_for_suffices(tasks: int, confidence: float) -> None:
    pairs = [([1, 2], [1, 2])] * tasks
    with pytest.raises(ValueError, match="is too few") as error:
        corrected_difference(pairs, confidence=confidence, resamples=1)
    enough = int(str(error.value).split()[-3])
    assert len(corrected_difference(pairs, confidence=confidence, resamples=enough)) == tasks
