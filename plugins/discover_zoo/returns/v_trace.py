"""V-trace: an off-policy return with truncated ratios."""

from discover import Registry, ReturnFunction, Scalar, Segment, Targets, component, hookimpl, real
from discover_zoo.returns.importance import bounded_ratio, ratio, v_trace_formula, v_trace_targets


@component
class VTrace(ReturnFunction):
    """V-trace (Espeholt et al. 2018, eq. 1): off-policy targets with truncated importance ratios.

    ``rho_t = min(rho_bar, ratio_t)`` and ``c_t = min(c_bar, ratio_t)``. The values are those of the policy
    ``min(rho_bar * mu, pi)``, normalized. On-policy, with both bounds at least 1, it is the lambda return.

    >>> import jax.numpy as jnp
    >>> zero = jnp.zeros((2, 1))
    >>> segment = Segment(zero + 1.0, *[zero] * 6)  # two steps of one environment: each pays 1, all else is 0
    >>> VTrace(gamma=0.8)(segment).value[:, 0]
    Array([1.8, 1. ], dtype=float32)

    Attributes:
        gamma: discount.
        lam: how far back corrections reach.
        rho_bar: bound of the ratio that weighs an error at its own step.
        c_bar: bound of the ratio that passes an error on to earlier steps.
    """

    paper = "Espeholt et al. 2018, arXiv 1802.01561, eq. 1"

    gamma: Scalar = real(0.99, low=0.8, high=0.9999, scale="log1m")
    lam: Scalar = real(1.0, low=0.0, high=1.0)
    rho_bar: Scalar = real(1.0, low=0.1, high=100.0, scale="log")
    c_bar: Scalar = real(1.0, low=0.1, high=100.0, scale="log")

    def formula(self) -> str:
        return v_trace_formula(self.gamma, self.lam, rho=bounded_ratio(self.rho_bar), c=bounded_ratio(self.c_bar))

    def __call__(self, segment: Segment) -> Targets:
        rho, c = ratio(segment, self.rho_bar), ratio(segment, self.c_bar)
        return v_trace_targets(segment, self.gamma, self.lam, rho=rho, c=c)


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("v_trace", VTrace)
