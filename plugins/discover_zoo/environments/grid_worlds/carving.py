"""Mazes that are carved out of rock: a tree of ways through all rooms, with or without further ones."""

import jax
import jax.numpy as jnp
import numpy as np

from discover import Key, named_keys


def carved(key: Key, rooms: int, count: jax.Array, share: jax.Array) -> jax.Array:
    """``[C]``: the walls of a maze of ``count x count`` rooms, in a square with a side of ``2 * rooms - 1`` cells.

    Rooms are the cells in even rows and columns. A tree of ways, grown as by Prim's algorithm over random weights, joins all of
    them, so that every room can be reached from every other one. Of all other cells, a share is wall.

    Args:
        key: randomness.
        rooms: rooms along a side of the whole square.
        count: rooms along a side that the maze has, in the corner at the top left; what is outside is wall.
        share: 0 for an open room, 1 for a maze with exactly one way between two rooms.

    >>> walls = carved(jax.random.key(0), 3, jnp.int32(2), jnp.float32(1.0)).reshape(5, 5)
    >>> int((~walls[:3, :3]).sum()), bool(walls[3:].all())  # four rooms, three ways
    (7, True)
    """
    key_ways, key_walls = named_keys(key, "ways", "walls")
    side = 2 * rooms - 1
    first, second = _neighbors(rooms)
    row, column = np.divmod(np.arange(side**2), side)
    inside = (row < 2 * count - 1) & (column < 2 * count - 1)
    between = first // rooms * 2 * side + first % rooms * 2 + np.where(second - first == 1, 1, side)
    weights = jnp.where(inside[between], jax.random.uniform(key_ways, first.shape), jnp.inf)
    opened = jnp.zeros(side**2, bool).at[between].set(_tree(weights, rooms))
    is_room = (row % 2 == 0) & (column % 2 == 0)
    stands = jax.random.uniform(key_walls, (side**2,)) < share
    return ~inside | (~is_room & ~opened & stands)


def _neighbors(rooms: int) -> tuple[np.ndarray, np.ndarray]:
    """``[E]`` each: pairs of rooms side by side, and one above the other."""
    number = np.arange(rooms**2).reshape(rooms, rooms)
    first = np.concatenate([number[:, :-1].ravel(), number[:-1].ravel()])
    return first, np.concatenate([number[:, 1:].ravel(), number[1:].ravel()])


def _tree(weights: jax.Array, rooms: int) -> jax.Array:
    """``[E]``: whether a pair of rooms belongs to the least spanning tree; a pair of infinite weight never does."""
    first, second = map(jnp.asarray, _neighbors(rooms))

    def grow(_: jax.Array, grown: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        reached, opened = grown
        costs = jnp.where(reached[first] != reached[second], weights, jnp.inf)
        pair = jnp.argmin(costs)
        new = jnp.isfinite(costs[pair])
        return reached.at[first[pair]].max(new).at[second[pair]].max(new), opened.at[pair].max(new)

    begun = jnp.arange(rooms**2) == 0, jnp.zeros(weights.shape, bool)
    return jax.lax.fori_loop(0, rooms**2 - 1, grow, begun)[1]
