"""Which choice paid: the marginal effect of every choice and number over the population of a search.

Fitness rises from generation to generation, and what is frequent late would seem good. So a member's fitness counts as its
difference from the mean of its own generation, and an effect is the mean of these over generations, with a t interval.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit
from scipy.stats import rankdata

from discover.base.bootstrap import Interval
from discover.base.scores import FloatArray
from discover.contract.events import Status
from discover.reports.genes import Column, columns_of
from discover.reports.source import Population

BINS = 5
"""Bins of a number, each with about as many members."""

PERIODS = 30
"""The most groups of generations in a plot by generation."""


_ENOUGH = 5  # members for an interval of their mean in a plot


class Level(NamedTuple):
    """One option of a choice, or one bin of a number.

    Attributes:
        label: name of the option, or bounds of the bin.
        members: sound members with it.
        effect: mean difference of their fitness from the mean of their generation, by generation.
        early, late: its share of the members in the first and the last quarter of the generations.
        broken: share of its members that broke.
        periods: mean fitness by group of generations, ``[N]`` intervals; NaN where the group has none.
    """

    label: str
    members: int
    effect: Interval
    early: float
    late: float
    broken: float
    periods: tuple[Interval, ...]


class Effect(NamedTuple):
    """The effect of one choice or number.

    Attributes:
        path: its dotted path.
        number: whether it is a number.
        levels: its options or bins.
        explained: the share of the fitness differences within generations that its levels explain (omega squared, not below 0).
        trend: of a number, the rank correlation with fitness within a generation, averaged over them.
    """

    path: str
    number: bool
    levels: tuple[Level, ...]
    explained: float
    trend: Interval | None


class Effects(NamedTuple):
    """All effects of a search, the strongest first; ``periods`` has the first and last generation of each group."""

    effects: tuple[Effect, ...]
    periods: tuple[tuple[int, int], ...]


def effects_of(population: Population) -> Effects:
    """The marginal effects of every choice and number, the strongest first."""
    history = population.history
    sound = (history.status == Status.OK) & np.isfinite(history.fitness)
    fitness = np.where(sound, history.fitness, np.nan).astype(np.float64)
    groups = np.array_split(np.arange(len(fitness)), min(PERIODS, len(fitness)))
    periods = tuple((int(history.generation[group[0]]), int(history.generation[group[-1]])) for group in groups)
    effects = [_effect(column, fitness, sound, groups) for column in columns_of(population)]
    return Effects(tuple(sorted(effects, key=lambda effect: -effect.explained)), periods)


def mean_interval(values: FloatArray) -> Interval:
    """The mean of numbers with its 95 % interval by Student's t; NaN where there are too few.

    >>> mean_interval(np.array([1.0, 2.0, 3.0])).estimate
    2.0
    """
    values = values[np.isfinite(values)]
    if len(values) < 2:
        return Interval(np.nan, float(values[0]) if len(values) else np.nan, np.nan)
    mean, error = float(values.mean()), float(values.std(ddof=1)) / np.sqrt(len(values))
    reach = float(stdtrit(len(values) - 1, 0.975)) * error
    return Interval(mean - reach, mean, mean + reach)


def _effect(column: Column, fitness: FloatArray, sound: np.ndarray, groups: list[np.ndarray]) -> Effect:
    labels, level_of = _levels(column, sound)
    counted = sound & column.active & (level_of >= 0)
    centered = _centered(np.where(counted, fitness, np.nan))
    levels = []
    for level, label in enumerate(labels):
        having = column.active & (level_of == level)
        own = having & sound
        levels.append(
            Level(
                label=label,
                members=int(own.sum()),
                effect=mean_interval(_means(np.where(own, centered, np.nan))),
                early=_share(having, column.active, 0),
                late=_share(having, column.active, -1),
                broken=float((having & ~sound).sum() / max(int(having.sum()), 1)),
                periods=tuple(_period(np.where(own, fitness, np.nan)[group]) for group in groups),
            )
        )
    trend = None if column.options else _trend(column, np.where(counted, fitness, np.nan))
    explained = _explained(centered, level_of, len(labels))
    return Effect(path=column.path, number=not column.options, levels=tuple(levels), explained=explained, trend=trend)


def _period(fitness: FloatArray) -> Interval:
    """The mean fitness of a group of generations, with an interval where there are enough members for one that helps."""
    interval = mean_interval(fitness.ravel())
    enough = np.isfinite(fitness).sum() >= _ENOUGH
    return interval if enough else Interval(np.nan, interval.estimate, np.nan)


def _levels(column: Column, sound: np.ndarray) -> tuple[list[str], np.ndarray]:
    """The labels of a column's levels, and the level of each member, -1 where it has none."""
    if column.options:
        return list(column.options), column.values.astype(int)
    numbers = column.values[column.active & sound & np.isfinite(column.values)]
    if not len(numbers):
        return [], np.full(column.values.shape, -1)
    distinct = np.unique(numbers)
    if len(distinct) <= BINS:
        edges = np.concatenate([distinct, [np.inf]])
        labels = [f"{value:.4g}" for value in distinct]
    else:
        edges = np.unique(np.quantile(numbers, np.linspace(0, 1, BINS + 1)))
        labels = _ranges(edges)
        edges[-1] = np.inf
    levels = np.searchsorted(edges, column.values, side="right") - 1
    return labels, np.where(levels < len(labels), np.maximum(levels, 0), -1)


