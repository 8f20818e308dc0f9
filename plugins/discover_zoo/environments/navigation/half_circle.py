"""Goals on a half-circle, with a reward near the goal alone."""

import math

import jax
import jax.numpy as jnp

from discover import Count, Key, Registry, Step, Task, component, hookimpl
from discover_zoo.environments.navigation.plane import ORIGIN, Plane, Walker, move, straight

_LONGEST, _NEAR, _ANGLES = 0.1, 0.2, 100


@component
class HalfCircle(Plane):
    """The sparse point robot of Rakelly et al. 2019: a goal at one of 100 angles on the upper unit half-circle.

    The point starts at the origin, with steps of at most 0.1 per axis. Within 0.2 of the goal the reward is one minus the
    distance, elsewhere 0, and the shaped reward is minus the distance; if ``dense``, the reward itself is.

    >>> state, goal = Walker(jnp.array([0.0, 0.8]), jnp.int32(0)), jnp.array([0.0, 1.0])
    >>> round(float(HalfCircle().step(jax.random.key(0), state, jnp.array([0.0, 1.0]), goal).reward), 3)
    0.9

    Attributes:
        horizon: steps of an episode.
        dense: whether the reward is minus the distance everywhere.
        tasks, seed: as in `Plane`.
    """

    paper = "Rakelly et al. 2019, arXiv 1903.08254, section 6.3"

    horizon: Count = 20
    dense: bool = False

    def draw(self, key: Key) -> jax.Array:
        angle = math.pi * jax.random.randint(key, (), 0, _ANGLES) / (_ANGLES - 1)
        return jnp.stack([jnp.cos(angle), jnp.sin(angle)])

    def reset(self, key: Key, task: Task) -> tuple[Walker, jax.Array]:
        return Walker(jnp.zeros(2), jnp.int32(0)), jnp.zeros(2)

    def step(self, key: Key, state: Walker, action: jax.Array, task: Task) -> Step:
        state = Walker(move(state.position, action, _LONGEST), state.steps + 1)
        distance = jnp.linalg.norm(state.position - task)
        late, never = state.steps >= self.horizon, jnp.array(False)
        if self.dense:
            return Step(state, state.position, -distance, terminated=never, truncated=late)
        sparse = jnp.where(distance <= _NEAR, 1.0 - distance, 0.0)
        return Step(state, state.position, sparse, terminated=never, truncated=late, shaped=-distance)

    def expert(self, state: Walker, task: Task) -> jax.Array:
        return straight(state.position, task, _LONGEST)


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("navigation_half_circle", HalfCircle)
    registry.add_task(
        "navigation-half-circle",
        {"navigation_half_circle": {"tasks": 0}},
        summary="Find the spot on a half-circle that pays",
        random=0.0014,
        reference=13.37,
        origin=ORIGIN,
        paper=HalfCircle.paper,
    )
