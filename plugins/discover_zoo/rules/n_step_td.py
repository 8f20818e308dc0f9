"""n-step TD for values, one step of one environment per update."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from discover import Info, Integer, Registry, Trajectory, World, component, hookimpl, integer
from discover_zoo.rules.td_prediction import Prediction
from discover_zoo.rules.traces import moved, slope_of_value

_LONGEST = 32
"""The largest horizon of n-step learning: so many steps are kept."""


class Window(NamedTuple):
    """The latest steps, oldest first: ``[32, 1, 1, ...]``; and how many of them belong to the episode, int32."""

    steps: Trajectory
    held: jax.Array


@component
class NStepTD(Prediction):
    """n-step TD (Sutton & Barto 2018, section 7.1): ``w += step_size (G_{t:t+n} - v(s_t)) grad v(s_t)``, n steps later.

    At the end of an episode the steps that are left are learned from one after the other, with the shorter returns that they
    have.
    """

    paper = "Sutton & Barto 2018, eq. 7.2"
    not_differentiable = ("n",)

    n: Integer = integer(4, low=1, high=_LONGEST)

    def init(self, key: jax.Array, world: World, params: Any) -> Window:
        step = world.template(params, 1, 1)
        return Window(jax.tree.map(lambda x: jnp.zeros((_LONGEST, *x.shape), x.dtype), step), jnp.zeros((), jnp.int32))

    def update(self, key: jax.Array, world: World, params: Any, state: Window, trajectory: Trajectory) -> tuple[Any, Any, Info]:
        steps = jax.tree.map(lambda kept, new: jnp.concatenate([kept[1:], new[None]]), state.steps, trajectory)
        held = jnp.where(trajectory.is_first[0, 0], 0, state.held) + 1
        delta, following = self.td_error(world, params, trajectory)
        ended = (trajectory.terminated | trajectory.truncated)[0, 0]
        age = jnp.arange(_LONGEST)[::-1]
        due = (age < held) & ((age == self.n - 1) | (ended & (age < self.n)))

        def lengthen(target: jax.Array, reward: jax.Array) -> tuple[jax.Array, jax.Array]:
            target = reward + self.gamma * target
            return target, target

        bootstrap = (1.0 - trajectory.terminated[0, 0]) * following
        _, targets = jax.lax.scan(lengthen, bootstrap, steps.reward[:, 0, 0], reverse=True)

        def learn(params: Any, step: tuple[Trajectory, jax.Array, jax.Array]) -> tuple[Any, None]:
            batch, target, due = step
            slope, value = slope_of_value(world, params, batch)
            return moved(params, (self.step_size * due * (target - value), slope)), None

        params, _ = jax.lax.scan(learn, params, (steps, targets, due))
        return params, Window(steps, jnp.minimum(held, _LONGEST)), {"error": jnp.abs(delta)}


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("n_step_td", NStepTD)
