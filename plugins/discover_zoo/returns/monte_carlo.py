"""The Monte-Carlo return."""

from discover import Registry, ReturnFunction, Scalar, Segment, Targets, component, hookimpl, real
from discover_zoo.returns.recursions import lambda_return


@component
class MonteCarlo(ReturnFunction):
    """The discounted sum of the rewards to the end of the episode, bootstrapped where the segment cuts it off.

    The lambda return at ``lam = 1`` (Sutton & Barto 2018, eq. 3.11).
    """

    paper = "Sutton & Barto 2018, eq. 3.11"

    gamma: Scalar = real(0.99, low=0.8, high=0.9999, scale="log1m")

    def __call__(self, segment: Segment) -> Targets:
        target = lambda_return(segment, self.gamma, 1.0)
        return Targets(target, target - segment.value)


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("monte_carlo", MonteCarlo)