def _ranges(edges: FloatArray) -> list[str]:
    """The ranges between edges, with as many digits as they need to differ."""
    digits = next(digits for digits in range(3, 18) if digits == 17 or len({f"{e:.{digits}g}" for e in edges}) == len(edges))
    return [f"{low:.{digits}g} to {high:.{digits}g}" for low, high in itertools.pairwise(edges.tolist())]


def _centered(fitness: FloatArray) -> FloatArray:
    """Fitness ``[G, P]`` as the difference from the mean of its generation."""
    return fitness - _means(fitness)[:, None]


def _means(values: FloatArray) -> FloatArray:
    """The mean of the numbers of each row, NaN where there are none."""
    finite = np.isfinite(values)
    count = finite.sum(axis=1)
    return np.where(count > 0, np.where(finite, values, 0.0).sum(axis=1) / np.maximum(count, 1), np.nan)


def _share(having: np.ndarray, active: np.ndarray, quarter: int) -> float:
    """The share of the active members in the first or the last quarter of the generations that have a level."""
    rows = np.array_split(np.arange(len(having)), min(4, len(having)))[quarter]
    return float(having[rows].sum() / max(int(active[rows].sum()), 1))


def _explained(centered: FloatArray, level_of: np.ndarray, levels: int) -> float:
    """Omega squared: the share of variance between levels, without what chance alone would give."""
    finite = np.isfinite(centered)
    values, level = centered[finite], level_of[finite]
    groups = [values[level == each] for each in range(levels) if (level == each).any()]
    if len(groups) < 2 or len(values) <= len(groups):
        return 0.0
    total = float(((values - values.mean()) ** 2).sum())
    between = float(sum(len(group) * (group.mean() - values.mean()) ** 2 for group in groups))
    within = (total - between) / (len(values) - len(groups))
    return max(0.0, (between - (len(groups) - 1) * within) / (total + within)) if total > 0 else 0.0


def _trend(column: Column, fitness: FloatArray) -> Interval:
    """Spearman's rank correlation of a number with fitness in each generation, averaged over generations."""
    correlations = []
    for numbers, of_generation in zip(column.values, fitness, strict=True):
        counted = np.isfinite(of_generation) & np.isfinite(numbers)
        if counted.sum() < 3:
            continue
        a, b = rankdata(numbers[counted]), rankdata(of_generation[counted])
        if a.std() > 0 and b.std() > 0:
            correlations.append(float(np.corrcoef(a, b)[0, 1]))
    low, estimate, high = mean_interval(np.asarray(correlations, np.float64))
    return Interval(max(low, -1.0) if np.isfinite(low) else low, estimate, min(high, 1.0) if np.isfinite(high) else high)
