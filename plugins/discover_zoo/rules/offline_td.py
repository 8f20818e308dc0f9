"""The offline lambda-return algorithm for values."""

from typing import Any

import jax
import jax.numpy as jnp

from discover import Info, Registry, Scalar, Trajectory, World, component, hookimpl, real
from discover_zoo.rules.td_prediction import Prediction
from discover_zoo.rules.traces import faded, inner, moved, slope_of_value


@component
class OfflineTD(Prediction):
    """The offline lambda-return algorithm: all updates of an episode at its end (Sutton & Barto 2018, section 12.1).

    One ``w += step_size (G^lambda_t - v(s_t)) x_t`` after the other, where the returns are those of the parameters ``w_0`` at
    the episode's start. No return is waited for: with dutch traces and the errors ``delta_t`` of ``w_0``, the sum
    ``u = w - w_0`` of these updates grows by ``step_size (delta_t z_t - (u.x_t) x_t)`` at each step; for linear values exactly.
    """

    paper = "Sutton & Barto 2018, section 12.1"

    lam: Scalar = real(0.8, low=0.0, high=1.0)

    def init(self, key: jax.Array, world: World, params: Any) -> Any:
        zero = jax.tree.map(jnp.zeros_like, params)
        return {"trace": zero, "change": zero}

    def update(self, key: jax.Array, world: World, params: Any, state: Any, trajectory: Trajectory) -> tuple[Any, Any, Info]:
        slope, _ = slope_of_value(world, params, trajectory)
        delta, _ = self.td_error(world, params, trajectory)
        decay = self.gamma * self.lam * (1.0 - trajectory.is_first[0, 0])
        trace, change = faded("dutch", state["trace"], slope, decay, self.step_size), state["change"]
        change = moved(change, (self.step_size * delta, trace), (-self.step_size * inner(slope, change), slope))
        ended = (trajectory.terminated | trajectory.truncated)[0, 0].astype(jnp.float32)
        params = moved(params, (ended, change))
        change = jax.tree.map(lambda x: (1.0 - ended) * x, change)
        return params, {"trace": trace, "change": change}, {"error": jnp.abs(delta)}


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("offline_td", OfflineTD)
