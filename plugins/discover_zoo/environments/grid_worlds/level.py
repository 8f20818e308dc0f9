"""A level of a grid world: walls, a start, and objects that pay when the agent comes to them."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

MOVES = np.array([(-1, 0), (1, 0), (0, -1), (0, 1), (0, 0)], np.int32)
"""Changes of row and column by the actions up, down, left, right and stay."""


class Level(NamedTuple):
    """One level in a square of C cells, numbered row by row. What lies outside of a smaller level is wall.

    Attributes:
        walls: ``[C]``, whether a cell cannot be entered.
        start: the cell in which episodes begin.
        horizon: the steps after which an episode is cut off.
        places: ``[O]`` the cell of each object, no two the same; C for an object that the level does not have.
        rewards: ``[O]`` what an object pays when it is collected.
        ends: ``[O]`` the probability that collecting it ends the episode.
        respawns: ``[O]`` the probability, in each later step, that it comes back.
    """

    walls: jax.Array
    start: jax.Array
    horizon: jax.Array
    places: jax.Array
    rewards: jax.Array
    ends: jax.Array
    respawns: jax.Array

    @property
    def cells(self) -> int:
        """C."""
        return self.walls.shape[-1]

    @property
    def objects(self) -> int:
        """O."""
        return self.places.shape[-1]

    @property
    def used(self) -> jax.Array:
        """``[O]``: whether the level has the object."""
        return self.places < self.cells


def moved(walls: jax.Array, cell: jax.Array, action: jax.Array) -> jax.Array:
    """The cell after a move; the same one before a wall and at the edge.

    >>> walls = jnp.array([False, True, False, False])
    >>> [int(moved(walls, jnp.int32(0), jnp.int32(action))) for action in range(5)]
    [0, 2, 0, 0, 0]
    """
    side = math.isqrt(walls.shape[-1])
    place = jnp.stack([cell // side, cell % side]) + jnp.asarray(MOVES)[action]
    inside = jnp.all((place >= 0) & (place < side))
    target = jnp.where(inside, place[0] * side + place[1], cell)
    return jnp.where(walls[target], cell, target).astype(jnp.int32)


def distinct_cells(key: jax.Array, blocked: jax.Array, count: int) -> jax.Array:
    """``[count]`` cells that are not blocked, no two the same; blocked ones too where there are not enough.

    >>> sorted(distinct_cells(jax.random.key(0), jnp.array([False, True, False]), 2).tolist())
    [0, 2]
    """
    order = jnp.argsort(jax.random.uniform(key, blocked.shape) + blocked)
    return order[:count].astype(jnp.int32)
