"""A walk along a cliff, small enough to know the value of every state."""

from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np

from discover import Discrete, Environment, Key, Registry, Spec, Step, Task, component, hookimpl

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOVES = ((-1, 0), (0, 1), (1, 0), (0, -1))
"""Changes of row and column by the actions up, right, down and left."""


@component
class Cliff(Environment):
    """Walk along a cliff (Sutton & Barto 2018, example 6.6): up, right, down, left are actions 0 to 3, each pays -1.

    Start and goal are the ends of the bottom row; the cells between them are the cliff: it pays -100 and leads back to the
    start, without ending the episode. The goal terminates. The observation is the cell, one-hot, row by row from the top.

    >>> cliff, task = Cliff(), jnp.zeros((), jnp.int32)
    >>> start, _ = cliff.reset(jax.random.key(0), task)
    >>> float(cliff.step(jax.random.key(0), start, jnp.int32(1), task).reward)
    -100.0

    Attributes:
        rows, columns: size of the grid.
    """

    paper = "Sutton & Barto 2018, example 6.6"

    rows: int = 4
    columns: int = 12

    def spec(self) -> Spec:
        return Spec((self.rows * self.columns,), Discrete(4))

    def sample_task(self, key: Key) -> Task:
        return jnp.zeros((), jnp.int32)

    def reset(self, key: Key, task: Task) -> tuple[jax.Array, jax.Array]:
        start = jnp.array([self.rows - 1, 0], jnp.int32)
        return start, self._observation(start)

    def step(self, key: Key, state: jax.Array, action: jax.Array, task: Task) -> Step:
        last = jnp.array([self.rows - 1, self.columns - 1], jnp.int32)
        cell = jnp.clip(state + jnp.array(_MOVES, jnp.int32)[action], 0, last)
        goal = jnp.all(cell == last)
        fell = (cell[0] == last[0]) & (cell[1] > 0) & ~goal
        cell = jnp.where(fell, jnp.array([self.rows - 1, 0], jnp.int32), cell)
        reward = jnp.where(fell, jnp.float32(-100.0), -1.0)
        return Step(cell, self._observation(cell), reward, terminated=goal, truncated=jnp.array(False))

    def render(self, axes: "Axes", state: jax.Array, task: Task) -> None:
        """The grid with the cliff in dark, the goal in green, and the agent as a dot."""
        grid = np.full((self.rows, self.columns, 3), 0.93)
        grid[-1, 1:-1], grid[-1, -1] = 0.25, (0.55, 0.8, 0.55)
        axes.imshow(grid)
        axes.plot(state[1], state[0], "o", color="tab:red", markersize=9)
        axes.set_xticks(np.arange(self.columns) + 0.5, [])
        axes.set_yticks(np.arange(self.rows) + 0.5, [])
        axes.tick_params(length=0)
        axes.grid(color="white")

    def _observation(self, cell: jax.Array) -> jax.Array:
        return jax.nn.one_hot(cell[0] * self.columns + cell[1], self.rows * self.columns)


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("cliff", Cliff)
    registry.add_task(
        "cliff",
        "cliff",
        summary="The shortest way along a cliff of 10 cells",
        random=-65375.130399,
        reference=-13.0,
        origin="random: exact, from the linear equations of its values; reference: optimum, along the edge",
        paper=Cliff.paper,
    )
