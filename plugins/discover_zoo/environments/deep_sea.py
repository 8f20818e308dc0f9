"""Deep seas of any size."""

from typing import TYPE_CHECKING, Annotated, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from discover import (
    AtLeast,
    Discrete,
    Environment,
    Integer,
    Key,
    Registry,
    Scalar,
    Spec,
    Step,
    Task,
    component,
    hookimpl,
    integer,
    named_keys,
    real,
)
from discover_zoo.environments.family_tasks import add_family_tasks
from discover_zoo.environments.sizes import check_sizes, drawn_size, relative
from discover_zoo.environments.tabular import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Sea(NamedTuple):
    """One sea: its number of rows and of columns, and the action that means right, in each cell ``[side, side]``."""

    size: jax.Array
    right: jax.Array


class Diver(NamedTuple):
    """The cell of the diver: row and column."""

    row: jax.Array
    column: jax.Array


@component
class DeepSea(Environment):
    """Deep Sea (Osband et al. 2020): one row down in each step, and to the left or to the right; each lifetime has a sea.

    Of the two actions, each cell draws which one means right (``mapped``). A move to the right costs ``cost`` divided by the
    size, and fails with the probability ``slip``; a move to the left is free. Whoever has gone right in every row, that of the
    last one included, finds the treasure, which pays 1. The observation is the cell, one-hot over the square of the largest
    sea.

    Nothing but ``side`` sets a shape: all tasks of the family are one program.

    >>> seas = DeepSea(side=4, smallest=2, largest=2)
    >>> sea = seas.sample_task(jax.random.key(0))
    >>> diver, _ = seas.reset(jax.random.key(1), sea)
    >>> first = seas.step(jax.random.key(2), diver, sea.right[0, 0], sea)
    >>> last = seas.step(jax.random.key(3), first.state, sea.right[1, 1], sea)
    >>> round(float(first.reward), 4), round(float(last.reward), 4), bool(last.terminated)
    (-0.005, 0.995, True)

    Attributes:
        side: of the largest sea.
        smallest, largest: the size, drawn uniformly.
        cost: of going right all the way.
        slip: the probability that a move to the right goes to the left.
        mapped: the share of cells that draw which action means right; in all others it is action 1. With 0, what was learned in
            one sea helps in another, as curricula over levels need it.
    """

    paper = "Osband et al. 2020, arXiv 1908.03568"

    side: Annotated[int, AtLeast(2)] = 20
    smallest: Integer = integer(8, low=2, high=1000)
    largest: Integer = integer(8, low=2, high=1000)
    cost: Scalar = real(0.01, low=0.0, high=1.0)
    slip: Scalar = real(0.0, low=0.0, high=1.0)
    mapped: Scalar = real(1.0, low=0.0, high=1.0)

    def spec(self) -> Spec:
        check_sizes(self.smallest, self.largest, largest=self.side)
        return Spec((self.side**2,), Discrete(2))

    def sample_task(self, key: Key) -> Task:
        key_size, key_right = named_keys(key, "size", "right")
        size = drawn_size(key_size, self.smallest, self.largest)
        right = jax.random.bernoulli(key_right, 1.0 - 0.5 * self.mapped, (self.side, self.side))
        return Sea(size, right.astype(jnp.int32))

    def reset(self, key: Key, task: Task) -> tuple[Diver, jax.Array]:
        diver = Diver(jnp.int32(0), jnp.int32(0))
        return diver, self._observation(diver)

    def step(self, key: Key, state: Diver, action: jax.Array, task: Task) -> Step:
        sea: Sea = task
        tries = action == sea.right[state.row, state.column]
        goes = tries & (jax.random.uniform(key) >= self.slip)
        found = goes & (state.column == sea.size - 1)
        column = jnp.clip(state.column + jnp.where(goes, 1, -1), 0, sea.size - 1)
        reward = jnp.float32(found) - tries * self.cost / sea.size
        over = state.row + 1 >= sea.size
        diver = Diver(jnp.where(over, state.row, state.row + 1), column)
        return Step(diver, self._observation(diver), reward, terminated=over, truncated=jnp.array(False))

    def table(self, sea: Sea) -> Table:
        """The sea as a table, of which `discover_zoo.environments.tabular.returns_of` gives the exact returns."""
        row, column = jnp.divmod(jnp.arange(self.side**2), self.side)
        tries = jnp.arange(2) == sea.right.reshape(-1)[:, None]
        right = (1.0 - self.slip) * tries
        columns = jnp.clip(jnp.stack([column + 1, column - 1], axis=-1), 0, sea.size - 1)
        below = jnp.minimum(row + 1, self.side - 1)[:, None] * self.side + columns
        chances = jnp.stack([right, 1.0 - right], axis=-1) * (row + 1 < sea.size)[:, None, None]
        found = right * (column == sea.size - 1)[:, None]
        return Table(
            jnp.broadcast_to(below[:, None], chances.shape),
            chances,
            rewards=found - tries * self.cost / sea.size,
            start=jnp.int32(0),
            horizon=sea.size,
        )

    def difficulty(self, task: Task) -> jax.Array:
        """The size, between the smallest and the largest."""
        return relative(task.size, self.smallest, self.largest)

    def expert(self, state: Diver, task: Task) -> jax.Array:
        """To the right, always."""
        return task.right[state.row, state.column]

    def render(self, axes: "Axes", state: Diver, task: Task) -> None:
        """The sea, its diver and its treasure."""
        size = int(task.size)
        axes.imshow(np.zeros((size, size)), cmap="Blues", vmin=-1.0, vmax=4.0)
        axes.plot(size - 1, size - 1, "*", color="tab:olive", markersize=120 / size)
        axes.plot(int(state.column), int(state.row), "o", color="tab:blue", markersize=90 / size)
        axes.set_axis_off()

    def _observation(self, diver: Diver) -> jax.Array:
        return jax.nn.one_hot(diver.row * self.side + diver.column, self.side**2)


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("deep_sea", DeepSea)
    add_family_tasks(registry, "deep_sea", paper=DeepSea.paper)
