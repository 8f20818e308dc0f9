"""Shortest ways through a level."""

import math

import jax
import jax.numpy as jnp

from discover_zoo.environments.grid_worlds.level import MOVES


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
    grid, far = (side, side), cells
    closed, reached = (avoided | walls).reshape(grid), goals.reshape(grid)

    def around(distance: jax.Array) -> jax.Array:
        """``[4, side, side]``: the distances from the four cells around each."""
        padded = jnp.pad(distance, 1, constant_values=far)
        return jnp.stack([padded[1 + down : 1 + down + side, 1 + right : 1 + right + side] for down, right in MOVES[:4]])

    def nearer(distances: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        distance = distances[1]
        through = jnp.minimum(distance, 1 + jnp.min(around(distance), axis=0))
        return distance, jnp.where(reached, 0, jnp.where(closed, far, through))

    first = jnp.where(reached, 0, far)
    distance = jax.lax.while_loop(lambda both: jnp.any(both[0] != both[1]), nearer, (jnp.full(grid, -1), first))[1]
    choices = around(distance).reshape(4, cells)[:, cell]
    return jnp.where(jnp.min(choices) < far, jnp.argmin(choices), 4).astype(jnp.int32)
