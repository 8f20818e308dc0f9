"""TD(lambda) for values, one step of one environment per update (Sutton 1988, doi 10.1007/BF00115009)."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from discover import Info, Key, Params, Registry, Scalar, Trajectory, World, component, hookimpl, real
from discover_zoo.rules.recipes import RECIPES
from discover_zoo.rules.td_prediction import Prediction
from discover_zoo.rules.traces import Kind, add_steps, decay_trace, value_gradient


class TraceState(NamedTuple):
    """The rule's state: the trace ``z``, a tree like the parameters, and ``v(s')`` of the step before, a scalar."""

    trace: Params
    old: jax.Array


@component
class TDLambda(Prediction):
    """TD(lambda) with eligibility traces (Sutton 1988; Sutton & Barto 2018, section 12.2).

    With ``delta = r + gamma v(s') - v(s)`` and the trace ``z`` (see `decay_trace`): ``w += step_size delta z``. With dutch
    traces it is true online TD(lambda) (van Seijen & Sutton 2014; Sutton & Barto 2018, section 12.5):
    ``w += step_size ((delta + v - v_old) z - (v - v_old) x)``, where ``v_old`` is ``v(s')`` of the step before.

    Pitfalls: it evaluates the uniformly random policy, and improves none. Replacing and dutch traces are meant for linear
    values (the network `linear`). Large ``lam`` needs a small step size.

    Attributes:
        lam: decay of the trace per step, times gamma.
        traces: the kind of trace.

    The other fields are those of `Prediction`.

    >>> from discover import Space, free
    >>> TDLambda(step_size=0.3, lam=0.8, traces="dutch").traces
    'dutch'
    >>> [gene.path for gene in Space(TDLambda(step_size=free(), lam=free())).genes]
    ['step_size', 'lam']
    """

    paper = "Sutton 1988, Machine Learning 3"

    lam: Scalar = real(0.8, low=0.0, high=1.0)
    traces: Kind = "accumulating"

    def init(self, key: Key, world: World, params: Params) -> TraceState:
        return TraceState(trace=jax.tree.map(jnp.zeros_like, params), old=jnp.zeros(()))

    def update(
        self, key: Key, world: World, params: Params, state: TraceState, trajectory: Trajectory
    ) -> tuple[Params, TraceState, Info]:
        gradient, value = value_gradient(world, params, trajectory)
        delta, following = self.td_error(world, params, trajectory)
        decay = self.gamma * self.lam * (1.0 - trajectory.is_first[0, 0])
        trace = decay_trace(self.traces, state.trace, gradient=gradient, decay=decay, step_size=self.step_size)
        gap = value - state.old if self.traces == "dutch" else jnp.zeros(())
        params = add_steps(params, (self.step_size * (delta + gap), trace), (-self.step_size * gap, gradient))
        return params, TraceState(trace, following), {"error": jnp.abs(delta)}


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("td_lambda", TDLambda)
    registry.add_recipe("td_lambda", RECIPES / "td_lambda.yaml", summary="TD(lambda) for the random walk", paper=TDLambda.paper)
