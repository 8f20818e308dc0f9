"""Starts and goals anywhere in a square."""

import jax
import jax.numpy as jnp

from discover import Count, Key, Registry, Step, Task, component, hookimpl
from discover_zoo.environments.navigation.plane import ORIGIN, Plane, Walker, move, straight

_LONGEST = 0.1


@component
class Point(Plane):
    """The dense point robot of the code of Rakelly et al. 2019: from anywhere in ``[-1, 1]^2`` to a goal anywhere in it.

    A step of at most 0.1 per axis; the reward is minus the distance after it.

    >>> state, goal = Walker(jnp.zeros(2), jnp.int32(0)), jnp.array([0.3, 0.5])
    >>> round(float(Point().step(jax.random.key(0), state, jnp.array([0.0, 1.0]), goal).reward), 3)
    -0.5

    Attributes:
        horizon: steps of an episode.
        tasks, seed: as in `Plane`.
    """

    paper = "Rakelly et al. 2019, arXiv 1903.08254"

    horizon: Count = 20

    def draw(self, key: Key) -> jax.Array:
        return jax.random.uniform(key, (2,), minval=-1.0, maxval=1.0)

    def reset(self, key: Key, task: Task) -> tuple[Walker, jax.Array]:
        position = jax.random.uniform(key, (2,), minval=-1.0, maxval=1.0)
        return Walker(position, jnp.int32(0)), position

    def step(self, key: Key, state: Walker, action: jax.Array, task: Task) -> Step:
        state = Walker(move(state.position, action, _LONGEST), state.steps + 1)
        reward = -jnp.linalg.norm(state.position - task)
        return Step(state, state.position, reward, terminated=jnp.array(False), truncated=state.steps >= self.horizon)

    def expert(self, state: Walker, task: Task) -> jax.Array:
        return straight(state.position, task, _LONGEST)


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("navigation_point", Point)
    registry.add_task(
        "navigation-point",
        {"navigation_point": {"tasks": 0}},
        summary="Walk from anywhere in a square to a goal in it that is not seen",
        random=-21.5,
        reference=-5.25,
        origin=ORIGIN,
        paper=Point.paper,
    )
