"""A family of mazes of which the agent sees the cells around it alone."""

from typing import TYPE_CHECKING, Annotated, NamedTuple

import jax
import jax.numpy as jnp

from discover import (
    AtLeast,
    Count,
    Discrete,
    Environment,
    Integer,
    Key,
    Scalar,
    Spec,
    Step,
    Task,
    component,
    integer,
    named_keys,
    real,
)
from discover_zoo.environments.grid_worlds.carving import carved
from discover_zoo.environments.grid_worlds.drawing import draw_level
from discover_zoo.environments.grid_worlds.level import Level, distinct_cells, moved
from discover_zoo.environments.grid_worlds.paths import distances, first_move
from discover_zoo.environments.sizes import check_sizes, drawn_size

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class FoggyMaze(NamedTuple):
    """One maze in a square of C cells, numbered row by row.

    Attributes:
        walls: ``[C]``, whether a cell cannot be entered.
        start: the cell in which episodes begin, a dead end.
        doors: ``[2]``, cells, at two other dead ends.
        moves: ``[4]``, which of up, down, left, right (0 to 3) each action is.
    """

    walls: jax.Array
    start: jax.Array
    doors: jax.Array
    moves: jax.Array


class Wanderer(NamedTuple):
    """The state of an episode.

    Attributes:
        cell: of the agent.
        steps: so far.
        right: 0 or 1, which door pays.
        crumbs: ``[C]``, whether a crumb lies in a cell.
    """

    cell: jax.Array
    steps: jax.Array
    right: jax.Array
    crumbs: jax.Array


