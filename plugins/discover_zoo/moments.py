"""Running mean and variance."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

LEAST_VARIANCE = 1e-8
"""Added to a variance beneath a root: a number that never changes is divided by 1e-4, not by 0."""


class Moments(NamedTuple):
    """Mean and variance of all items so far.

    Attributes:
        total: how many items; a float, since beyond 2^24 one more makes no difference.
        mean, variance: of the shape of one item.
    """

    total: jax.Array
    mean: jax.Array
    variance: jax.Array


def no_moments(shape: tuple[int, ...]) -> Moments:
    """Moments of no items."""
    return Moments(jnp.zeros(()), jnp.zeros(shape), jnp.zeros(shape))


def add_batch(moments: Moments, batch: jax.Array) -> Moments:
    """Moments with the items ``batch[B, ...]`` added (Chan et al. 1979, eq. 2.1; Welford 1962 where B is 1).

    With ``w`` the batch's share of all: ``mean + w * d`` and ``(1 - w) * variance + w * variance of the batch +
    w * (1 - w) * d^2``, where ``d`` is the batch's mean minus the mean so far.

    >>> add_batch(no_moments(()), jnp.array([1.0, 3.0]))
    Moments(total=Array(2., dtype=float32), mean=Array(2., dtype=float32), variance=Array(1., dtype=float32))
    """
    total = moments.total + batch.shape[0]
    share, apart = batch.shape[0] / total, jnp.mean(batch, axis=0) - moments.mean
    variance = (1.0 - share) * moments.variance + share * jnp.var(batch, axis=0) + share * (1.0 - share) * apart**2
    return Moments(total, moments.mean + share * apart, variance)
