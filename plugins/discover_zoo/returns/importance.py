"""Importance weights, which all off-policy returns share: V-trace, its leaky variant, and Retrace.

All weigh temporal-difference errors by ``ratio_t = pi(a_t | s_t) / mu(a_t | s_t)``, where ``pi`` learns and ``mu`` acted. As in
`recursions`, the recursions stop at the end of the segment, at a termination and at a truncation.
"""

import jax
import jax.numpy as jnp

from discover import Scalar, Segment, Targets
from discover_zoo.returns.recursions import decayed_sum

_HIGHEST_RATIO = 1e6
"""The bound of ratios that have no other."""


def ratio(segment: Segment, highest: Scalar = _HIGHEST_RATIO) -> jax.Array:
    """The ratio ``min(highest, pi / mu)``, ``[T, B]``; bounded before the exponential, so that no slope becomes infinite."""
    log_ratio = segment.target_log_prob - segment.behavior_log_prob
    return jnp.exp(jnp.minimum(log_ratio, jnp.log(highest)))


def v_trace_targets(segment: Segment, gamma: Scalar, lam: Scalar, *, rho: jax.Array, c: jax.Array) -> Targets:
    """Targets of V-trace with any weights (Espeholt et al. 2018, eq. 1).

    ``vs_t = v_t + delta_t + d_t lam c_t (vs_{t+1} - v_{t+1})`` with ``delta_t = rho_t (r_t + d_t v_{t+1} - v_t)``, and the
    advantage ``rho_t (r_t + d_t ((1 - lam) v_{t+1} + lam vs_{t+1}) - v_t)``.

    Args:
        segment: T steps of B environments.
        gamma, lam: discount, and how far corrections reach back.
        rho, c: ``[T, B]``, the weight of an error at its own step, and the share of it that earlier steps get.
    """
    discount = gamma * (1.0 - segment.terminated)
    mix = lam * (1.0 - segment.truncated)
    delta = rho * (segment.reward + discount * segment.next_value - segment.value)
    correction = decayed_sum(delta, discount * mix * c, jnp.zeros_like(delta[-1]))
    following = jnp.concatenate([correction[1:], jnp.zeros_like(correction[:1])])
    return Targets(segment.value + correction, delta + rho * discount * mix * following)
