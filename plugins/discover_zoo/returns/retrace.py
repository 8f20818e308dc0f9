"""Retrace(lambda), for action values."""

import jax.numpy as jnp

from discover import Registry, ReturnFunction, Scalar, Segment, Targets, component, hookimpl, latex_number, real
from discover_zoo.returns.importance import bounded_ratio, ratio
from discover_zoo.returns.recursions import decayed_sum


@component
class Retrace(ReturnFunction):
    """Retrace(lambda) for action values (Munos et al. 2016, eq. 3).

    The segment's ``value`` is ``q(s_t, a_t)`` and its ``next_value`` is ``sum_a pi(a | s_{t+1}) q(s_{t+1}, a)``::

        target_t = q(s_t, a_t) + delta_t + d_t c_{t+1} (target_{t+1} - q(s_{t+1}, a_{t+1}))

    with ``delta_t = r_t + d_t next_value_t - value_t`` and ``c_t = lam min(1, ratio_t)``. The value is that of the action
    at ``t``, whatever its probability, so that its own ratio plays no part. The advantage is the error ``target_t - value_t``.

    >>> zero = jnp.zeros((2, 1))
    >>> segment = Segment(zero + 1.0, *[zero] * 6)  # two steps of one environment: each pays 1, all else is 0
    >>> Retrace(gamma=0.8)(segment).value[:, 0]
    Array([1.8, 1. ], dtype=float32)

    Attributes:
        gamma: discount.
        lam: how far back errors reach.
    """

    paper = "Munos et al. 2016, arXiv 1606.02647, eq. 3"

    gamma: Scalar = real(0.99, low=0.8, high=0.9999, scale="log1m")
    lam: Scalar = real(1.0, low=0.0, high=1.0)

    def formula(self) -> str:
        gamma, lam = latex_number(self.gamma), "" if float(self.lam) == 1.0 else latex_number(self.lam)
        return "\n".join(
            [
                rf"c_t = {lam} {bounded_ratio(1.0)}",
                rf"\delta_t = r_t + {gamma}\, \mathbb{{E}}_{{a \sim \pi}} Q(s_{{t+1}}, a) - Q(s_t, a_t)",
                rf"G_t = Q(s_t, a_t) + \delta_t + {gamma}\, c_{{t+1}} \left(G_{{t+1}} - Q(s_{{t+1}}, a_{{t+1}})\right)",
            ]
        )

    def __call__(self, segment: Segment) -> Targets:
        discount = self.gamma * (1.0 - segment.terminated)
        delta = segment.reward + discount * segment.next_value - segment.value
        c = jnp.roll(self.lam * ratio(segment, 1.0), -1, axis=0)
        error = decayed_sum(delta, discount * (1.0 - segment.truncated) * c, jnp.zeros_like(delta[-1]))
        return Targets(segment.value + error, error)


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("retrace", Retrace)
