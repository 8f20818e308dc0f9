"""The statistics agree with textbook values, brute force and their own promises."""

import doctest
import itertools
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import ArrayLike
from scipy.special import ndtr, stdtrit

from discover.base import bootstrap, permutation, statistics
from discover.base.statistics import (
    Difference,
    FloatArray,
    bootstrap_interval,
    corrected_difference,
    difference_interval,
    holm,
    interquartile_mean,
    permutation_p_values,
    probability_of_improvement,
    seeds_for_verdict,
)


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(0)


def test_the_examples_of_the_docstrings_run() -> None:
    outcomes = [doctest.testmod(module) for module in (bootstrap, permutation, statistics)]
    assert sum(outcome.attempted for outcome in outcomes) >= 6
    assert sum(outcome.failed for outcome in outcomes) == 0


@pytest.mark.parametrize("n", range(1, 14))
def test_interquartile_mean_is_the_mean_of_what_is_left_after_cutting_a_quarter_at_each_end(
    random: np.random.Generator, n: int
) -> None:
    values = random.normal(size=(3, n))
    middles = [sorted(row)[int(0.25 * n) : n - int(0.25 * n)] for row in values.tolist()]
    expected = [sum(row) / len(row) for row in middles]
    assert interquartile_mean(values) == pytest.approx(expected)
    assert interquartile_mean(values.T, axis=0) == pytest.approx(expected)
    assert interquartile_mean(values, axis=None) == interquartile_mean(values.ravel())
    blocks = np.stack([values, values + 1.0])
    np.testing.assert_allclose(interquartile_mean(np.moveaxis(blocks, 2, 0), axis=0), interquartile_mean(blocks))


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


def widened(share: float, freedom: int, seeds: int) -> float:
    """The share of resamples beyond an end: where the normal quantile stood, sqrt(n / (n - 1)) of Student's t."""
    return float(ndtr(-np.sqrt(seeds / (seeds - 1)) * stdtrit(freedom, 1 - share)))


def test_bootstrap_interval_agrees_with_every_resample_there_is() -> None:
    scores = [0.0, 1.0, 3.0, 7.0, 8.0, 20.0]
    every = np.sort(np.array([*itertools.product(scores, repeat=6)]).mean(axis=1))
    low, estimate, high = bootstrap_interval(scores, np.mean, confidence=0.8, resamples=100_000)
    rank = int(widened(0.1, 5, 6) * len(every))
    assert estimate == 6.5
    assert (low, high) == pytest.approx((every[rank], every[-rank]), abs=0.2)


def test_an_interval_ends_at_the_ranks_of_students_quantile_not_of_the_normal_one() -> None:
    def ranks(values: FloatArray, axis: int) -> FloatArray:
        return np.arange(1.0, 10_000) if values.ndim == 2 else values.mean(axis=axis)

    expected = int(widened(0.025, 7, 8) * 10_000)  # 250 for the normal quantile
    assert 50 < expected < 60
    assert bootstrap_interval(range(8), ranks, resamples=9999) == (expected, 3.5, 10_000 - expected)


def test_an_interval_that_resamples_cannot_reach_is_stretched(random: np.random.Generator) -> None:
    scores = random.normal(size=3)
    low, estimate, high = bootstrap_interval(scores)
    factor = np.sqrt(1.5) * stdtrit(2, 0.975) / 1.96  # a resample of 3 seeds is its least value 1 in 27 times
    assert (low, high) == pytest.approx(
        (estimate - factor * (estimate - scores.min()), estimate + factor * (scores.max() - estimate)), rel=0.001
    )
    few, many = bootstrap_interval(range(8), resamples=400), bootstrap_interval(range(8))
    assert few == pytest.approx(many, abs=1)
    assert few.high - few.low > 4  # ranks 10 and 391 of 400 lie 4 apart


def test_an_interval_never_leaves_what_the_seeds_showed_if_there_are_five_or_more() -> None:
    assert bootstrap_interval([500.0] * 5 + [100.0, 200.0, 300.0]).high == 500
    assert bootstrap_interval([500.0] * 8) == (500, 500, 500)


def test_bootstrap_interval_resamples_within_tasks_and_covers_all_of_them_together(
    random: np.random.Generator,
) -> None:
    scores = random.normal([0, 10, 100], size=(12, 3))
    low, estimate, high = bootstrap_interval(scores, np.mean, resamples=20_000)
    spread = np.sqrt(sum(scores.var(axis=0) / 12)) / 3  # of the mean, were tasks kept apart
    assert estimate == pytest.approx(scores.mean())
    assert high - low == pytest.approx(2 * np.sqrt(12 / 11) * stdtrit(11, 0.975) * spread, rel=0.05)
    assert bootstrap_interval(scores).estimate == float(interquartile_mean(scores, axis=None))
    assert bootstrap_interval(scores, np.median).estimate == np.median(scores)