@component
class FoggyMazes(Environment):
    """Mazes in a fog: crumbs that can be seen pay a little, the right one of two doors pays most, and only the start tells it.

    Each lifetime draws a maze with one way between any two cells, and three of its dead ends: the start and two doors. Each
    episode draws which door is the right one, and where the crumbs lie. A crumb pays once; a door ends the episode, and the
    right one pays ``prize``. Without a memory an agent can collect all crumbs and try a door, but the first step leads one way
    alone, and after it nothing tells the doors apart: it expects ``crumbs * crumb + prize / 2`` at most.

    The observation is a vector of bits: for each of the ``(2 sight + 1)^2`` cells around the agent, whether it is a wall, holds
    a crumb, or is a door; then, in the first ``shown`` steps of an episode, which door is right, one-hot.

    Nothing but ``rooms`` and ``sight`` sets a shape: all tasks of the family are one program.

    >>> mazes = FoggyMazes(rooms=3, fewest=3, most=3)
    >>> maze = mazes.sample_task(jax.random.key(0))
    >>> state, seen = mazes.reset(jax.random.key(1), maze)
    >>> seen.shape, int(jnp.argmax(seen[-2:]) == state.right), int(state.crumbs.sum())
    ((29,), 1, 8)

    Attributes:
        rooms: along a side of the largest maze, whose side is ``2 * rooms - 1`` cells.
        sight: cells that are seen in each direction.
        fewest, most: rooms along a side, drawn uniformly.
        crumbs: how many lie in a maze; fewer where it has not so many free cells.
        crumb: what one pays.
        prize: what the right door pays.
        shown: steps of an episode in which the right door is told.
        permuted: the share of mazes whose actions are in an order of their own.
        horizon: steps after which an episode is cut off.
    """

    rooms: Annotated[int, AtLeast(3)] = 5
    sight: Count = 1
    fewest: Integer = integer(3, low=3, high=100)
    most: Integer = integer(4, low=3, high=100)
    crumbs: Integer = integer(8, low=0, high=1000)
    crumb: Scalar = real(0.1, low=0.0, high=1.0)
    prize: Scalar = real(1.0, low=0.0, high=10.0)
    shown: Integer = integer(1, low=1, high=1_000_000)
    permuted: Scalar = real(1.0, low=0.0, high=1.0)
    horizon: Integer = integer(60, low=1, high=1_000_000)

    @property
    def side(self) -> int:
        """Cells along a side of the largest maze."""
        return 2 * self.rooms - 1

    def spec(self) -> Spec:
        check_sizes(self.fewest, self.most, largest=self.rooms)
        return Spec((3 * (2 * self.sight + 1) ** 2 + 2,), Discrete(4))

    def sample_task(self, key: Key) -> Task:
        names = ("size", "walls", "ends", "permuted", "moves")
        keys = dict(zip(names, named_keys(key, *names), strict=True))
        count = drawn_size(keys["size"], self.fewest, self.most)
        walls = self._walls(keys["walls"], count)
        ends = distinct_cells(keys["ends"], ~self._dead_ends(walls), 3)
        moves = jax.random.permutation(keys["moves"], 4)
        permuted = jax.random.bernoulli(keys["permuted"], self.permuted)
        return FoggyMaze(walls, ends[0], ends[1:], moves=jnp.where(permuted, moves, jnp.arange(4)).astype(jnp.int32))

    def reset(self, key: Key, task: Task) -> tuple[Wanderer, jax.Array]:
        key_right, key_crumbs = jax.random.split(key)
        free = ~(task.walls | _among(jnp.append(task.doors, task.start), task.walls))
        rank = jnp.argsort(jnp.argsort(jax.random.uniform(key_crumbs, free.shape) + ~free))
        right = jax.random.randint(key_right, (), 0, 2)
        state = Wanderer(task.start, jnp.int32(0), right, crumbs=free & (rank < self.crumbs))
        return state, self._observation(state, task)

    def step(self, key: Key, state: Wanderer, action: jax.Array, task: Task) -> Step:
        del key  # nothing is random within an episode
        cell = moved(task.walls, state.cell, task.moves[action])
        found = state.crumbs[cell]
        following = Wanderer(cell, state.steps + 1, state.right, crumbs=state.crumbs.at[cell].set(False))
        reward = self.crumb * found + self.prize * (cell == task.doors[state.right])
        terminated = jnp.any(cell == task.doors)
        late = following.steps >= self.horizon
        seen = self._observation(following, task)
        return Step(following, seen, jnp.float32(reward), terminated=terminated, truncated=late & ~terminated)

    def expert(self, state: Wanderer, task: Task) -> jax.Array:
        """The way to the nearest crumb while there is time for it, then to the right door."""
        door, wrong = _among(task.doors[state.right], task.walls), _among(task.doors[1 - state.right], task.walls)
        here = _among(state.cell, task.walls)
        closed = task.walls | wrong
        to_door = distances(closed, door)
        to_crumb = jnp.where(state.crumbs, distances(closed | door, here), task.walls.size)
        crumb = jnp.argmin(to_crumb)
        in_time = (to_crumb < task.walls.size) & (to_crumb + to_door <= self.horizon - state.steps)
        goals = jnp.where(in_time[crumb], _among(crumb, task.walls), door)
        move = first_move(task.walls, wrong | (door & in_time[crumb]), goals, state.cell)
        return jnp.argmax(task.moves == move).astype(jnp.int32)

    def render(self, axes: "Axes", state: Wanderer, task: Task) -> None:
        """The maze without its fog: walls in dark, crumbs and the right door in green, the wrong one in red."""
        cells = jnp.arange(task.walls.size)
        places = jnp.concatenate([jnp.where(state.crumbs, cells, cells.size), task.doors])
        pays = jnp.concatenate([jnp.ones(cells.size), 2.0 * (jnp.arange(2) == state.right) - 1.0])
        nothing = jnp.zeros(places.size)
        level = Level(
            task.walls, task.start, jnp.asarray(self.horizon), places=places, rewards=pays, ends=nothing, respawns=nothing
        )
        draw_level(axes, level, cell=state.cell, places=places)

    def _walls(self, key: Key, count: jax.Array) -> jax.Array:
        """``[C]``: the walls of a maze that has three dead ends at least; drawn until there is one, which most are."""

        def drawn(trial: jax.Array) -> jax.Array:
            return carved(jax.random.fold_in(key, trial), self.rooms, count, jnp.float32(1.0))

        def too_few(trial: jax.Array) -> jax.Array:
            return jnp.sum(self._dead_ends(drawn(trial))) < 3

        return drawn(jax.lax.while_loop(too_few, lambda trial: trial + 1, jnp.int32(0)))

    def _dead_ends(self, walls: jax.Array) -> jax.Array:
        """``[C]``: whether a cell is open, and one of the four around it."""
        padded = jnp.pad(~walls.reshape(self.side, self.side), 1).astype(jnp.int32)
        around = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
        return ~walls & (around.reshape(-1) == 1)

    def _observation(self, state: Wanderer, task: FoggyMaze) -> jax.Array:
        width, (row, column) = 2 * self.sight + 1, jnp.divmod(state.cell, self.side)

        def window(bits: jax.Array, outside: bool) -> jax.Array:
            padded = jnp.pad(bits.reshape(self.side, self.side), self.sight, constant_values=outside)
            return jax.lax.dynamic_slice(padded, (row, column), (width, width)).reshape(-1)

        doors = _among(task.doors, task.walls)
        seen = [window(task.walls, True), window(state.crumbs, False), window(doors, False)]
        told = (jnp.arange(2) == state.right) & (state.steps < self.shown)
        return jnp.concatenate([*seen, told]).astype(jnp.float32)


def _among(cells: jax.Array, walls: jax.Array) -> jax.Array:
    """``[C]``: whether a cell is one of these."""
    return jnp.any(jnp.arange(walls.size)[:, None] == jnp.atleast_1d(cells), axis=1)
