"""The base class of the families: a point that walks in the plane, and a task that rewards it."""

from typing import TYPE_CHECKING, Annotated, NamedTuple

import jax
import jax.numpy as jnp

from discover import AtLeast, Continuous, Environment, Key, Redraw, Spec, Task, component, named_key

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ORIGIN = "20,000 episodes of a uniform random policy, and of one that knows the goal and walks straight to it"
"""Origin of the random and the reference returns of the tasks."""


class Walker(NamedTuple):
    """The position ``[2]`` of the point, and the number of its steps."""

    position: jax.Array
    steps: jax.Array


@component
class Plane(Environment):
    """A family of tasks in which the agent observes its position alone, and can tell the task from rewards alone.

    A task is drawn anew before each update, or by the rule itself.

    Attributes:
        tasks: 0 for the distribution itself; N for N tasks drawn from it once, by ``seed``: two seeds make a family to train
            on and one to test on, with no task in common where goals are continuous.
        seed: of the N tasks.
    """

    tasks: Annotated[int, AtLeast(0)] = 0
    seed: Annotated[int, AtLeast(0)] = 0

    @property
    def redraw(self) -> Redraw:
        return "update"

    def spec(self) -> Spec:
        return Spec((2,), Continuous((-1.0, -1.0), (1.0, 1.0)))

    def sample_task(self, key: Key) -> Task:
        if self.tasks == 0:
            return self.draw(key)
        return jax.tree.map(lambda x: x[jax.random.randint(key, (), 0, self.tasks)], self.every_task())

    def every_task(self) -> Task:
        """The N tasks, ``[N, ...]``."""
        return jax.vmap(self.draw)(jax.random.split(named_key(jax.random.key(self.seed), "tasks"), self.tasks))

    def render(self, axes: "Axes", state: Walker, task: Task) -> None:
        """The point and its goal, which is hidden from the agent."""
        reach = 1.5 * max(0.5, *(abs(float(x)) for x in task))
        axes.plot(*task, "*", color="tab:green", markersize=14)
        axes.plot(*state.position, "o", color="tab:red", markersize=8)
        axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")

    def draw(self, key: Key) -> Task:
        """One task of the distribution."""
        raise NotImplementedError


def straight(position: jax.Array, goal: jax.Array, longest: float) -> jax.Array:
    """The action of an expert: each axis apart, the way to the goal, at most the longest step.

    >>> straight(jnp.zeros(2), jnp.array([0.05, -3.0]), 0.1).round(3)
    Array([ 0.5, -1. ], dtype=float32)
    """
    return jnp.clip((goal - position) / longest, -1.0, 1.0)


def move(position: jax.Array, action: jax.Array, longest: float) -> jax.Array:
    """The position after an action, which is clipped to ``[-1, 1]`` per axis and times the longest step.

    >>> move(jnp.zeros(2), jnp.array([0.5, 3.0]), 0.1).round(3)
    Array([0.05, 0.1 ], dtype=float32)
    """
    return position + longest * jnp.clip(action, -1.0, 1.0)
