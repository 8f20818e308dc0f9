"""An orchard in which an action is several choices at once."""

from typing import TYPE_CHECKING, Annotated, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from discover import (
    AtLeast,
    Count,
    Environment,
    Key,
    MultiDiscrete,
    Registry,
    Scalar,
    Spec,
    Step,
    Task,
    component,
    hookimpl,
    real,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOVES = ((-1, 0), (0, 1), (1, 0), (0, -1))
"""Changes of row and column in the directions up, right, down and left."""


class Picker(NamedTuple):
    """The cells ``[2]`` (row and column) of the picker and of the fruit, and the number of steps, int32."""

    cell: jax.Array
    fruit: jax.Array
    time: jax.Array


@component
class Orchard(Environment):
    """Pick fruit in an orchard: an action is a direction, a stride and what the hand does, all at once.

    Its three choices are the direction (up, right, down, left: 0 to 3), the stride (0 for one cell, 1 for two, ...) and the
    hand (1 grasps where the step leads to, 0 does not). The border stops a step. Grasping pays 1 where the fruit is, and a new
    one grows in another cell, each equally likely; elsewhere it costs ``cost``. After ``limit`` steps the episode is truncated.
    The observation ``[6 * side - 2]`` is the picker's row and column, and how many rows and columns away the fruit is, each
    one-hot.

    A small analog of the action spaces of Mix & Match, where an action of the large agent is a choice in each of several
    groups (turn, walk, jump, ...). Few of the 24 actions are enough to get everywhere, step by step; with all of them it goes
    faster.

    >>> orchard, task = Orchard(), jnp.zeros((), jnp.int32)
    >>> before = Picker(jnp.array([0, 0]), fruit=jnp.array([0, 3]), time=jnp.int32(0))
    >>> float(orchard.step(jax.random.key(0), before, jnp.array([1, 2, 1]), task).reward)  # right by three, and grasp
    1.0

    Attributes:
        side: cells of a side of the square grid.
        strides: the most cells of a step.
        limit: steps of an episode.
        cost: of grasping where no fruit is.
    """

    paper = "Czarnecki et al. 2018, Mix & Match: agent curricula for reinforcement learning, arXiv 1806.01780"

    side: Annotated[int, AtLeast(2)] = 5
    strides: Count = 3
    limit: Count = 20
    cost: Scalar = real(0.1, low=0.0, high=1.0)

    def spec(self) -> Spec:
        return Spec((6 * self.side - 2,), MultiDiscrete((len(_MOVES), self.strides, 2)))

    def sample_task(self, key: Key) -> Task:
        return jnp.zeros((), jnp.int32)

    def reset(self, key: Key, task: Task) -> tuple[Picker, jax.Array]:
        key_cell, key_fruit = jax.random.split(key)
        cell = jax.random.randint(key_cell, (2,), 0, self.side)
        picker = Picker(cell, self._elsewhere(key_fruit, cell), jnp.int32(0))
        return picker, self._observation(picker)

    def step(self, key: Key, state: Picker, action: jax.Array, task: Task) -> Step:
        direction, stride, hand = action
        cell = jnp.clip(state.cell + jnp.array(_MOVES)[direction] * (stride + 1), 0, self.side - 1)
        there = jnp.all(cell == state.fruit)
        picked = there & (hand == 1)
        fruit = jnp.where(picked, self._elsewhere(key, cell), state.fruit)
        reward = jnp.where(picked, 1.0, -self.cost * jnp.float32(hand == 1))
        picker = Picker(cell, fruit, state.time + 1)
        late = picker.time >= self.limit
        return Step(picker, self._observation(picker), reward, terminated=jnp.array(False), truncated=late)

    def expert(self, state: Picker, task: Task) -> jax.Array:
        """The action that leads to the fruit in the fewest steps: up or down first."""
        rows, columns = state.fruit - state.cell
        vertical = rows != 0
        way = jnp.where(vertical, rows, columns)
        direction = jnp.where(vertical, jnp.where(way > 0, 2, 0), jnp.where(way > 0, 1, 3))
        cells = jnp.minimum(jnp.abs(way), self.strides)
        arrives = (cells == jnp.abs(way)) & ~(vertical & (columns != 0))
        return jnp.stack([direction, jnp.maximum(cells, 1) - 1, arrives]).astype(jnp.int32)

    def render(self, axes: "Axes", state: Picker, task: Task) -> None:
        """The grid, with the fruit in red and the picker as a square."""
        axes.imshow(np.full((self.side, self.side, 3), 0.93))
        axes.plot(state.cell[1], state.cell[0], "s", color="tab:blue", markersize=14)
        axes.plot(state.fruit[1], state.fruit[0], "o", color="tab:red", markersize=8)
        axes.set_xticks(np.arange(self.side) + 0.5, [])
        axes.set_yticks(np.arange(self.side) + 0.5, [])
        axes.tick_params(length=0)
        axes.grid(color="white")

    def _elsewhere(self, key: Key, cell: jax.Array) -> jax.Array:
        """Another cell, each equally likely."""
        index = jax.random.randint(key, (), 0, self.side**2 - 1)
        index += index >= cell[0] * self.side + cell[1]
        return jnp.stack([index // self.side, index % self.side])

    def _observation(self, picker: Picker) -> jax.Array:
        own = jax.nn.one_hot(picker.cell, self.side)
        way = jax.nn.one_hot(picker.fruit - picker.cell + self.side - 1, 2 * self.side - 1)
        return jnp.concatenate([own.ravel(), way.ravel()])


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("orchard", Orchard)
    registry.add_task(
        "orchard",
        "orchard",
        summary="Pick fruit; an action is a direction, a stride and a grasp at once",
        random=-0.662722,
        reference=10.750083,
        origin="exact, by dynamic programming over cells, fruit and time left; reference: optimum, which its expert attains",
        paper=Orchard.paper,
    )
