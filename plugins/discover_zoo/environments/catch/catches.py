"""Catch on boards of different sizes."""

from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp

from discover import AtLeast, Integer, Key, Spec, Step, Task, component, integer, named_keys
from discover_zoo.environments.catch import Board, Catch
from discover_zoo.environments.sizes import check_sizes, drawn_size, relative


class Game(NamedTuple):
    """One game: the side of its board, and which of left, stay, right (0 to 2) each action is."""

    side: jax.Array
    moves: jax.Array


@component
class Catches(Catch):
    """Catch on a square board; each lifetime draws its side, and the order of the three actions.

    The board lies at the top left of the observation, which has the size of the largest board. Nothing but ``rows`` and
    ``columns`` sets a shape: all tasks of the family are one program.

    >>> Catches().sample_task(jax.random.key(0)).moves.shape
    (3,)

    Attributes:
        rows, columns: size of the largest board.
        smallest, largest: the side of the board, drawn uniformly.
    """

    rows: Annotated[int, AtLeast(2)] = 10
    columns: Annotated[int, AtLeast(2)] = 10
    smallest: Integer = integer(5, low=2, high=1000)
    largest: Integer = integer(8, low=2, high=1000)

    def spec(self) -> Spec:
        check_sizes(self.smallest, self.largest, largest=min(self.rows, self.columns))
        return super().spec()

    def sample_task(self, key: Key) -> Task:
        key_side, key_moves = named_keys(key, "side", "moves")
        side = drawn_size(key_side, self.smallest, self.largest)
        return Game(side, jax.random.permutation(key_moves, 3).astype(jnp.int32))

    def step(self, key: Key, state: Board, action: jax.Array, task: Task) -> Step:
        return super().step(key, state, task.moves[action], task)

    def difficulty(self, task: Task) -> jax.Array:
        """The side of the board, between the smallest and the largest."""
        return relative(task.side, self.smallest, self.largest)

    def _size(self, task: Task) -> tuple[Integer, Integer]:
        return task.side, task.side
