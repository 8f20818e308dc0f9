"""The n-step return."""

import jax
import jax.numpy as jnp

from discover import (
    Integer,
    Registry,
    ReturnFunction,
    Scalar,
    Segment,
    Targets,
    component,
    hookimpl,
    integer,
    latex_number,
    real,
)

_LONGEST = 32
"""The longest horizon of an n-step return, in steps; all up to it are computed."""


@component
class NStep(ReturnFunction):
    """The n-step return (Sutton & Barto 2018, eq. 7.1), shorter where the segment or the episode ends earlier.

    ``G_t = r_t + gamma * r_{t+1} + ... + gamma^(n-1) * r_{t+n-1} + gamma^n * v_{t+n}``. ``n`` is a leaf and sets no shape: all
    horizons up to the longest are computed, and that of ``n`` is taken.

    >>> zero = jnp.zeros((2, 1))
    >>> segment = Segment(zero + 1.0, *[zero] * 6)  # two steps of one environment: each pays 1, all else is 0
    >>> NStep(gamma=0.8, n=1)(segment).value[:, 0]
    Array([1., 1.], dtype=float32)

    Attributes:
        gamma: discount.
        n: how many rewards are summed before the value follows.
    """

    paper = "Sutton & Barto 2018, eq. 7.1"
    not_differentiable = ("n",)

    gamma: Scalar = real(0.99, low=0.8, high=0.9999, scale="log1m")
    n: Integer = integer(5, low=1, high=_LONGEST)

    def formula(self) -> str:
        gamma, n = latex_number(self.gamma), int(self.n)
        target = rf"G_t = \sum_{{k=0}}^{{{n - 1}}} {gamma}^k\, r_{{t+k}} + {gamma}^{{{n}}}\, V(s_{{t+{n}}})"
        return rf"{target}, \quad A_t = G_t - V(s_t)"

    def __call__(self, segment: Segment) -> Targets:
        discount = self.gamma * (1.0 - segment.terminated)
        cut = segment.truncated.at[-1].set(True)

        def lengthen(target: jax.Array, horizon: jax.Array) -> tuple[jax.Array, None]:
            """Targets of one step more, up to n: the shorter target of the next row follows the reward."""
            following = jnp.where(cut, segment.next_value, jnp.roll(target, -1, axis=0))
            return jnp.where(horizon <= self.n, segment.reward + discount * following, target), None

        one_step = segment.reward + discount * segment.next_value
        target, _ = jax.lax.scan(lengthen, one_step, jnp.arange(2, _LONGEST + 1))
        return Targets(target, target - segment.value)


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("n_step", NStep)
