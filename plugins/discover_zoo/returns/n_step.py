"""The n-step return."""

import jax
import jax.numpy as jnp

from discover import Integer, Registry, ReturnFunction, Scalar, Segment, Targets, component, hookimpl, integer, real

_LONGEST = 32
"""The largest horizon of an n-step return: it sets how many are computed."""


@component
class NStep(ReturnFunction):
    """The n-step return (Sutton & Barto 2018, eq. 7.1), shorter where the segment or the episode ends earlier.

    ``n`` is a leaf and sets no shape: all horizons up to the longest are computed, the wanted one is taken.
    """

    paper = "Sutton & Barto 2018, eq. 7.1"
    not_differentiable = ("n",)

    gamma: Scalar = real(0.99, low=0.8, high=0.9999, scale="log1m")
    n: Integer = integer(5, low=1, high=_LONGEST)

    def __call__(self, segment: Segment) -> Targets:
        discount = self.gamma * (1.0 - segment.terminated)
        cut = segment.truncated.at[-1].set(True)

        def lengthen(target: jax.Array, horizon: jax.Array) -> tuple[jax.Array, None]:
            """Targets of one more step, up to n: what follows is the shorter target of the next row."""
            following = jnp.where(cut, segment.next_value, jnp.roll(target, -1, axis=0))
            return jnp.where(horizon <= self.n, segment.reward + discount * following, target), None

        one_step = segment.reward + discount * segment.next_value
        target, _ = jax.lax.scan(lengthen, one_step, jnp.arange(2, _LONGEST + 1))
        return Targets(target, target - segment.value)


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("n_step", NStep)
