"""TD(lambda) for values, one step of one environment per update."""

from typing import Any

import jax
import jax.numpy as jnp

from discover import Info, Registry, Scalar, Trajectory, World, component, hookimpl, real
from discover_zoo.rules.recipes import RECIPES
from discover_zoo.rules.td_prediction import Prediction
from discover_zoo.rules.traces import Kind, faded, moved, slope_of_value


@component
class TDLambda(Prediction):
    """TD(lambda) with eligibility traces (Sutton 1988; Sutton & Barto 2018, section 12.2).

    ``w += step_size delta z``. With dutch traces it is true online TD(lambda) (van Seijen & Sutton 2014; Sutton & Barto 2018,
    section 12.5): ``w += step_size ((delta + v - v_old) z - (v - v_old) x)``, where ``v_old`` is ``v(s')`` of the step before.
    """

    paper = "Sutton 1988, Machine Learning 3"

    lam: Scalar = real(0.8, low=0.0, high=1.0)
    traces: Kind = "accumulating"

    def init(self, key: jax.Array, world: World, params: Any) -> Any:
        return {"trace": jax.tree.map(jnp.zeros_like, params), "old": jnp.zeros(())}

    def update(self, key: jax.Array, world: World, params: Any, state: Any, trajectory: Trajectory) -> tuple[Any, Any, Info]:
        slope, value = slope_of_value(world, params, trajectory)
        delta, following = self.td_error(world, params, trajectory)
        decay = self.gamma * self.lam * (1.0 - trajectory.is_first[0, 0])
        trace = faded(self.traces, state["trace"], slope, decay, self.step_size)
        gap = value - state["old"] if self.traces == "dutch" else jnp.zeros(())
        params = moved(params, (self.step_size * (delta + gap), trace), (-self.step_size * gap, slope))
        return params, {"trace": trace, "old": following}, {"error": jnp.abs(delta)}


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("td_lambda", TDLambda)
    registry.add_recipe("td_lambda", RECIPES / "td_lambda.yaml", summary="TD(lambda) for the random walk", paper=TDLambda.paper)
