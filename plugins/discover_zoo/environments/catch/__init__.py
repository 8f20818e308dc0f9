"""Catch: a small task with a delayed reward and an image as observation."""

from typing import TYPE_CHECKING, Annotated, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from discover import AtLeast, Count, Discrete, Environment, Integer, Key, Registry, Spec, Step, Task, component, hookimpl
from discover_zoo.environments.family_tasks import add_family_tasks

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Board(NamedTuple):
    """Positions of ball and paddle, int32 scalars. The paddle stays in the bottom row."""

    ball_row: jax.Array
    ball_column: jax.Array
    paddle: jax.Array


@component
class Catch(Environment):
    """A ball falls one row per step; the paddle moves left, stays or moves right (actions 0, 1, 2).

    The ball starts in a uniformly drawn column of the top row, the paddle in the middle. When the ball reaches the bottom,
    after ``rows - 1`` steps, the episode ends with reward 1 if the paddle is under it, else -1. The observation is the
    board ``[rows, columns]``: 1 at the ball and at the paddle, else 0.

    >>> catch, task = Catch(rows=2, columns=3), jnp.zeros((), jnp.int32)
    >>> state = Board(ball_row=jnp.int32(0), ball_column=jnp.int32(2), paddle=jnp.int32(1))
    >>> step = catch.step(jax.random.key(0), state, jnp.int32(2), task)
    >>> float(step.reward), bool(step.terminated)
    (1.0, True)

    Attributes:
        rows, columns: size of the board.
    """

    paper = "Mnih et al. 2014, Recurrent models of visual attention, arXiv 1406.6247"

    rows: Annotated[int, AtLeast(2)] = 8
    columns: Count = 8

    def spec(self) -> Spec:
        return Spec((self.rows, self.columns), Discrete(3))

    def sample_task(self, key: Key) -> Task:
        return jnp.zeros((), jnp.int32)

    def reset(self, key: Key, task: Task) -> tuple[Board, jax.Array]:
        _, columns = self._size(task)
        column = jax.random.randint(key, (), 0, columns)
        board = Board(jnp.int32(0), column, jnp.int32(columns // 2))
        return board, self._image(board, task)

    def step(self, key: Key, state: Board, action: jax.Array, task: Task) -> Step:
        rows, columns = self._size(task)
        paddle = jnp.clip(state.paddle + action - 1, 0, columns - 1)
        board = Board(state.ball_row + 1, state.ball_column, paddle)
        landed = board.ball_row == rows - 1
        reward = jnp.float32(landed) * jnp.where(paddle == board.ball_column, 1.0, -1.0)
        return Step(board, self._image(board, task), reward, terminated=landed, truncated=jnp.array(False))

    def render(self, axes: "Axes", state: Board, task: Task) -> None:
        axes.imshow(np.asarray(self._image(state, task)), cmap="gray", vmin=0.0, vmax=1.0)
        axes.set_axis_off()

    def _size(self, task: Task) -> tuple[Integer, Integer]:
        """The numbers of rows and of columns of a task's board."""
        return self.rows, self.columns

    def _image(self, board: Board, task: Task) -> jax.Array:
        row, column = jnp.arange(self.rows)[:, None], jnp.arange(self.columns)
        ball = (row == board.ball_row) & (column == board.ball_column)
        paddle = (row == self._size(task)[0] - 1) & (column == board.paddle)
        return (ball | paddle).astype(jnp.float32)


@hookimpl
def discover_register(registry: Registry) -> None:
    from discover_zoo.environments.catch.catches import Catches

    registry.add("catch", Catch)
    registry.add_task(
        "catch",
        "catch",
        summary="Catch a falling ball with a paddle on an 8 x 8 board",
        random=-0.75,
        reference=1.0,
        origin="random: exact, since the ball's column is uniform and 1 of 8 is caught; reference: optimum, every ball caught",
        paper=Catch.paper,
    )
    registry.add("catches", Catches)
    add_family_tasks(registry, "catches", paper=Catch.paper)
