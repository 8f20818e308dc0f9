"""The choice of a champion: where seeds go, and whether the stated doubt is right."""

import numpy as np
import pytest

from discover import Doubt
from discover.contract.events import Status
from discover.outer_loop.doubt import doubt_of
from discover.outer_loop.effort import whole_effort
from discover.outer_loop.evaluation import Evaluation
from discover.outer_loop.selection import Ranking, rank, rounds_of


class Finalists:
    """Finalists of known worth, whose seeds are easy or hard for all of them alike, beside noise of 1.

    Attributes:
        asked: the places and the number of seeds of each round.
    """

    def __init__(self, worth: np.ndarray, random: np.random.Generator, noise: float = 1.0, broken: int | None = None):
        self.worth, self.asked, self._random, self._noise, self._broken = (
            worth,
            list[tuple[list[int], int]](),
            random,
            noise,
            broken,
        )

    def evaluate(self, places: list[int], index: int, each: int) -> Evaluation:
        assert index == len(self.asked)
        self.asked.append((list(places), each))
        seeds = 10.0 * self._random.normal(size=each)
        by_seed = self.worth[places][:, None] + seeds + self._noise * self._random.normal(size=(len(places), each))
        status = np.where(np.asarray(places) == self._broken, Status.NOT_FINITE, Status.OK).astype(np.int8)
        return Evaluation(
            fitness=by_seed.mean(axis=1).astype(np.float32),
            by_seed=by_seed.astype(np.float32),
            status=status,
            errors={},
            returns=[],
            effort=whole_effort(len(places), each),
            cost=np.zeros(len(places), np.int64),
            structures=1,
            env_steps=0,
            seconds=0.0,
        )


def ranked(finalists: Finalists, seeds: int = 8) -> Ranking:
    return rank(len(finalists.worth), seeds, finalists.evaluate)


@pytest.mark.parametrize("finalists", [1, 2, 3, 8, 9, 64, 100])
@pytest.mark.parametrize("seeds", [1, 2, 3, 8, 30])
def test_rounds_cost_at_most_what_one_round_would_and_the_first_has_two_seeds(finalists: int, seeds: int) -> None:
    plan = rounds_of(finalists, seeds)
    assert 0.7 * finalists * seeds <= sum(members * each for members, each in plan) <= finalists * seeds
    assert plan[0][0] == finalists
    assert [members for members, _ in plan] == sorted({members for members, _ in plan}, reverse=True)
    assert len(plan) == 1 or plan[0][1] >= 2
    assert len(plan) == 1 or plan[-1][0] > 1


def test_the_better_ones_get_more_seeds_and_the_others_are_ranked_by_when_they_left() -> None:
    finalists = Finalists(np.asarray([0.0, 5.0, 9.0, 1.0, 7.0, 2.0, 4.0, 3.0]), np.random.default_rng(0), noise=0.01)
    ranking = ranked(finalists)
    assert finalists.asked == [(list(range(8)), 2), ([2, 4, 1, 6], 6), ([2, 4], 12)]
    assert ranking.order == [2, 4, 1, 6, 7, 5, 3, 0]
    assert ranking.doubt == Doubt(0.0, 0.0)
    gaps = ranking.fitness - ranking.fitness[2]  # seeds are common, however hard they are
    np.testing.assert_allclose(gaps, finalists.worth - 9.0, atol=0.05)


def test_one_round_gives_the_fitness_as_it_was_evaluated() -> None:
    finalists = Finalists(np.asarray([0.0, 3.0, 1.0]), np.random.default_rng(0))
    ranking = ranked(finalists, seeds=2)
    np.testing.assert_array_equal(ranking.fitness, ranking.evaluations[0].fitness)


def test_one_that_breaks_is_out_of_the_order_and_of_the_doubt() -> None:
    finalists = Finalists(np.asarray([1.0, 99.0, 0.0, 0.5]), np.random.default_rng(0), broken=1)
    ranking = ranked(finalists)
    assert 1 not in ranking.order
    assert len(ranking.order) == 3
    assert ranking.fitness[1] == -np.inf
    assert all(1 not in places for places, _ in finalists.asked[1:])
    none = ranked(Finalists(np.zeros(1), np.random.default_rng(0), broken=0))
    assert (none.order, none.doubt) == ([], None)


def test_the_doubt_is_none_with_one_finalist_unknown_with_one_seed_and_none_where_nothing_differs() -> None:
    assert doubt_of(np.asarray([[1.0, 2.0]]), [0]) == Doubt(0.0, 0.0)
    assert doubt_of(np.asarray([[1.0], [0.0]]), [0, 1]) is None
    assert doubt_of(np.ones((3, 4)), [0, 1, 2]) == Doubt(0.0, 0.0)
    assert str(Doubt(0.25, 0.0123)) == "another finalist is better with probability 0.25; the best one by 0.012 on average"


@pytest.mark.slow
def test_the_stated_doubt_is_as_often_right_as_it_says() -> None:
    """Over many choices the mean stated probability is the share of choices in which another finalist was better.

    How far finalists are apart is drawn from what is taken to be likely beforehand.
    """
    random, stated, wrong, shortfall, lost = np.random.default_rng(1), [], [], [], []
    for _ in range(400):
        apart = min(0.3 * abs(random.standard_cauchy()), 3.0)
        finalists = Finalists(apart * random.normal(size=8), random)
        ranking = ranked(finalists)
        assert ranking.doubt is not None
        stated.append(ranking.doubt.probability)
        shortfall.append(ranking.doubt.shortfall)
        lost.append(finalists.worth.max() - finalists.worth[ranking.order[0]])
        wrong.append(lost[-1] > 0)
    error = np.std(np.asarray(wrong) - np.asarray(stated)) / np.sqrt(len(wrong))
    assert abs(np.mean(stated) - np.mean(wrong)) < 0.02 + 2 * error
    assert np.mean(shortfall) == pytest.approx(np.mean(lost), rel=0.25)


def test_the_doubt_is_large_where_nothing_tells_finalists_apart_and_small_where_much_does() -> None:
    random = np.random.default_rng(2)
    equal = ranked(Finalists(np.zeros(8), random)).doubt
    clear = ranked(Finalists(np.asarray([5.0, *np.zeros(7)]), random)).doubt
    assert equal is not None
    assert clear is not None
    assert equal.probability > 0.3
    assert clear.probability < 0.001
