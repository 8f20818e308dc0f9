"""The Monte-Carlo return."""

from discover import Registry, ReturnFunction, Scalar, Segment, Targets, component, hookimpl, latex_number, real
from discover_zoo.returns.recursions import lambda_return


@component
class MonteCarlo(ReturnFunction):
    """The discounted sum of the rewards to the end of the episode, bootstrapped where the segment cuts it off.

    ``G_t = r_t + gamma * r_{t+1} + gamma^2 * r_{t+2} + ...`` (Sutton & Barto 2018, eq. 3.11): the lambda return at ``lam = 1``.

    >>> import jax.numpy as jnp
    >>> zero = jnp.zeros((2, 1))
    >>> segment = Segment(zero + 1.0, *[zero] * 6)  # two steps of one environment: each pays 1, all else is 0
    >>> MonteCarlo(gamma=0.8)(segment).value[:, 0]
    Array([1.8, 1. ], dtype=float32)

    Attributes:
        gamma: discount.
    """

    paper = "Sutton & Barto 2018, eq. 3.11"

    gamma: Scalar = real(0.99, low=0.8, high=0.9999, scale="log1m")

    def formula(self) -> str:
        return rf"G_t = \sum_{{k \geq 0}} {latex_number(self.gamma)}^k\, r_{{t+k}}, \quad A_t = G_t - V(s_t)"

    def __call__(self, segment: Segment) -> Targets:
        target = lambda_return(segment, self.gamma, 1.0)
        return Targets(target, target - segment.value)


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("monte_carlo", MonteCarlo)
