"""A family of mazes."""

from typing import TYPE_CHECKING, Annotated, NamedTuple

import jax
import jax.numpy as jnp

from discover import (
    AtLeast,
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
from discover_zoo.environments.grid_worlds.level import Level, moved
from discover_zoo.environments.grid_worlds.paths import distances, first_move
from discover_zoo.environments.sizes import check_sizes, drawn_size, relative
from discover_zoo.environments.tabular import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Maze(NamedTuple):
    """One maze in a square of C cells, numbered row by row.

    Attributes:
        walls: ``[C]``, whether a cell cannot be entered.
        start, goal, decoy: cells; C for a decoy that the maze does not have.
        moves: ``[4]``, which of up, down, left, right (0 to 3) each action is.
        slip: the probability that a step goes in a direction at random.
        cost: what each step costs.
        bait: what the decoy pays.
    """

    walls: jax.Array
    start: jax.Array
    goal: jax.Array
    decoy: jax.Array
    moves: jax.Array
    slip: jax.Array
    cost: jax.Array
    bait: jax.Array


class Place(NamedTuple):
    """The cell of the agent, and the number of steps so far."""

    cell: jax.Array
    steps: jax.Array


_NAMES = ("size", "share", "walls", "start", "goal", "decoy", "moves", "slip", "cost", "bait")


@component
class Mazes(Environment):
    """Mazes from a start to a goal that pays 1 and ends the episode; each lifetime draws one.

    Everything is drawn uniformly: the size between its bounds, the share of walls, the start among the rooms, the goal among
    those that are at least half as far away as the farthest one. There is always a way (`carved`). A decoy, which ends the
    episode too, is nearer than the goal and on no shortest way to it. Slip, cost and the bait of the decoy lie between 0 and
    the numbers given here; and with the probability ``permuted`` the four actions are in an order of their own. The observation
    is the cell, one-hot.

    Nothing but ``rooms`` sets a shape: all tasks of the family are one program.

    >>> mazes = Mazes(rooms=3)
    >>> maze = mazes.sample_task(jax.random.key(0))
    >>> maze.walls.shape, bool(maze.walls[maze.goal]), sorted(maze.moves.tolist())
    ((25,), False, [0, 1, 2, 3])

    Attributes:
        rooms: along a side of the largest maze, whose side is ``2 * rooms - 1`` cells.
        fewest, most: rooms along a side.
        least_walls, most_walls: the share of walls among the cells that could be one, from 0 (an open room) to 1 (a single way
            between two rooms).
        slip: the largest probability that a step goes in a direction at random.
        cost: the most that a step costs.
        bait: the most that a decoy pays.
        decoys: the share of mazes with a decoy.
        permuted: the share of mazes whose actions are permuted.
        horizon: steps after which an episode is cut off.
    """

    rooms: Annotated[int, AtLeast(2)] = 7
    fewest: Integer = integer(3, low=2, high=100)
    most: Integer = integer(4, low=2, high=100)
    least_walls: Scalar = real(0.3, low=0.0, high=1.0)
    most_walls: Scalar = real(1.0, low=0.0, high=1.0)
    slip: Scalar = real(0.0, low=0.0, high=1.0)
    cost: Scalar = real(0.0, low=0.0, high=1.0)
    bait: Scalar = real(0.0, low=0.0, high=1.0)
    decoys: Scalar = real(0.0, low=0.0, high=1.0)
    permuted: Scalar = real(1.0, low=0.0, high=1.0)
    horizon: Integer = integer(100, low=1, high=1_000_000)

    @property
    def side(self) -> int:
        """Cells along a side of the largest maze."""
        return 2 * self.rooms - 1

    def spec(self) -> Spec:
        check_sizes(self.fewest, self.most, largest=self.rooms)
        return Spec((self.side**2,), Discrete(4))

    def sample_task(self, key: Key) -> Task:
        keys = dict(zip(_NAMES, named_keys(key, *_NAMES), strict=True))

        def below(most: Scalar, key: Key) -> jax.Array:
            return most * jax.random.uniform(key)

        count = drawn_size(keys["size"], self.fewest, self.most)
        share = self.least_walls + (self.most_walls - self.least_walls) * jax.random.uniform(keys["share"])
        walls = carved(keys["walls"], self.rooms, count, share)
        row, column = jnp.divmod(jnp.arange(self.side**2), self.side)
        rooms = (row % 2 == 0) & (column % 2 == 0) & ~walls
        start = _one_of(keys["start"], rooms)
        from_start = distances(walls, _at(start, walls))
        goal = _one_of(keys["goal"], rooms & (2 * from_start >= jnp.max(from_start * rooms)))
        aside = from_start + distances(walls, _at(goal, walls)) > from_start[goal]
        suits = rooms & aside & (from_start > 0) & (from_start < from_start[goal])
        key_any, key_decoy = jax.random.split(keys["decoy"])
        has_decoy = jnp.any(suits) & jax.random.bernoulli(key_any, self.decoys)
        key_any, key_moves = jax.random.split(keys["moves"])
        moves = jax.random.permutation(key_moves, 4)
        return Maze(
            walls=walls,
            start=start,
            goal=goal,
            decoy=jnp.where(has_decoy, _one_of(key_decoy, suits), walls.size).astype(jnp.int32),
            moves=jnp.where(jax.random.bernoulli(key_any, self.permuted), moves, jnp.arange(4)).astype(jnp.int32),
            slip=below(self.slip, keys["slip"]),
            cost=below(self.cost, keys["cost"]),
            bait=below(self.bait, keys["bait"]),
        )

    def reset(self, key: Key, task: Task) -> tuple[Place, jax.Array]:
        place = Place(task.start, jnp.int32(0))
        return place, self._observation(place)

    def step(self, key: Key, state: Place, action: jax.Array, task: Task) -> Step:
        maze: Maze = task
        key_slip, key_way = jax.random.split(key)
        slips = jax.random.uniform(key_slip) < maze.slip
        move = jnp.where(slips, jax.random.randint(key_way, (), 0, 4), maze.moves[action])
        place = Place(moved(maze.walls, state.cell, move), state.steps + 1)
        reward = self.pays(maze, place.cell)
        terminated = (place.cell == maze.goal) | (place.cell == maze.decoy)
        late = place.steps >= self.horizon
        return Step(place, self._observation(place), reward, terminated=terminated, truncated=late & ~terminated)

    @staticmethod
    def pays(maze: Maze, cell: jax.Array) -> jax.Array:
        """The reward of a step to a cell."""
        return jnp.float32(cell == maze.goal) + maze.bait * (cell == maze.decoy) - maze.cost

    def table(self, maze: Maze) -> Table:
        """The maze as a table, of which `discover_zoo.environments.tabular.returns_of` gives the exact returns."""
        cells = jnp.arange(self.side**2)
        targets = jax.vmap(lambda cell: jax.vmap(lambda move: moved(maze.walls, cell, move))(jnp.arange(4)))(cells)
        by_slip = jnp.broadcast_to(targets[:, None], (cells.size, 4, 4))
        arriving = jnp.concatenate([targets[:, maze.moves, None], by_slip], axis=-1)
        chances = jnp.concatenate([1.0 - maze.slip[None], jnp.broadcast_to(maze.slip / 4.0, 4)])
        goes_on = (arriving != maze.goal) & (arriving != maze.decoy)
        rewards = jnp.sum(chances * self.pays(maze, arriving), axis=-1)
        return Table(arriving, chances * goes_on, rewards=rewards, start=maze.start, horizon=jnp.asarray(self.horizon))

    def difficulty(self, task: Task) -> jax.Array:
        """The mean of the number of rooms along a side and of the share of walls, each between its bounds.

        The share is that of the walls that stand, ``walls / (2 * (rooms - 1)**2)``. What has one value alone does not count.
        """
        walls = task.walls.reshape(self.side, self.side)
        count = jnp.sum(~walls[0, ::2])
        inside = jnp.arange(self.side) < 2 * count - 1
        stands = jnp.sum(walls & inside & inside[:, None]) / (2 * (count - 1) ** 2)
        size, share = relative(count, self.fewest, self.most), relative(stands, self.least_walls, self.most_walls)
        vary = jnp.asarray(self.most) > self.fewest, jnp.asarray(self.most_walls) > self.least_walls
        return (size + share) / jnp.maximum(jnp.float32(vary[0]) + vary[1], 1.0)

    def expert(self, state: Place, task: Task) -> jax.Array:
        """The shortest way to the goal, around the decoy."""
        move = first_move(task.walls, _at(task.decoy, task.walls), _at(task.goal, task.walls), state.cell)
        return jnp.argmax(task.moves == move).astype(jnp.int32)

    def render(self, axes: "Axes", state: Place, task: Task) -> None:
        """The maze with walls in dark, and the goal and the decoy in green."""
        level = Level(
            walls=task.walls,
            start=task.start,
            horizon=jnp.asarray(self.horizon),
            places=jnp.stack([task.goal, task.decoy]),
            rewards=jnp.stack([jnp.float32(1.0), task.bait]),
            ends=jnp.ones(2),
            respawns=jnp.zeros(2),
        )
        draw_level(axes, level, cell=state.cell, places=level.places)

    def _observation(self, place: Place) -> jax.Array:
        return jax.nn.one_hot(place.cell, self.side**2)


def _one_of(key: Key, suits: jax.Array) -> jax.Array:
    """One of the cells that suit, each with the same probability."""
    return jnp.argmax(jnp.where(suits, jax.random.uniform(key, suits.shape), -1.0)).astype(jnp.int32)


def _at(cell: jax.Array, walls: jax.Array) -> jax.Array:
    """``[C]``: whether a cell is this one."""
    return jnp.arange(walls.size) == cell
