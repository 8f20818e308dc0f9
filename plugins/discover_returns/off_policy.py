"""Returns of one policy from the experience of another: V-trace, its leaky variant, and Retrace.

All weigh temporal-difference errors by ``ratio_t = pi(a_t | s_t) / mu(a_t | s_t)``, where ``pi`` learns and ``mu`` acted. As in
`returns`, the recursions stop at the end of the segment, at a termination and at a truncation.
"""

import jax
import jax.numpy as jnp

from discover import ReturnFunction, Scalar, Segment, Targets, component, real
from discover_returns.returns import decayed_sum

_HIGHEST_RATIO = 1e6
"""Where ratios stop that nothing else bounds."""


def ratio(segment: Segment, highest: Scalar = _HIGHEST_RATIO) -> jax.Array:
    """``min(highest, pi / mu)``, ``[T, B]``; bounded before the exponential, so that no slope becomes infinite."""
    log_ratio = segment.target_log_prob - segment.behaviour_log_prob
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


@component
class VTrace(ReturnFunction):
    """V-trace (Espeholt et al. 2018, eq. 1): `corrected` with truncated ratios.

    ``rho_t = min(rho_bar, ratio_t)`` and ``c_t = min(c_bar, ratio_t)``. Values learned so are those of the policy
    ``min(rho_bar * mu, pi)``, normalised. On-policy, with both bounds at least 1, it is the lambda return.
    """

    paper = "Espeholt et al. 2018, arXiv 1802.01561, eq. 1"

    gamma: Scalar = real(0.99, low=0.8, high=0.9999, scale="log1m")
    lam: Scalar = real(1.0, low=0.0, high=1.0)
    rho_bar: Scalar = real(1.0, low=0.1, high=100.0, scale="log")
    c_bar: Scalar = real(1.0, low=0.1, high=100.0, scale="log")

    def __call__(self, segment: Segment) -> Targets:
        rho, c = ratio(segment, self.rho_bar), ratio(segment, self.c_bar)
        return corrected(segment, self.gamma, self.lam, rho, c)


@component
class LeakyVTrace(ReturnFunction):
    """V-trace that lets through a share of the untruncated ratios (Zahavy et al. 2020).

    ``rho_t = alpha_rho min(rho_bar, ratio_t) + (1 - alpha_rho) ratio_t``, and ``c_t`` likewise with ``alpha_c`` and ``c_bar``:
    V-trace where both shares are 1, plain importance weighting where both are 0.
    """

    paper = "Zahavy et al. 2020, arXiv 2002.12928"

    gamma: Scalar = real(0.99, low=0.8, high=0.9999, scale="log1m")
    lam: Scalar = real(1.0, low=0.0, high=1.0)
    rho_bar: Scalar = real(1.0, low=0.1, high=100.0, scale="log")
    c_bar: Scalar = real(1.0, low=0.1, high=100.0, scale="log")
    alpha_rho: Scalar = real(1.0, low=0.0, high=1.0)
    alpha_c: Scalar = real(1.0, low=0.0, high=1.0)

    def __call__(self, segment: Segment) -> Targets:
        free = ratio(segment)
        rho = self.alpha_rho * ratio(segment, self.rho_bar) + (1.0 - self.alpha_rho) * free
        c = self.alpha_c * ratio(segment, self.c_bar) + (1.0 - self.alpha_c) * free
        return corrected(segment, self.gamma, self.lam, rho, c)


@component
class Retrace(ReturnFunction):
    """Retrace(lambda) for action values (Munos et al. 2016, eq. 3).

    The segment's ``value`` is ``q(s_t, a_t)`` and its ``next_value`` is ``sum_a pi(a | s_{t+1}) q(s_{t+1}, a)``::

        target_t = q(s_t, a_t) + delta_t + d_t c_{t+1} (target_{t+1} - q(s_{t+1}, a_{t+1}))

    with ``delta_t = r_t + d_t next_value_t - value_t`` and ``c_t = lam min(1, ratio_t)``. The action at ``t`` itself is given,
    not drawn, so that its own ratio plays no part. The advantage is the error ``target_t - value_t``.
    """

    paper = "Munos et al. 2016, arXiv 1606.02647, eq. 3"

    gamma: Scalar = real(0.99, low=0.8, high=0.9999, scale="log1m")
    lam: Scalar = real(1.0, low=0.0, high=1.0)

    def __call__(self, segment: Segment) -> Targets:
        discount = self.gamma * (1.0 - segment.terminated)
        delta = segment.reward + discount * segment.next_value - segment.value
        c = jnp.roll(self.lam * ratio(segment, 1.0), -1, axis=0)
        error = decayed_sum(delta, discount * (1.0 - segment.truncated) * c, jnp.zeros_like(delta[-1]))
        return Targets(segment.value + error, error)
