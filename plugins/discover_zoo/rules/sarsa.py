"""Sarsa(lambda), one step of one environment per update."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from discover import Info, Registry, Scalar, Trajectory, World, component, hookimpl, real
from discover_zoo.rules.recipes import RECIPES
from discover_zoo.rules.td_control import Control
from discover_zoo.rules.traces import Kind, faded, moved, slope_of_action_value


class Waiting(NamedTuple):
    """A step that waits for the action that follows it, ``[1, 1, ...]``; whether there is one; and the trace before it."""

    step: Trajectory
    there: jax.Array
    trace: Any


@component
class Sarsa(Control):
    """Sarsa(lambda) (Rummery & Niranjan 1994; Sutton & Barto 2018, eq. 6.7 and section 12.7).

    ``w += step_size delta z`` with ``delta = r + d q(s', a') - q(s, a)`` and a trace over states and actions; ``lam = 0`` is
    Sarsa. The action ``a'`` is the one that is taken next, so that a step is learned from when the next one has been taken.
    Where a limit cuts the episode off, no action is, and the expectation takes its place.
    """

    paper = "Rummery & Niranjan 1994, On-line Q-learning using connectionist systems"

    lam: Scalar = real(0.0, low=0.0, high=1.0)
    traces: Kind = "accumulating"

    def init(self, key: jax.Array, world: World, params: Any) -> Waiting:
        step = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), world.template(params, 1, 1))
        return Waiting(step, jnp.array(False), jax.tree.map(jnp.zeros_like, params))

    def update(
        self, key: jax.Array, world: World, params: Any, state: Waiting, trajectory: Trajectory
    ) -> tuple[Any, Any, Info]:
        step = state.step
        slope, value = slope_of_action_value(world, params, step)
        taken = trajectory.outputs["q"][0, 0, trajectory.action[0, 0]]
        following = jnp.where(step.truncated[0, 0], self.expected_value(world, params, step), taken)
        delta = step.reward[0, 0] + self.gamma * (1.0 - step.terminated[0, 0]) * following - value
        delta = jnp.where(state.there, delta, 0.0)
        decay = self.gamma * self.lam * (1.0 - step.is_first[0, 0])
        trace = faded(self.traces, state.trace, slope, decay, self.step_size)
        params = moved(params, (self.step_size * delta, trace))
        return params, Waiting(trajectory, jnp.array(True), trace), {"error": jnp.abs(delta)}


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("sarsa", Sarsa)
    registry.add_recipe(
        "sarsa",
        RECIPES / "sarsa.yaml",
        summary="Sarsa with a table for the cliff of Sutton & Barto 2018, example 6.6; step size by S. Zhang",
        paper=Sarsa.paper,
    )
