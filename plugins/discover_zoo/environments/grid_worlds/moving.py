"""Grid worlds whose objects come back elsewhere."""

from typing import TYPE_CHECKING, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from discover import Discrete, Environment, Key, Spec, Step, Task, component
from discover_zoo.environments.grid_worlds.drawing import draw_level
from discover_zoo.environments.grid_worlds.level import MOVES, Level, moved
from discover_zoo.environments.grid_worlds.maps import Map, read_map
from discover_zoo.environments.grid_worlds.paths import first_move

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class Scene(NamedTuple):
    """The cell of the agent, that of each object ``[O]`` (C for one that is not there), and the number of steps so far."""

    cell: jax.Array
    places: jax.Array
    steps: jax.Array


@component
class MovingGridWorld(Environment):
    """The random grid worlds of Oh et al. 2020: each episode draws the start and the objects, which come back elsewhere.

    Actions and objects are those of `GridWorld`; places are drawn among the cells that are free. The observation is an image
    ``[side, side, 1 + kinds]``: 1 at the agent in the first channel, and at the objects of each kind in another.

    >>> MovingGridWorld(map="small").spec().observation_shape
    (7, 7, 3)

    Attributes:
        map: the name of a file in ``maps``: dense, long, small, small_sparse, very_dense, tiny, or another. Where its objects
            and its start are does not matter.
    """

    paper = "Oh et al. 2020, arXiv 2007.08794, appendix A.2"

    map: str = "small"

    def spec(self) -> Spec:
        shown = self._read()
        return Spec((shown.side, shown.side, 1 + len(shown.kinds)), Discrete(len(MOVES)))

    def sample_task(self, key: Key) -> Task:
        return jnp.zeros((), jnp.int32)

    def reset(self, key: Key, task: Task) -> tuple[Scene, jax.Array]:
        level = self._level()
        nobody = jnp.full(1 + level.objects, level.cells, jnp.int32)
        cell, *places = self._drawn(jax.random.uniform(key, nobody.shape), nobody, jnp.ones(nobody.shape, bool))
        scene = Scene(cell, jnp.stack(places), jnp.int32(0))
        return scene, self._observation(scene)

    def step(self, key: Key, state: Scene, action: jax.Array, task: Task) -> Step:
        level = self._level()
        luck = jax.random.uniform(key, (3, level.objects))
        cell = moved(jnp.asarray(level.walls), state.cell, action)
        collected, missing = state.places == cell, state.places == level.cells
        left = jnp.where(collected, level.cells, state.places)
        back = self._drawn(luck[0], left, missing & (luck[1] < level.respawns), cell)
        terminated = luck[2, 0] < jnp.sum(collected * level.ends)
        scene = Scene(cell, back, state.steps + 1)
        late = scene.steps >= level.horizon
        reward = jnp.sum(collected * level.rewards)
        return Step(scene, self._observation(scene), reward, terminated=terminated, truncated=late & ~terminated)

    def expert(self, state: Scene, task: Task) -> jax.Array:
        """The shortest way to the nearest object that pays, around those that cost; to stay where there is none."""
        level = self._level()
        at = state.places[:, None] == jnp.arange(level.cells)
        pays, costs = (jnp.any(at & (sign * level.rewards[:, None] > 0.0), axis=0) for sign in (1.0, -1.0))
        return first_move(jnp.asarray(level.walls), costs, pays, state.cell)

    def render(self, axes: "Axes", state: Scene, task: Task) -> None:
        """The level with walls in dark, objects in green where they pay and red where they cost."""
        draw_level(axes, self._level(), cell=state.cell, places=state.places)

    def _drawn(self, luck: jax.Array, places: jax.Array, wanted: jax.Array, *others: jax.Array) -> jax.Array:
        """The places, with new ones where wanted: free of walls, of ``others``, and of each other.

        A place is found by its rank among the cells without walls: from a rank among those that are free as well, which grows
        by the number of taken ranks that are not above it, until none is passed over.
        """
        walls = np.asarray(self._level().walls)
        floor = np.append(np.flatnonzero(~walls), walls.size).astype(np.int32)
        ranks = jnp.asarray(np.append(np.cumsum(~walls) - 1, floor.size - 1).astype(np.int32))
        taken = [ranks[place] for place in (*others, *places)]
        for index in range(len(places)):
            occupied = jnp.stack(taken)
            free = floor.size - 1 - jnp.sum(occupied < floor.size - 1)
            first = (luck[index] * free).astype(jnp.int32)
            rank = first
            for _ in taken:
                rank = first + jnp.sum(occupied <= rank)
            taken[len(others) + index] = jnp.where(wanted[index] & (free > 0), rank, taken[len(others) + index])
        return jnp.asarray(floor)[jnp.stack(taken[len(others) :])]

    def _observation(self, scene: Scene) -> jax.Array:
        shown = self._read()
        cells = jnp.arange(shown.side**2)
        kinds = np.array([[letter == kind for letter in shown.letters] for kind in shown.kinds])
        objects = [jnp.any((scene.places[kind, None] == cells), axis=0) for kind in kinds]
        planes = jnp.stack([scene.cell == cells, *objects], axis=-1)
        return planes.reshape(self.spec().observation_shape).astype(jnp.float32)

    def _read(self) -> Map:
        return read_map(self.map)

    def _level(self) -> Level:
        shown = self._read()
        return shown.level(shown.side, len(shown.letters))
