"""A point with momentum, and goals around a few places."""

from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp

from discover import Continuous, Count, Key, Registry, Spec, Step, Task, component, hookimpl
from discover_zoo.environments.navigation.plane import Plane

_PUSH, _START, _SPEED, _CENTER = 0.1, 0.2, 0.1, 5.0
_ORIGIN = (
    "20,000 episodes of a uniform random policy, and of one that knows the goal and goes as fast on each axis as still lets it "
    "brake in time"
)


class Glider(NamedTuple):
    """Position ``[2]`` and velocity ``[2]`` of the point, and the number of its steps."""

    position: jax.Array
    velocity: jax.Array
    steps: jax.Array


@component
class Momentum(Plane):
    """The momentum point of Vuorio et al. 2019: the goal lies near one of four places ``(+-5, +-5)``, or of two.

    The agent observes position and velocity. An action changes the velocity by at most 0.1 per axis, and the velocity, which
    knows no bound, is added to the position. The reward is minus the distance to the goal after it. The point starts in
    ``[-0.2, 0.2]^2`` with a velocity in ``[-0.1, 0.1]^2``; a goal is one of the places plus a standard normal variable.

    >>> state, goal = Glider(jnp.zeros(2), jnp.array([0.0, 0.1]), jnp.int32(0)), jnp.array([5.0, 5.0])
    >>> Momentum().step(jax.random.key(0), state, jnp.array([0.0, 3.0]), goal).observation.round(3)
    Array([0. , 0.2, 0. , 0.2], dtype=float32)

    Attributes:
        modes: of the goals: all four places, or ``(-5, -5)`` and ``(5, 5)`` alone.
        horizon: steps of an episode.
        tasks, seed: as in `Plane`.
    """

    paper = "Vuorio et al. 2019, arXiv 1910.13616"

    modes: Literal[2, 4] = 4
    horizon: Count = 100

    def spec(self) -> Spec:
        return Spec((4,), Continuous((-1.0, -1.0), (1.0, 1.0)))

    def draw(self, key: Key) -> jax.Array:
        key_mode, key_goal = jax.random.split(key)
        sides = jnp.where(jax.random.bernoulli(key_mode, 0.5, (self.modes // 2,)), _CENTER, -_CENTER)
        return sides + jax.random.normal(key_goal, (2,))

    def reset(self, key: Key, task: Task) -> tuple[Glider, jax.Array]:
        key_position, key_velocity = jax.random.split(key)
        position = jax.random.uniform(key_position, (2,), minval=-_START, maxval=_START)
        velocity = jax.random.uniform(key_velocity, (2,), minval=-_SPEED, maxval=_SPEED)
        return Glider(position, velocity, jnp.int32(0)), jnp.concatenate([position, velocity])

    def step(self, key: Key, state: Glider, action: jax.Array, task: Task) -> Step:
        velocity = state.velocity + _PUSH * jnp.clip(action, -1.0, 1.0)
        state = Glider(state.position + velocity, velocity, state.steps + 1)
        return Step(
            state,
            observation=jnp.concatenate([state.position, velocity]),
            reward=-jnp.linalg.norm(state.position - task),
            terminated=jnp.array(False),
            truncated=state.steps >= self.horizon,
        )

    def expert(self, state: Glider, task: Task) -> jax.Array:
        """On each axis apart, a push to the speed from which pushes can still stop the point at the goal."""
        gap, reach = task - state.position, jnp.abs(task - state.position)
        wanted = jnp.sign(gap) * jnp.minimum(reach, jnp.sqrt(2.0 * _PUSH * reach + 0.25 * _PUSH**2) - 0.5 * _PUSH)
        return jnp.clip((wanted - state.velocity) / _PUSH, -1.0, 1.0)


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("navigation_momentum", Momentum)
    registry.add_task(
        "navigation-momentum",
        {"navigation_momentum": {"tasks": 0}},
        summary="Glide to a goal that is not seen, near one of four places",
        random=-2045.0,
        reference=-45.4,
        origin=_ORIGIN,
        paper=Momentum.paper,
    )
    registry.add_task(
        "navigation-momentum-2",
        {"navigation_momentum": {"tasks": 0, "modes": 2}},
        summary="Glide to a goal that is not seen, near one of two places",
        random=-2045.0,
        reference=-45.4,
        origin=_ORIGIN,
        paper=Momentum.paper,
    )
