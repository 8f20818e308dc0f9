"""Scales of what bonuses read and pay, by running statistics."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from discover import Scalar, Trajectory
from discover_zoo.moments import LEAST_VARIANCE, Moments, add_batch, no_moments

_LARGEST = 5.0
"""Rescaled observations are clipped to this on either side, as in Burda et al. 2018."""


class PayScale(NamedTuple):
    """Statistics of what was paid.

    Attributes:
        returns: ``[B]`` discounted sums of the raw bonus in each environment, over the ends of episodes.
        moments: mean and variance of all values of ``returns`` so far.
    """

    returns: jax.Array
    moments: Moments


def no_pay(num_envs: int) -> PayScale:
    """Statistics before the first batch."""
    return PayScale(jnp.zeros(num_envs), no_moments(()))


def rescaled_pay(scale: PayScale, raw: jax.Array, gamma: Scalar) -> tuple[jax.Array, PayScale]:
    """The raw bonus ``[T, B]`` divided by the standard deviation of its running discounted sum (Burda et al. 2018, 2.4).

    ``R <- gamma * R + b`` in each environment. The batch is counted first, then rescaled. To the variance over the N values of
    R so far comes ``mean(R)^2 / N``, which matters for the first few alone: those of one step have no variance.

    >>> pay, _ = rescaled_pay(no_pay(1), jnp.array([[3.0]]), 0.9)
    >>> pay.round(3)
    Array([[1.]], dtype=float32)
    """

    def step(total: jax.Array, raw: jax.Array) -> tuple[jax.Array, jax.Array]:
        total = gamma * total + raw
        return total, total

    returns, every = jax.lax.scan(step, scale.returns, raw)
    moments = add_batch(scale.moments, every.reshape(-1))
    spread = moments.variance + moments.mean**2 / moments.total + LEAST_VARIANCE
    return raw * jax.lax.rsqrt(spread), PayScale(returns, moments)


def rescaled_observations(moments: Moments, trajectory: Trajectory) -> tuple[jax.Array, jax.Array, Moments]:
    """Observations and true next ones ``[T * B, ...]`` to zero mean and unit variance, clipped to 5.

    They are read as they were before the normalizer, since a bonus may look at them otherwise than the agent does. The next
    observations of the batch are counted first, those where episodes begin are not.
    """
    original = trajectory.original
    before, after = (x.reshape(-1, *x.shape[2:]).astype(jnp.float32) for x in (original.observation, original.next_observation))
    moments = add_batch(moments, after)

    def scaled(x: jax.Array) -> jax.Array:
        return jnp.clip((x - moments.mean) * jax.lax.rsqrt(moments.variance + LEAST_VARIANCE), -_LARGEST, _LARGEST)

    return scaled(before), scaled(after), moments
