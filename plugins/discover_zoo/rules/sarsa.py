"""Sarsa(lambda), one step of one environment per update (Rummery & Niranjan 1994)."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from discover import Info, Key, Params, Registry, Scalar, Trajectory, World, component, hookimpl, real
from discover_zoo.rules.recipes import RECIPES
from discover_zoo.rules.td_control import Control
from discover_zoo.rules.traces import Kind, action_value_gradient, add_steps, decay_trace


class PendingStep(NamedTuple):
    """The rule's state: the step that waits for the action after it.

    Attributes:
        step: that step, ``[1, 1, ...]``.
        exists: whether there is one, bool: false before the first update.
        trace: the trace before it, a tree like the parameters.
    """

    step: Trajectory
    exists: jax.Array
    trace: Params


@component
class Sarsa(Control):
    """Sarsa(lambda) (Rummery & Niranjan 1994; Sutton & Barto 2018, eq. 6.7 and section 12.7).

    ``w += step_size delta z`` with ``delta = r + d q(s', a') - q(s, a)`` and a trace over states and actions; ``lam = 0`` is
    Sarsa. ``d`` is gamma, and 0 after a termination. The action ``a'`` is the one that is taken next, so that a step is learned
    from when the next one has been taken. Where a limit cuts the episode off, there is no next action, and the expectation over
    the policy takes its place.

    Pitfall: the last step of a lifetime is never learned from.

    Attributes:
        lam: decay of the trace per step, times gamma.
        traces: the kind of trace (see `decay_trace`).

    The other fields are those of `Control`.

    >>> from discover import Space, free
    >>> Sarsa(step_size=0.5, lam=0.9, traces="replacing").traces
    'replacing'
    >>> Space(Sarsa(step_size=free(), lam=free())).dimension
    2
    """

    paper = "Rummery & Niranjan 1994, On-line Q-learning using connectionist systems"

    lam: Scalar = real(0.0, low=0.0, high=1.0)
    traces: Kind = "accumulating"

    def init(self, key: Key, world: World, params: Params) -> PendingStep:
        step = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), world.template(params, 1, 1))
        return PendingStep(step, jnp.array(False), jax.tree.map(jnp.zeros_like, params))

    def update(
        self, key: Key, world: World, params: Params, state: PendingStep, trajectory: Trajectory
    ) -> tuple[Params, PendingStep, Info]:
        step = state.step
        gradient, value = action_value_gradient(world, params, step)
        taken = trajectory.outputs["q"][0, 0, trajectory.action[0, 0]]
        following = jnp.where(step.truncated[0, 0], self.expected_value(world, params, step), taken)
        delta = step.reward[0, 0] + self.gamma * (1.0 - step.terminated[0, 0]) * following - value
        delta = jnp.where(state.exists, delta, 0.0)
        decay = self.gamma * self.lam * (1.0 - step.is_first[0, 0])
        trace = decay_trace(self.traces, state.trace, gradient=gradient, decay=decay, step_size=self.step_size)
        params = add_steps(params, (self.step_size * delta, trace))
        return params, PendingStep(trajectory, jnp.array(True), trace), {"error": jnp.abs(delta)}


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("sarsa", Sarsa)
    registry.add_recipe(
        "sarsa",
        RECIPES / "sarsa.yaml",
        summary="Sarsa with a table for the cliff of Sutton & Barto 2018, example 6.6; step size by S. Zhang",
        paper=Sarsa.paper,
    )
