"""The offline lambda-return algorithm for values (Sutton & Barto 2018, section 12.1)."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from discover import Info, Key, Params, Registry, Scalar, Trajectory, World, component, hookimpl, real
from discover_zoo.rules.td_prediction import Prediction
from discover_zoo.rules.traces import add_steps, decay_trace, inner, value_gradient


class EpisodeState(NamedTuple):
    """The rule's state: the dutch trace, and the sum of this episode's updates; trees like the parameters."""

    trace: Params
    change: Params


@component
class OfflineTD(Prediction):
    """The offline lambda-return algorithm: all updates of an episode at its end (Sutton & Barto 2018, section 12.1).

    One ``w += step_size (G^lambda_t - v(s_t)) x_t`` after the other, where the returns are those of the parameters ``w_0`` at
    the episode's start. No return is waited for: with dutch traces and the errors ``delta_t`` of ``w_0``, the sum
    ``u = w - w_0`` of these updates grows by ``step_size (delta_t z_t - (u.x_t) x_t)`` at each step; for linear values exactly.

    Pitfalls: nothing is learned before the first episode ends. For values that are not linear it is an approximation.

    Attributes:
        lam: weight of longer returns in the lambda-return; 1 gives the Monte-Carlo return.

    The other fields are those of `Prediction`.

    >>> from discover import Space, free
    >>> OfflineTD(step_size=0.4, lam=0.5)
    OfflineTD(step_size=0.4, gamma=1.0, lam=0.5)
    >>> Space(OfflineTD(step_size=free(), lam=free())).dimension
    2
    """

    paper = "Sutton & Barto 2018, section 12.1"

    lam: Scalar = real(0.8, low=0.0, high=1.0)

    def init(self, key: Key, world: World, params: Params) -> EpisodeState:
        zero = jax.tree.map(jnp.zeros_like, params)
        return EpisodeState(trace=zero, change=zero)

    def update(
        self, key: Key, world: World, params: Params, state: EpisodeState, trajectory: Trajectory
    ) -> tuple[Params, EpisodeState, Info]:
        gradient, _ = value_gradient(world, params, trajectory)
        delta, _ = self.td_error(world, params, trajectory)
        decay = self.gamma * self.lam * (1.0 - trajectory.is_first[0, 0])
        trace = decay_trace("dutch", state.trace, gradient=gradient, decay=decay, step_size=self.step_size)
        correction = -self.step_size * inner(gradient, state.change)
        change = add_steps(state.change, (self.step_size * delta, trace), (correction, gradient))
        ended = (trajectory.terminated | trajectory.truncated)[0, 0].astype(jnp.float32)
        params = add_steps(params, (ended, change))
        change = jax.tree.map(lambda x: (1.0 - ended) * x, change)
        return params, EpisodeState(trace, change), {"error": jnp.abs(delta)}


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("offline_td", OfflineTD)
