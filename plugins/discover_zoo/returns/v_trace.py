"""V-trace: an off-policy return with truncated ratios."""

from discover import Registry, ReturnFunction, Scalar, Segment, Targets, component, hookimpl, real
from discover_zoo.returns.importance import corrected, ratio


@component
class VTrace(ReturnFunction):
    """V-trace (Espeholt et al. 2018, eq. 1): `corrected` with truncated ratios.

    ``rho_t = min(rho_bar, ratio_t)`` and ``c_t = min(c_bar, ratio_t)``. Values learned so are those of the policy
    ``min(rho_bar * mu, pi)``, normalized. On-policy, with both bounds at least 1, it is the lambda return.
    """

    paper = "Espeholt et al. 2018, arXiv 1802.01561, eq. 1"

    gamma: Scalar = real(0.99, low=0.8, high=0.9999, scale="log1m")
    lam: Scalar = real(1.0, low=0.0, high=1.0)
    rho_bar: Scalar = real(1.0, low=0.1, high=100.0, scale="log")
    c_bar: Scalar = real(1.0, low=0.1, high=100.0, scale="log")

    def __call__(self, segment: Segment) -> Targets:
        rho, c = ratio(segment, self.rho_bar), ratio(segment, self.c_bar)
        return corrected(segment, self.gamma, self.lam, rho, c)


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("v_trace", VTrace)
