"""V-trace that lets through a share of the untruncated ratios."""

from discover import Registry, ReturnFunction, Scalar, Segment, Targets, component, hookimpl, latex_number, real
from discover_zoo.returns.importance import RATIO, bounded_ratio, ratio, v_trace_formula, v_trace_targets


@component
class LeakyVTrace(ReturnFunction):
    """V-trace that lets through a share of the untruncated ratios (Zahavy et al. 2020).

    ``rho_t = alpha_rho min(rho_bar, ratio_t) + (1 - alpha_rho) ratio_t``, and ``c_t`` likewise with ``alpha_c`` and ``c_bar``:
    V-trace where both shares are 1, plain importance weighting where both are 0.

    >>> import jax.numpy as jnp
    >>> zero = jnp.zeros((2, 1))
    >>> segment = Segment(zero + 1.0, *[zero] * 6)  # two steps of one environment: each pays 1, all else is 0
    >>> LeakyVTrace(gamma=0.8)(segment).value[:, 0]
    Array([1.8, 1. ], dtype=float32)

    Attributes:
        gamma: discount.
        lam: how far back corrections reach.
        rho_bar, c_bar: bounds of the ratios, as in V-trace.
        alpha_rho, alpha_c: shares of the bounded ratios.
    """

    paper = "Zahavy et al. 2020, arXiv 2002.12928"

    gamma: Scalar = real(0.99, low=0.8, high=0.9999, scale="log1m")
    lam: Scalar = real(1.0, low=0.0, high=1.0)
    rho_bar: Scalar = real(1.0, low=0.1, high=100.0, scale="log")
    c_bar: Scalar = real(1.0, low=0.1, high=100.0, scale="log")
    alpha_rho: Scalar = real(1.0, low=0.0, high=1.0)
    alpha_c: Scalar = real(1.0, low=0.0, high=1.0)

    def formula(self) -> str:
        rho = leaky_ratio(self.rho_bar, self.alpha_rho)
        return v_trace_formula(self.gamma, self.lam, rho=rho, c=leaky_ratio(self.c_bar, self.alpha_c))

    def __call__(self, segment: Segment) -> Targets:
        free = ratio(segment)
        rho = self.alpha_rho * ratio(segment, self.rho_bar) + (1.0 - self.alpha_rho) * free
        c = self.alpha_c * ratio(segment, self.c_bar) + (1.0 - self.alpha_c) * free
        return v_trace_targets(segment, self.gamma, self.lam, rho=rho, c=c)


def leaky_ratio(highest: Scalar, share: Scalar) -> str:
    r"""The share of the bounded ratio and the rest of the ratio itself, in LaTeX.

    >>> print(leaky_ratio(1.0, 1.0))
    \min\left(1, \frac{\pi(a_t \mid s_t)}{\mu(a_t \mid s_t)}\right)
    """
    bounded = bounded_ratio(highest)
    if float(share) == 1.0:
        return bounded
    return rf"{latex_number(share)} {bounded} + {latex_number(1.0 - float(share))}\, {RATIO}"


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("leaky_v_trace", LeakyVTrace)
