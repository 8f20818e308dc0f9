"""The rhythm of a search: which of its generations ask for the same effort, so that one stands for the cost of all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import jax
import numpy as np

from discover.components.space import Space
from discover.contract.events import Status
from discover.contract.strategy import Strategy, Told
from discover.inner_loop.lifetime import ROWS
from discover.outer_loop.effort import effort_of
from discover.outer_loop.strategy_programs import strategy_programs

Profile: TypeAlias = tuple[tuple[int, int, float], ...]
"""Of a generation: how many members are worth how many seeds, and which share of the env steps; empty if all are worth all."""

_MOST = 12
"""Generations that are rehearsed at most."""


def rhythm_of(strategy: Strategy, space: Space, *, population: int, seeds: int, generations: int, tasks: int) -> list[Profile]:
    """The profile of each generation, by asking the strategy for all of them and telling it random fitness.

    Args:
        strategy: of the search.
        space: that it searches.
        population, seeds, generations: sizes of the search.
        tasks: how many.
    """
    programs = strategy_programs(strategy, space, population)
    state = programs.init(jax.random.key(0))
    proposal, _ = jax.eval_shape(programs.ask, jax.random.key(0), state)
    if proposal.seeds is None and proposal.budget is None:
        return [()] * generations
    draws, profiles = np.random.default_rng(0), list[Profile]()
    level, ones = np.zeros((population, seeds, ROWS), np.float32), np.ones(population, np.float32)
    for index in range(generations):
        key = jax.random.key(index)
        proposal, state = programs.ask(key, state)
        effort = effort_of(proposal, seeds)
        profiles.append(tuple((int(members.sum()), count, budget) for members, count, budget in effort.kinds()))
        facts: dict[str, Any] = {  # arrays of the host, as in a search
            "genomes": proposal.genomes,
            "fitness": draws.normal(size=population).astype(np.float32),
            "seeds": effort.seeds,
            "spread": ones,
            "cost": ones,
            "status": np.where(effort.seeds > 0, Status.OK, Status.NOT_RUN).astype(np.int8),
            "returns": (level,) * tasks,
        }
        state = programs.tell(key, state, Told(**facts))
    return profiles


def generations_to_rehearse(profiles: Sequence[Profile]) -> int:
    """The number of generations that show the cost of all: the first one, which compiles, and then each profile once.

    >>> generations_to_rehearse([()] * 9), generations_to_rehearse([((8, 1, 1.0),), ((2, 4, 1.0),)] * 4)
    (2, 3)
    """
    later = list(profiles[1:])
    return min(_MOST, 1 + max((later.index(profile) + 1 for profile in later), default=0))


def stand_in(profiles: Sequence[Profile], index: int, rehearsed: int) -> int:
    """The last rehearsed generation whose cost is that of generation ``index``; the last one of all if there is none.

    >>> stand_in(["a", "b", "a", "b", "a"], 4, rehearsed=3), stand_in(["a", "b", "a", "b", "a"], 3, rehearsed=3)
    (2, 1)
    """
    return next((place for place in reversed(range(rehearsed)) if profiles[place] == profiles[index]), rehearsed - 1)
