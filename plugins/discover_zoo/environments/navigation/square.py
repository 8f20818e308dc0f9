"""Goals anywhere in a square."""

import jax
import jax.numpy as jnp

from discover import Count, Key, Registry, Step, Task, component, hookimpl
from discover_zoo.environments.navigation.plane import ORIGIN, Plane, Walker, move, straight

_HALF, _LONGEST, _NEAR = 0.5, 0.1, 0.01


@component
class Square(Plane):
    """The 2-D navigation of Finn et al. 2017: from the origin to a goal drawn uniformly from ``[-0.5, 0.5]^2``.

    A step of at most 0.1 per axis; the reward is minus the distance after it. The episode terminates within 0.01 of the goal
    on both axes, and is truncated at ``horizon``.

    >>> state, goal = Walker(jnp.zeros(2), jnp.int32(0)), jnp.array([0.3, 0.5])
    >>> round(float(Square().step(jax.random.key(0), state, jnp.array([0.0, 1.0]), goal).reward), 3)
    -0.5

    Attributes:
        horizon: the most steps of an episode.
        tasks, seed: as in `Plane`.
    """

    paper = "Finn et al. 2017, arXiv 1703.03400, section 5.3"

    horizon: Count = 100

    def draw(self, key: Key) -> jax.Array:
        return jax.random.uniform(key, (2,), minval=-_HALF, maxval=_HALF)

    def reset(self, key: Key, task: Task) -> tuple[Walker, jax.Array]:
        return Walker(jnp.zeros(2), jnp.int32(0)), jnp.zeros(2)

    def step(self, key: Key, state: Walker, action: jax.Array, task: Task) -> Step:
        state = Walker(move(state.position, action, _LONGEST), state.steps + 1)
        offset = state.position - task
        reached = jnp.all(jnp.abs(offset) < _NEAR)
        reward = -jnp.sqrt(jnp.sum(offset**2))
        return Step(state, state.position, reward, terminated=reached, truncated=state.steps >= self.horizon)

    def expert(self, state: Walker, task: Task) -> jax.Array:
        return straight(state.position, task, _LONGEST)


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("navigation_square", Square)
    registry.add_task(
        "navigation-square",
        {"navigation_square": {"tasks": 0}},
        summary="Walk to a goal that is not seen, anywhere in a square",
        random=-61.4,
        reference=-0.505,
        origin=ORIGIN,
        paper=Square.paper,
    )
