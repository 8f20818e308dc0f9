"""What returns of one policy from the experience of another share: V-trace, its leaky variant, and Retrace.

All weigh temporal-difference errors by ``ratio_t = pi(a_t | s_t) / mu(a_t | s_t)``, where ``pi`` learns and ``mu`` acted. As in
`recursions`, the recursions stop at the end of the segment, at a termination and at a truncation.
"""

import jax
import jax.numpy as jnp

from discover import Scalar, Segment, Targets
from discover_zoo.returns.recursions import decayed_sum

_HIGHEST_RATIO = 1e6
"""Where ratios stop that nothing else bounds."""


def ratio(segment: Segment, highest: Scalar = _HIGHEST_RATIO) -> jax.Array:
    """``min(highest, pi / mu)``, ``[T, B]``; bounded before the exponential, so that no slope becomes infinite."""
    log_ratio = segment.target_log_prob - segment.behavior_log_prob
    return jnp.exp(jnp.minimum(log_ratio, jnp.log(highest)))


def corrected(segment: Segment, gamma: Scalar, lam: Scalar, rho: jax.Array, c: jax.Array) -> Targets:
    """V-trace with any weights (Espeholt et al. 2018, eq. 1).

    ``vs_t = v_t + delta_t + d_t lam c_t (vs_{t+1} - v_{t+1})`` with ``delta_t = rho_t (r_t + d_t v_{t+1} - v_t)``, and the
    advantage ``rho_t (r_t + d_t ((1 - lam) v_{t+1} + lam vs_{t+1}) - v_t)``.

    Args:
        segment: T steps of B environments.
        gamma, lam: discount, and how far corrections reach back.
        rho, c: ``[T, B]`` weights of an error where it arises, and of how far it is passed on.
    """
    discount = gamma * (1.0 - segment.terminated)
    mix = lam * (1.0 - segment.truncated)
    delta = rho * (segment.reward + discount * segment.next_value - segment.value)
    correction = decayed_sum(delta, discount * mix * c, jnp.zeros_like(delta[-1]))
    following = jnp.concatenate([correction[1:], jnp.zeros_like(correction[:1])])
    return Targets(segment.value + correction, delta + rho * discount * mix * following)
