"""All numbers of a report about candidates: aggregates, profiles, probabilities of improvement, and costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from discover.base.aggregates import (
    AGGREGATES,
    Aggregate,
    Profile,
    aggregate_interval,
    improvement_interval,
    performance_profile,
)
from discover.base.bootstrap import Interval
from discover.base.figures import band
from discover.base.scores import FloatArray
from discover.base.statistics import probability_of_improvement
from discover.contract.events import TaskRun
from discover.contract.results import Comparison
from discover.reports.scores import Scores, scores_of

_THRESHOLDS = 61  # of a performance profile
_SHOWN = (-0.25, 1.75)  # the widest range of thresholds


class Cost(NamedTuple):
    """The return that a candidate reached in a run, and its cost.

    Attributes:
        name: of the candidate.
        run: task and steps.
        env_steps, seconds: of one lifetime, on average over the seeds; seconds with compilation, as they were measured.
        iqm: interquartile mean of the returns; NaN if a seed broke.
        cheapest_in_steps, cheapest_in_seconds: whether no other candidate has as high a return on the task for less.
    """

    name: str
    run: TaskRun
    env_steps: float
    seconds: float
    iqm: float
    cheapest_in_steps: bool
    cheapest_in_seconds: bool


class Numbers(NamedTuple):
    """All numbers of a report about candidates.

    Attributes:
        comparison: of the candidates.
        scores: normalized.
        overall: by candidate and name of the aggregate.
        thresholds: ``[N]`` of the profiles.
        profiles: by candidate.
        improvements: the probability that the first candidate is better, by the name of the other one.
        improvements_by_run: the same, one per run.
        curves: low, middle and high ``[100]`` of each learning curve, by candidate and run.
        costs: by candidate and run.
    """

    comparison: Comparison
    scores: Scores
    overall: Mapping[str, Mapping[str, Interval]]
    thresholds: FloatArray
    profiles: Mapping[str, Profile]
    improvements: Mapping[str, Interval]
    improvements_by_run: Mapping[str, tuple[Interval, ...]]
    curves: Mapping[str, tuple[tuple[FloatArray, FloatArray, FloatArray], ...]]
    costs: tuple[Cost, ...]


def numbers_of(comparison: Comparison) -> Numbers:
    """Compute all numbers of a report from a comparison."""
    scores = scores_of(comparison)
    names, by_name = list(comparison.candidates), scores.by_name
    every = np.concatenate([by_name[name].ravel() for name in names])
    low, high = max(_SHOWN[0], min(0.0, float(every.min()))), min(_SHOWN[1], max(1.0, float(every.max())))
    thresholds = np.linspace(low, high, _THRESHOLDS)
    tasks = range(len(comparison.runs))
    return Numbers(
        comparison=comparison,
        scores=scores,
        overall={name: {key: _interval(by_name[name], each) for key, each in AGGREGATES.items()} for name in names},
        thresholds=thresholds,
        profiles={name: performance_profile(by_name[name], thresholds) for name in names},
        improvements={other: _improvement(by_name[names[0]], by_name[other]) for other in names[1:]},
        improvements_by_run={
            other: tuple(_improvement(by_name[names[0]][:, [task]], by_name[other][:, [task]]) for task in tasks)
            for other in names[1:]
        },
        curves={name: tuple(band(training.curves) for training in comparison.trainings[name]) for name in names},
        costs=_costs(comparison),
    )


def _interval(scores: FloatArray, aggregate: Aggregate) -> Interval:
    """An aggregate with its interval; one seed has none."""
    if len(scores) < 2:
        return Interval(np.nan, float(aggregate(scores)), np.nan)
    return aggregate_interval(scores, aggregate)


def _improvement(a: FloatArray, b: FloatArray) -> Interval:
    if min(len(a), len(b)) < 2:
        return Interval(np.nan, probability_of_improvement(a, b), np.nan)
    return improvement_interval(a, b)


def _costs(comparison: Comparison) -> tuple[Cost, ...]:
    costs = []
    for name in comparison.candidates:
        for training in comparison.trainings[name]:
            seeds = len(training.returns)
            iqm = float(training.interval.estimate)
            cost = Cost(
                name=name,
                run=training.run,
                env_steps=training.env_steps / seeds,
                seconds=training.seconds / seeds,
                iqm=iqm,
                cheapest_in_steps=False,
                cheapest_in_seconds=False,
            )
            costs.append(cost)
    marked = []
    for cost in costs:
        rivals = [other for other in costs if other.run.task == cost.run.task and other is not cost]
        in_steps = not any(_dominates(other.env_steps, other.iqm, cost.env_steps, cost.iqm) for other in rivals)
        in_seconds = not any(_dominates(other.seconds, other.iqm, cost.seconds, cost.iqm) for other in rivals)
        sound = bool(np.isfinite(cost.iqm))
        marked.append(cost._replace(cheapest_in_steps=sound and in_steps, cheapest_in_seconds=sound and in_seconds))
    return tuple(marked)


def _dominates(cost: float, iqm: float, other_cost: float, other_iqm: float) -> bool:
    """Whether a point costs no more and returns no less than another one, and is better in one of them."""
    return cost <= other_cost and iqm >= other_iqm and (cost < other_cost or iqm > other_iqm)
