"""Generalized advantage estimation."""

import jax.numpy as jnp

from discover import Registry, ReturnFunction, Scalar, Segment, Targets, component, hookimpl, latex_number, real
from discover_zoo.returns.recursions import decayed_sum


@component
class GAE(ReturnFunction):
    """Generalized advantage estimation (Schulman et al. 2016, eq. 16).

    ``A_t = sum_k (gamma * lam)^k delta_{t+k}`` with ``delta_t = r_t + d_t * v_{t+1} - v_t``; the value target is ``A_t + v_t``.

    >>> zero = jnp.zeros((2, 1))
    >>> segment = Segment(zero + 1.0, *[zero] * 6)  # two steps of one environment: each pays 1, all else is 0
    >>> GAE(gamma=0.8, lam=0.5)(segment).advantage[:, 0]
    Array([1.4, 1. ], dtype=float32)

    Attributes:
        gamma: discount.
        lam: weight of later errors: 0 has the least variance, 1 the least bias.
    """

    paper = "Schulman et al. 2016, arXiv 1506.02438, eq. 16"

    gamma: Scalar = real(0.99, low=0.8, high=0.9999, scale="log1m")
    lam: Scalar = real(0.95, low=0.0, high=1.0)

    def formula(self) -> str:
        gamma, lam = latex_number(self.gamma), latex_number(self.lam)
        decay = gamma if float(self.lam) == 1.0 else rf"({gamma} \cdot {lam})"
        return "\n".join(
            [
                rf"\delta_t = r_t + {gamma}\, V(s_{{t+1}}) - V(s_t)",
                rf"A_t = \sum_{{k \geq 0}} {decay}^k\, \delta_{{t+k}}, \quad G_t = A_t + V(s_t)",
            ]
        )

    def __call__(self, segment: Segment) -> Targets:
        discount = self.gamma * (1.0 - segment.terminated)
        delta = segment.reward + discount * segment.next_value - segment.value
        decay = discount * self.lam * (1.0 - segment.truncated)
        advantage = decayed_sum(delta, decay, jnp.zeros_like(delta[-1]))
        return Targets(advantage + segment.value, advantage)


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("gae", GAE)
