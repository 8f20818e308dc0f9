"""The base class of grid worlds whose objects stay at their places: each state is an observation of its own."""

from typing import TYPE_CHECKING, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from discover import Discrete, Environment, Key, Spec, Step, Task, component
from discover_zoo.environments.grid_worlds.drawing import draw_level
from discover_zoo.environments.grid_worlds.level import MOVES, Level, moved

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_TICK = 0.001


class Visit(NamedTuple):
    """The cell of the agent, which objects are there ``[O]``, and the number of steps so far."""

    cell: jax.Array
    present: jax.Array
    steps: jax.Array


@component
class Tabular(Environment):
    """Grid worlds with five actions: up, down, left, right, stay. The task is a `Level`.

    Whoever moves to an object, or stays where one comes back, collects it: it pays its reward, ends the episode with its
    probability, and is gone. In each later step it comes back with its probability. The observation is one-hot over all pairs
    of a cell and a set of objects that are there.

    Attributes:
        clock: whether the observation also has the number of steps, in thousands.
    """

    clock: bool = False

    def spec(self) -> Spec:
        cells, objects = self.shape
        return Spec((cells * 2**objects + self.clock,), Discrete(len(MOVES)))

    @property
    def shape(self) -> tuple[int, int]:
        """The numbers of cells and of objects of all levels."""
        raise NotImplementedError

    def reset(self, key: Key, task: Task) -> tuple[Visit, jax.Array]:
        visit = Visit(task.start, task.used, jnp.int32(0))
        return visit, self._observation(visit)

    def step(self, key: Key, state: Visit, action: jax.Array, task: Task) -> Step:
        level: Level = task
        luck = jax.random.uniform(key, (level.objects + 1,))
        cell = moved(level.walls, state.cell, action)
        collected = state.present & (level.places == cell)
        returned = ~state.present & (luck[1:] < level.respawns)
        terminated = luck[0] < jnp.sum(collected * level.ends)
        visit = Visit(cell, state.present & ~collected | returned, state.steps + 1)
        late = visit.steps >= level.horizon
        reward = jnp.sum(collected * level.rewards)
        return Step(visit, self._observation(visit), reward, terminated=terminated, truncated=late & ~terminated)

    def render(self, axes: "Axes", state: Visit, task: Task) -> None:
        """The level with walls in dark, objects that are there in green where they pay and red where they cost."""
        draw_level(axes, task, cell=state.cell, places=np.where(state.present, task.places, task.cells))

    def _observation(self, visit: Visit) -> jax.Array:
        cells, objects = self.shape
        there = jnp.sum(visit.present * 2 ** jnp.arange(objects))
        observation = jax.nn.one_hot(visit.cell + cells * there, cells * 2**objects)
        return jnp.append(observation, _TICK * visit.steps) if self.clock else observation
