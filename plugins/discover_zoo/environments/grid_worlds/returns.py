"""Exact returns of levels by dynamic programming: of a uniform random policy, and of the best one."""

import json
from pathlib import Path
from typing import NamedTuple, TypeAlias

import jax
import numpy as np
from numpy.typing import ArrayLike

from discover import UserError, nearest
from discover_zoo.environments.grid_worlds.level import MOVES, Level, moved

Floats: TypeAlias = np.ndarray
"""An array of float64: with 32 bits, rounding adds up to 3e-4 over a thousand steps."""

_NOTHING = 1e-6
_targets = jax.jit(jax.vmap(jax.vmap(moved, (None, 0, None)), (None, None, 0)))
"""``[A, C]``: the cell to which each action leads from each cell."""


class Returns(NamedTuple):
    """Mean episode returns on a level, undiscounted.

    Attributes:
        random: of the uniform random policy.
        optimal: of the best policy, which knows the cell, the objects that are there, and the time that is left.
    """

    random: Floats
    optimal: Floats

    def normalized(self, returns: ArrayLike, numbers: ArrayLike | None = None) -> Floats:
        """Returns on the scale on which random is 0 and the optimum 1; NaN on a level where nothing is to be gained.

        Args:
            returns: ``[N]`` of an agent on each level.
            numbers: ``[N]`` of numbered levels, from 1; by default the returns are on all levels.

        >>> Returns(np.array([0.0, 1.0]), np.array([2.0, 1.0])).normalized([1.0, 1.0]).tolist()
        [0.5, nan]
        """
        index = slice(None) if numbers is None else np.asarray(numbers) - 1
        random, optimal = np.asarray(self.random)[index], np.asarray(self.optimal)[index]
        gain = np.where(optimal - random > _NOTHING, optimal - random, np.nan)
        return (np.asarray(returns, np.float64) - random) / gain


def stored_returns(task: str) -> Returns:
    """The exact returns ``[100]`` of the numbered levels 1 to 100 of a task such as ``grid-worlds``, with ``seed`` 0.

    Raises:
        UserError: no returns are stored for it.

    >>> print(stored_returns("grid-worlds-small").optimal.shape)
    (100,)
    """
    stored = json.loads(Path(__file__).with_name("levels.json").read_text(encoding="utf-8"))
    if task not in stored:
        raise UserError(f"no returns of numbered levels are stored for '{task}': {nearest(task, list(stored))}.")
    return Returns(np.array(stored[task]["random"]), np.array(stored[task]["optimal"]))


def returns_of(levels: Level) -> Returns:
    """The returns ``[N]`` of levels ``[N, ...]``: about 60 of `GridWorlds` in a second.

    >>> from discover_zoo.environments.grid_worlds.grid_world import GridWorld
    >>> small = GridWorld(maps=("small", "tiny")).levels()
    >>> returns_of(small).optimal.round(2)
    array([44.68, 24.  ])
    """
    levels = jax.tree.map(np.asarray, levels)
    count = len(levels.horizon)
    each = [level_returns(jax.tree.map(lambda leaf, i=i: leaf[i], levels)) for i in range(count)]
    return Returns(*(np.array(values) for values in zip(*each, strict=True)))


def level_returns(level: Level) -> Returns:
    """The returns of one level whose objects stay at their places, as in `GridWorld` and `GridWorlds`.

    Backwards from the horizon, over all states: a cell without a wall, and which of the objects are there, at most
    ``C * 2**O``. With ``v`` the value after a step, and a step that leads to cell y while the objects m are there:

        q(m, y) = E[v(m', y)]                               without an object of m at y
        q(m, y) = reward + (1 - end) E[v(m', y)]            with one, which is not in m'
        v(m, x) = max, or mean, over actions of q(m, the cell after the move from x)

    ``m'`` are the objects of m that were not collected, and each that was missing with its probability. Nothing is left out or
    sampled: the figures are exact but for the rounding of float64.

    >>> from discover_zoo.environments.grid_worlds.maps import parsed
    >>> level = parsed("horizon 3\\na: reward 1, ends 0, respawns 0\\n\\n@.\\n.a\\n").level(side=2, objects=1)
    >>> print(level_returns(level).optimal)
    1.0
    """
    level = jax.tree.map(np.asarray, level)
    floor = np.flatnonzero(~level.walls | (np.arange(level.cells) == level.start))
    number = np.full(level.cells + 1, -1)
    number[floor] = np.arange(len(floor))
    objects = np.flatnonzero(number[level.places] >= 0)
    sets = (np.arange(2 ** len(objects))[:, None] >> np.arange(len(objects))) % 2 == 1  # [M, O]
    places, respawns = number[level.places[objects]], np.asarray(level.respawns[objects], np.float64)
    rewards, stays = np.asarray(level.rewards[objects], np.float64), 1.0 - np.asarray(level.ends[objects], np.float64)
    following = _following(sets, respawns)
    after = [_following(sets & (np.arange(len(objects)) != one), respawns, collected=one) for one in range(len(objects))]
    targets = number[np.asarray(_targets(level.walls, np.arange(level.cells), np.arange(len(MOVES))))[:, floor]]

    def arriving(value: Floats) -> Floats:
        """``q[M, C]`` of the values ``[M, C]`` after a step."""
        q = following @ value
        for one, place in enumerate(places):
            paid = rewards[one] + stays[one] * (after[one] @ value[:, place])
            q[:, place] = np.where(sets[:, one], paid, q[:, place])
        return q

    random = optimal = np.zeros((len(sets), len(floor)))
    for _ in range(int(level.horizon)):
        random = arriving(random)[:, targets].mean(axis=1)
        optimal = arriving(optimal)[:, targets].max(axis=1)
    return Returns(random[-1, number[level.start]], optimal[-1, number[level.start]])


def _following(sets: np.ndarray, respawns: Floats, collected: int | None = None) -> Floats:
    """``[M, M']``: the probability of each set of objects after a step that leaves the objects ``sets[M, O]``.

    One that has just been collected does not come back in the same step.
    """
    every = (np.arange(2 ** len(respawns))[:, None] >> np.arange(len(respawns))) % 2 == 1
    back = np.where(np.arange(len(respawns)) == collected, 0.0, respawns)
    chance = np.where(sets, 1.0, back)[:, None]
    return np.prod(np.where(every, chance, 1.0 - chance), axis=-1)
