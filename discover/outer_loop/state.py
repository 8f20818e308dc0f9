"""The state of a search between two generations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from discover.contract.events import Status
from discover.contract.types import StrategyState
from discover.outer_loop.archive import Archive
from discover.outer_loop.evaluation import Evaluation
from discover.outer_loop.fitness import OngoingLifetimes


class State(NamedTuple):
    """All that a search carries from one generation to the next: a tree of arrays."""

    strategy: StrategyState
    archive: Archive
    ongoing: OngoingLifetimes = ()  # empty where every generation starts new lifetimes


class Counters(NamedTuple):
    """Totals so far: plain numbers, saved beside the state."""

    generations: int = 0
    env_steps: int = 0
    seconds: float = 0.0
    lowest_fitness: float = np.inf  # of sound candidates
    broken: Mapping[str, int] = {}


class Snapshot(NamedTuple):
    """State and counters between two generations; replaced as a whole, so that the two always agree."""

    state: State
    counters: Counters


def add_evaluation(counters: Counters, evaluation: Evaluation, seconds: float) -> Counters:
    """The counters with an evaluated population added.

    Args:
        counters: before it.
        evaluation: of the population.
        seconds: that it took.
    """
    sound, broken = evaluation.fitness[evaluation.status == Status.OK], dict(counters.broken)
    for status in map(Status, evaluation.status):
        if status.broken:
            broken[status.name.lower()] = broken.get(status.name.lower(), 0) + 1
    return Counters(
        generations=counters.generations,
        env_steps=counters.env_steps + evaluation.env_steps,
        seconds=counters.seconds + seconds,
        lowest_fitness=min([counters.lowest_fitness, *map(float, sound)]),
        broken=broken,
    )
