"""The lambda return."""

from discover import Registry, ReturnFunction, Scalar, Segment, Targets, component, hookimpl, latex_number, real
from discover_zoo.returns.recursions import lambda_return


@component
class LambdaReturn(ReturnFunction):
    """The lambda return (Sutton & Barto 2018, eq. 12.18 with constant gamma and lambda).

    Its value target and advantage are those of `GAE`, written as a return instead of as a sum of temporal-difference errors:
    in a choice, one of the two is enough. ``lam = 0`` is the one-step return, ``lam = 1`` is `MonteCarlo`.

    ``G_t = r_t + d_t * ((1 - lam) * v_{t+1} + lam * G_{t+1})`` with ``d_t = gamma * (1 - terminated_t)``.

    >>> import jax.numpy as jnp
    >>> zero = jnp.zeros((2, 1))
    >>> segment = Segment(zero + 1.0, *[zero] * 6)  # two steps of one environment: each pays 1, all else is 0
    >>> LambdaReturn(gamma=0.8, lam=0.5)(segment).value[:, 0]
    Array([1.4, 1. ], dtype=float32)

    Attributes:
        gamma: discount.
        lam: weight of the longer returns.
    """

    paper = "Sutton & Barto 2018, eq. 12.18"

    gamma: Scalar = real(0.99, low=0.8, high=0.9999, scale="log1m")
    lam: Scalar = real(0.95, low=0.0, high=1.0)

    def formula(self) -> str:
        gamma, lam, rest = latex_number(self.gamma), latex_number(self.lam), latex_number(1.0 - float(self.lam))
        target = rf"G_t = r_t + {gamma} \left({rest}\, V(s_{{t+1}}) + {lam}\, G_{{t+1}}\right)"
        return rf"{target}, \quad A_t = G_t - V(s_t)"

    def __call__(self, segment: Segment) -> Targets:
        target = lambda_return(segment, self.gamma, self.lam)
        return Targets(target, target - segment.value)


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("lambda_return", LambdaReturn)