@pytest.mark.parametrize("returns", [lambda z: z, np.exp, lambda z: np.minimum(z, 0.0)], ids=["normal", "skewed", "capped"])
def test_intervals_of_eight_seeds_cover_the_truth_as_often_as_they_say(
    random: np.random.Generator, returns: Callable[[FloatArray], FloatArray]
) -> None:
    middle = np.sort(random.normal(size=1_000_000))[250_000:750_000]
    true, trials = returns(middle).mean(), [bootstrap_interval(returns(random.normal(size=8))) for _ in range(500)]
    assert np.mean([low <= true <= high for low, _, high in trials]) >= 0.945  # 0.90 to 0.94 unwidened


def test_the_seed_alone_decides_the_resamples(random: np.random.Generator) -> None:
    scores = random.normal(size=9)
    assert bootstrap_interval(scores, seed=3) == bootstrap_interval(scores, seed=3)
    assert bootstrap_interval(scores, seed=3) != bootstrap_interval(scores, seed=4)


def judge(a: ArrayLike, b: ArrayLike, resamples: int = 40_000) -> Difference:
    return corrected_difference([(a, b)], resamples=resamples)[0]


def test_a_difference_resamples_both_apart_unless_paired(random: np.random.Generator) -> None:
    b = random.normal(size=20)
    a = b + 0.25
    assert difference_interval(a, b, paired=True) == pytest.approx((0.25, 0.25, 0.25))
    low, estimate, high = difference_interval(a, b)
    assert low < 0 < estimate < high
    apart = sum(bootstrap_interval(x).high - float(interquartile_mean(x)) for x in (a, b))
    assert high - estimate < apart  # variances add, standard deviations do not
    assert difference_interval(a, b[:7]).estimate == interquartile_mean(a) - interquartile_mean(b[:7])


def test_verdicts_do_not_depend_on_which_seeds_are_side_by_side(random: np.random.Generator) -> None:
    b = random.normal(size=20)
    a = b + 0.25
    assert judge(a, b).verdict == "no difference"
    assert judge(random.permutation(a), b) == judge(a, b)


def by_brute_force(a: FloatArray, b: FloatArray) -> float:
    """The share of all splits that differ as much, those with equal differences of IQMs by their means."""
    pooled, count, splits = np.concatenate([a, b]), 0, [*itertools.combinations(range(len(a) + len(b)), len(a))]

    def size(first: FloatArray, second: FloatArray) -> float:
        iqms = interquartile_mean(first) - interquartile_mean(second)
        return abs(float(iqms + 1e-6 * (first.mean() - second.mean())))

    for split in splits:
        in_first = np.isin(np.arange(len(pooled)), split)
        count += size(pooled[in_first], pooled[~in_first]) >= size(a, b) - 1e-9
    return count / len(splits)


@pytest.mark.parametrize("sizes", [(4, 4), (5, 5), (3, 6), (8, 2)])
def test_the_permutation_test_counts_every_split_of_few_seeds(random: np.random.Generator, sizes: tuple[int, int]) -> None:
    for returns in (lambda z: z, np.round, lambda z: np.minimum(z, 0.0) + 0.5):
        a, b = (returns(random.normal(shift, size=size)) for shift, size in zip((0.0, 1.0), sizes, strict=True))
        assert float(permutation_p_values(a, b)) == pytest.approx(by_brute_force(a, b))


def test_the_permutation_test_draws_splits_of_many_seeds(random: np.random.Generator) -> None:
    a, b = random.normal(size=(50, 8)), random.normal(0.5, size=(50, 8))
    exact, drawn = permutation_p_values(a, b, resamples=12_870), permutation_p_values(a, b, resamples=12_869)
    assert (exact != drawn).any()
    assert drawn == pytest.approx(exact, abs=0.02)
    assert permutation_p_values(range(100, 120), range(20)) == 1 / 40_001


def test_the_p_value_is_the_larger_of_two_tests(random: np.random.Generator) -> None:
    assert judge(range(100, 108), range(8)).p_value == 2 / 12_870  # the bootstrap alone says 0
    steady, wild = np.full(16, 0.0) + 1e-3 * random.normal(size=16), np.where(np.arange(16) < 6, -1.0, 1e-2)
    assert permutation_p_values(steady, wild) <= 0.05
    assert judge(steady, wild).p_value > 0.05  # some resamples of the wild one have no failure in their middle half
    assert judge(range(10), range(10)).p_value == 1


def test_scores_that_are_equal_but_for_rounding_do_not_differ() -> None:
    a, b = np.full(7, 0.1), np.full(10, 0.1)
    assert interquartile_mean(a) != interquartile_mean(b)
    assert judge(a, b) == ((0, 0, 0), 1, "no difference", 0.95)


