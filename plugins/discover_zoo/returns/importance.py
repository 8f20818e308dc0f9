"""Importance weights, which all off-policy returns share: V-trace, its leaky variant, and Retrace.

All weigh temporal-difference errors by ``ratio_t = pi(a_t | s_t) / mu(a_t | s_t)``, where ``pi`` learns and ``mu`` acted. As in
`recursions`, the recursions stop at the end of the segment, at a termination and at a truncation.
"""

import jax
import jax.numpy as jnp

from discover import Scalar, Segment, Targets, latex_number
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


RATIO = r"\frac{\pi(a_t \mid s_t)}{\mu(a_t \mid s_t)}"
"""The ratio in LaTeX."""


def bounded_ratio(highest: Scalar) -> str:
    r"""The ratio with a bound, in LaTeX.

    >>> print(bounded_ratio(1.0))
    \min\left(1, \frac{\pi(a_t \mid s_t)}{\mu(a_t \mid s_t)}\right)
    """
    return rf"\min\left({latex_number(highest)}, {RATIO}\right)"


def v_trace_formula(gamma: Scalar, lam: Scalar, *, rho: str, c: str) -> str:
    """The equations of V-trace with any weights, in LaTeX."""
    discount, both = latex_number(gamma), latex_number(float(gamma) * float(lam))
    following = rf"\left({latex_number(1.0 - float(lam))}\, V(s_{{t+1}}) + {latex_number(lam)}\, G_{{t+1}}\right)"
    if float(lam) == 1.0:
        following = r"\, G_{t+1}"
    return "\n".join(
        [
            rf"\rho_t = {rho}, \quad c_t = {c}",
            rf"\delta_t = \rho_t \left(r_t + {discount}\, V(s_{{t+1}}) - V(s_t)\right)",
            rf"G_t = V(s_t) + \delta_t + {both}\, c_t \left(G_{{t+1}} - V(s_{{t+1}})\right)",
            rf"A_t = \rho_t \left(r_t + {discount} {following} - V(s_t)\right)",
        ]
    )
