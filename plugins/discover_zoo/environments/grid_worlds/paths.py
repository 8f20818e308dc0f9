"""Shortest ways through a level."""

import math

import jax
import jax.numpy as jnp

from discover_zoo.environments.grid_worlds.level import MOVES


def distances(closed: jax.Array, goals: jax.Array) -> jax.Array:
    """``[C]``: the number of moves from each cell to the nearest goal; C where no way leads to one.

    Args:
        closed, goals: ``[C]`` whether a cell cannot be entered, or is a goal.

    >>> distances(jnp.array([False, True, False, False]), jnp.array([False, False, False, True])).tolist()
    [2, 4, 1, 0]
    """
    cells, side = closed.shape[0], math.isqrt(closed.shape[0])
    grid = (side, side)
    closed, reached = closed.reshape(grid), goals.reshape(grid)

    def nearer(distances: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        distance = distances[1]
        through = jnp.minimum(distance, 1 + jnp.min(_around(distance), axis=0))
        return distance, jnp.where(reached, 0, jnp.where(closed, cells, through))

    first = jnp.where(reached, 0, cells)
    found = jax.lax.while_loop(lambda both: jnp.any(both[0] != both[1]), nearer, (jnp.full(grid, -1), first))[1]
    return found.reshape(cells)


def first_move(walls: jax.Array, avoided: jax.Array, goals: jax.Array, cell: jax.Array) -> jax.Array:
    """The action that begins a shortest way to a goal; to stay (4) where there is none.

    Args:
        walls, avoided, goals: ``[C]`` whether a cell is a wall, must not be entered, or is a goal.
        cell: where the way begins.

    >>> walls, goals = jnp.zeros(4, bool), jnp.array([False, False, False, True])
    >>> first_move(walls, jnp.array([False, True, False, False]), goals, jnp.int32(0)).item()  # down, not right
    1
    """
    cells, side = walls.shape[0], math.isqrt(walls.shape[0])
    choices = _around(distances(avoided | walls, goals).reshape(side, side)).reshape(4, cells)[:, cell]
    return jnp.where(jnp.min(choices) < cells, jnp.argmin(choices), 4).astype(jnp.int32)


def _around(distance: jax.Array) -> jax.Array:
    """``[4, side, side]``: the distances from the four cells around each."""
    side = distance.shape[0]
    padded = jnp.pad(distance, 1, constant_values=side**2)
    return jnp.stack([padded[1 + down : 1 + down + side, 1 + right : 1 + right + side] for down, right in MOVES[:4]])
