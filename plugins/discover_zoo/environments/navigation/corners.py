"""Four corners, one of which pays."""

import jax
import jax.numpy as jnp

from discover import Count, Key, Registry, Step, Task, component, hookimpl
from discover_zoo.environments.navigation.plane import ORIGIN, Plane, Walker, move, straight

_LONGEST, _START, _CORNER, _CENTER = 0.2, 0.2, 2.0, 0.5


@component
class Corners(Plane):
    """The point-corner tasks of Rothfuss et al. 2019: one of ``(+-2, +-2)`` pays, and only near it the reward tells so.

    The point starts in ``[-0.2, 0.2]^2``, with steps of at most 0.2 per axis. The reward is the decrease of the distance to
    the goal by the step, if the point is outside of the diamond ``|x| + |y| < 0.5`` and the goal is the nearest corner; else
    0.

    >>> state, goal = Walker(jnp.array([1.0, 1.0]), jnp.int32(0)), jnp.array([2.0, 2.0])
    >>> round(float(Corners().step(jax.random.key(0), state, jnp.ones(2), goal).reward), 3)
    0.283

    Attributes:
        horizon: steps of an episode.
        tasks, seed: as in `Plane`.
    """

    paper = "Rothfuss et al. 2019, arXiv 1810.06784, section 6.2"

    horizon: Count = 100

    def draw(self, key: Key) -> jax.Array:
        return _CORNER * jnp.where(jax.random.bernoulli(key, 0.5, (2,)), 1.0, -1.0)

    def reset(self, key: Key, task: Task) -> tuple[Walker, jax.Array]:
        position = jax.random.uniform(key, (2,), minval=-_START, maxval=_START)
        return Walker(position, jnp.int32(0)), position

    def step(self, key: Key, state: Walker, action: jax.Array, task: Task) -> Step:
        before, state = state.position, Walker(move(state.position, action, _LONGEST), state.steps + 1)
        nearer = jnp.linalg.norm(before - task) - jnp.linalg.norm(state.position - task)
        informative = (jnp.sum(jnp.abs(state.position)) >= _CENTER) & jnp.all(state.position * task > 0.0)
        reward = jnp.where(informative, nearer, 0.0)
        return Step(state, state.position, reward, terminated=jnp.array(False), truncated=state.steps >= self.horizon)

    def expert(self, state: Walker, task: Task) -> jax.Array:
        return straight(state.position, task, _LONGEST)


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("navigation_corners", Corners)
    registry.add_task(
        "navigation-corners",
        {"navigation_corners": {"tasks": 0}},
        summary="Find the corner that pays, out of four",
        random=0.454,
        reference=2.619,
        origin=ORIGIN,
        paper=Corners.paper,
    )
