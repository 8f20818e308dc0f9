"""What the families share: a point in the plane that walks, and a task that pays it."""

from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp

from discover import AtLeast, Continuous, Environment, Key, Redraw, Spec, Task, component, named_key

ORIGIN = "20,000 episodes of a uniform random policy, and of one that knows the goal and walks straight to it"
"""Where the random and the reference returns of the tasks come from."""


class Walker(NamedTuple):
    """Where the point is ``[2]``, and how many steps it has taken."""

    position: jax.Array
    steps: jax.Array


@component
class Plane(Environment):
    """A family of tasks in which the agent sees its position alone, and learns from rewards which task it is in.

    A task is drawn anew before each update, or by the rule itself.

    Attributes:
        tasks: 0 for the distribution itself; N for N tasks drawn from it once, by ``seed``: two seeds make a family to train
            on and one to test on, with no task in common where goals are continuous.
        seed: which N tasks.
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

    def draw(self, key: Key) -> Task:
        """One task of the distribution."""
        raise NotImplementedError


def moved(position: jax.Array, action: jax.Array, reach: float) -> jax.Array:
    """The position after an action in ``[-1, 1]`` per axis, clipped to that, times the longest step."""
    return position + reach * jnp.clip(action, -1.0, 1.0)
