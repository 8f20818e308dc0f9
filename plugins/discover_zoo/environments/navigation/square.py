"""Goals anywhere in a square."""

import jax
import jax.numpy as jnp

from discover import Count, Key, Registry, Step, Task, component, hookimpl
from discover_zoo.environments.navigation.plane import ORIGIN, Plane, Walker, moved

_HALF, _REACH, _NEAR = 0.5, 0.1, 0.01


@component
class Square(Plane):
    """The 2-D navigation of Finn et al. 2017: from the origin to a goal drawn uniformly from ``[-0.5, 0.5]^2``.

    A step of at most 0.1 per axis; the reward is minus the distance after it. The episode terminates within 0.01 of the goal
    on both axes, and is cut off at ``horizon``.
    """

    paper = "Finn et al. 2017, arXiv 1703.03400, section 5.3"

    horizon: Count = 100

    def draw(self, key: Key) -> jax.Array:
        return jax.random.uniform(key, (2,), minval=-_HALF, maxval=_HALF)

    def reset(self, key: Key, task: Task) -> tuple[Walker, jax.Array]:
        return Walker(jnp.zeros(2), jnp.int32(0)), jnp.zeros(2)

    def step(self, key: Key, state: Walker, action: jax.Array, task: Task) -> Step:
        state = Walker(moved(state.position, action, _REACH), state.steps + 1)
        away = state.position - task
        reached = jnp.all(jnp.abs(away) < _NEAR)
        return Step(state, state.position, -jnp.sqrt(jnp.sum(away**2)), reached, state.steps >= self.horizon)


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
