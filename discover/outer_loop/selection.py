"""The choice of the best finalist: sequential halving over fresh seeds, with the doubt that is left."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from discover.base.scores import FloatArray
from discover.contract.algorithm import Algorithm
from discover.contract.events import Doubt, Status
from discover.outer_loop.doubt import doubt_of
from discover.outer_loop.evaluation import Evaluation
from discover.outer_loop.state import Counters


class Choice(NamedTuple):
    """The choice of a champion.

    Attributes:
        champion: the best finalist.
        fitness: of the champion, on seeds that had no part in the choice.
        finalists, finalist_fitness: ``[F, D]`` and ``[F]``, on the selection seeds; -inf where one broke.
        doubt: whether another finalist is better; None if there are too few seeds to say so.
        counters: with the evaluations of the choice.
    """

    champion: Algorithm
    fitness: float
    finalists: np.ndarray
    finalist_fitness: np.ndarray
    doubt: Doubt | None
    counters: Counters


class Ranking(NamedTuple):
    """Finalists after all rounds.

    Attributes:
        order: their places, the best first; those that broke are left out.
        fitness: ``[F]``, -inf where one broke. Of those that left early it is that of the best on all of its seeds, plus their
            mean difference from it on the seeds that they share: no finalist is higher or lower because its seeds were.
        doubt: whether another one is better than the first; None if there are too few seeds to say so.
        evaluations: of the rounds, in their order.
    """

    order: list[int]
    fitness: np.ndarray
    doubt: Doubt | None
    evaluations: list[Evaluation]


def rounds_of(finalists: int, seeds: int) -> list[tuple[int, int]]:
    """Members and new seeds of each round of sequential halving (Karnin, Koren & Somekh 2013).

    Every round costs about as much, and all together at most ``finalists * seeds``. The first round has two seeds at least, so
    that with few seeds there are fewer rounds, each of which keeps less than half.

    >>> rounds_of(8, seeds=8), rounds_of(9, seeds=2)
    ([(8, 2), (4, 6), (2, 12)], [(9, 2)])
    """
    rounds = max(1, min(math.ceil(math.log2(finalists)), seeds // 2))
    sizes = [math.ceil(round(finalists ** (1 - index / rounds), 6)) for index in range(rounds)]
    left, plan = finalists * seeds, list[tuple[int, int]]()
    for index, members in enumerate(sizes):
        each = left // (rounds - index) // members
        left -= each * members
        plan.append((members, each))
    return plan


def rank(finalists: int, seeds: int, evaluate: Callable[[list[int], int, int], Evaluation]) -> Ranking:
    """Rank finalists by rounds: first all of them, then the better ones on further seeds, which are common to all in a round.

    Args:
        finalists: F, their number.
        seeds: for each finalist, on average.
        evaluate: evaluates the finalists at some places, in a round of some number, with a number of seeds.
    """
    left, behind = list(range(finalists)), list[int]()
    values, by_seed, weights = np.zeros((0, finalists)), np.zeros((finalists, 0)), list[int]()
    evaluations = []
    for index, (members, each) in enumerate(rounds_of(finalists, seeds)):
        left, behind = left[:members], left[members:] + behind
        if not left:
            break
        made = evaluate(left, index, each)
        evaluations.append(made)
        weights.append(each)
        value, column, sound = np.full(finalists, np.nan), np.full((finalists, each), np.nan), made.status == Status.OK
        value[left] = np.where(sound, made.fitness, np.nan)
        column[left] = np.where(sound[:, None], made.by_seed, np.nan)
        values, by_seed = np.vstack([values, value]), np.hstack([by_seed, column])
        left = [place for place, runs in zip(left, sound, strict=True) if runs]
        mean = np.average(values[:, left], axis=0, weights=weights)
        left = [left[place] for place in np.argsort(-mean, kind="stable")]
    order = left + behind
    fitness = _on_seeds_of_the_best(values, np.asarray(weights, np.float64), order)
    return Ranking(order, fitness, doubt_of(by_seed, order) if order else None, evaluations)


def _on_seeds_of_the_best(values: FloatArray, weights: FloatArray, order: list[int]) -> np.ndarray:
    """The fitness of each finalist, see `Ranking`, from its fitness in each round ``[R, F]``."""
    fitness = np.full(values.shape[1], -np.inf, np.float32)
    for place in order:
        shared = ~np.isnan(values[:, place])
        best = values[:, order[0]]
        own = np.average(values[shared, place], weights=weights[shared])
        rest = np.average(best, weights=weights) - np.average(best[shared], weights=weights[shared])
        fitness[place] = own + rest
    return fitness