def test_constant_scores_that_differ_are_told_apart_and_ties_at_a_cap_are_not() -> None:
    differences = corrected_difference([([500] * 16, [300] * 16)] * 12)
    assert {(one.verdict, one.interval) for one in differences} == {("better", (200, 200, 200))}
    low, estimate, high = judge([500] * 16, [500] * 13 + [100] * 3).interval
    assert (low, estimate) == (0, 0)
    assert 0 < high < 400
    assert judge([500] * 32, [500] * 24 + [100] * 8).verdict == "no difference"  # equal IQMs, whatever the means


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
@pytest.mark.parametrize("seeds", [3, 5, 8, 12])
def test_verdict_p_and_interval_agree(random: np.random.Generator, confidence: float, seeds: int) -> None:
    alpha, verdicts = round(1 - confidence, 12), set[str]()
    for _ in range(40):
        shifts = (-2, -1, 0, 1, 2)
        pairs = [(random.normal(shift, size=seeds), random.normal(size=seeds)) for shift in shifts]
        family = corrected_difference(pairs, confidence, 4000)
        for (low, _, high), p_value, verdict, level in family:
            assert (verdict == "better") == (low > 0)
            assert (verdict == "worse") == (high < 0)
            assert (verdict in ("no difference", "too few seeds")) == (p_value > alpha)
            assert confidence - 1e-12 <= level <= 1 - alpha / 5 + 1e-12
            verdicts.add(verdict)
    few = seeds < seeds_for_verdict(5, confidence)
    assert verdicts == ({"too few seeds"} if few else {"better", "worse", "no difference"})


@pytest.mark.parametrize("tests", [1, 2, 12, 40])
def test_below_the_seeds_that_a_verdict_needs_there_is_none_and_with_them_there_can_be(tests: int) -> None:
    need = seeds_for_verdict(tests)
    few, enough = (corrected_difference([(range(100, 100 + s), range(s))] * tests) for s in (need - 1, need))
    assert {one.verdict for one in few} == {"too few seeds"}
    assert all(one.interval.low == 0 < one.interval.estimate for one in few)
    assert {one.verdict for one in enough} == {"better"}


def test_after_the_first_failure_no_pair_passes_even_if_its_own_step_would_let_it(
    random: np.random.Generator,
) -> None:
    b = random.normal(size=30)
    b -= interquartile_mean(b)
    width = difference_interval(b, b).high
    alone = judge(b + 1.05 * width, b)
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
    assert [one.p_value for one in family] == holm([judge(a, b).p_value for a, b in pairs]).tolist()
    assert corrected_difference(pairs[::-1]) == family[::-1]
    for (a, b), (interval, _, verdict, level) in zip(pairs, family, strict=True):
        low, estimate, high = difference_interval(a, b, confidence=level)
        assert interval == ((low, estimate, high) if verdict == "better" else (min(low, 0), estimate, max(high, 0)))


@pytest.mark.parametrize("seeds", [6, 16])
@pytest.mark.parametrize("returns", [lambda z: z, lambda z: z > -0.5], ids=["normal", "bimodal"])
def test_a_family_without_differences_gets_a_verdict_as_rarely_as_promised(
    random: np.random.Generator, seeds: int, returns: Callable[[FloatArray], FloatArray]
) -> None:
    mistakes = []
    for _ in range(100):  # 3 baselines on 4 runs, all on the same seeds, which correlate by 0.3
        z = np.sqrt(0.7) * random.normal(size=(4, 4, seeds)) + np.sqrt(0.3) * random.normal(size=(4, 1, seeds))
        scores = returns(z)
        pairs = [(run[0], run[other]) for other in (1, 2, 3) for run in scores]
        mistakes.append(any(one.verdict != "no difference" for one in corrected_difference(pairs, resamples=4000)))
    assert np.mean(mistakes) <= 0.09  # 0.15 to 0.57 by a percentile bootstrap of pairs


def test_equal_iqms_with_unequal_spreads_get_a_verdict_as_rarely_as_promised(random: np.random.Generator) -> None:
    scores = random.normal(size=(300, 2, 16)) * [[1], [3]]
    alone = permutation_p_values(scores[:, 0], scores[:, 1], 4000)
    assert np.mean(alone <= 0.05) > 0.09  # it promises nothing here
    assert np.mean([judge(pair[0], pair[1], 4000).verdict != "no difference" for pair in scores]) <= 0.075


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
            lambda: corrected_difference([([1, 2], [1, np.inf])]),
            "b of pair 0 has 1 NaN or infinite scores; give failed runs",
        ),
        (
            lambda: bootstrap_interval([1]),
            r"scores has shape \(1,\); give \[S\] or \[S, T\] with S >= 2 seeds\.",
        ),
        (
            lambda: corrected_difference([([1], [1, 2])]),
            r"a of pair 0 has shape \(1,\); give \[S\] with S >= 2 seeds\.",
        ),
        (lambda: bootstrap_interval(np.zeros((2, 2, 2))), r"scores has shape \(2, 2, 2\); give \[S\]"),
        (
            lambda: difference_interval([1, 2], [1, 2, 3], True),
            r"a \(2,\) and b \(3,\) do not match; give both the same seeds if paired\.",
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
            lambda: corrected_difference([([1, 2], [1, 2])] * 30, resamples=5000),
            r"resamples=5000 is too few at level 0.05 / 30; pass 6000 or more\.",
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
