"""Running mean and variance."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

LEAST_VARIANCE = 1e-8
"""Beneath a root: what does not vary stays finite."""


class Moments(NamedTuple):
    """Mean and variance of all that was counted.

    Attributes:
        total: how many; a float, since beyond 2^24 one more makes no difference.
        mean, variance: of the shape of one item.
    """

    total: jax.Array
    mean: jax.Array
    variance: jax.Array


def no_moments(shape: tuple[int, ...]) -> Moments:
    """Moments before anything was counted."""
    return Moments(jnp.zeros(()), jnp.zeros(shape), jnp.zeros(shape))


def counted(moments: Moments, batch: jax.Array) -> Moments:
    """The moments with ``batch[B, ...]`` counted in (Chan et al. 1979, eq. 2.1; Welford 1962 where B is 1).

    With ``w`` the batch's share of all: ``mean + w * d`` and ``(1 - w) * variance + w * variance of the batch +
    w * (1 - w) * d^2``, where ``d`` is the batch's mean minus ours.
    """
    total = moments.total + batch.shape[0]
    share, apart = batch.shape[0] / total, jnp.mean(batch, axis=0) - moments.mean
    variance = (1.0 - share) * moments.variance + share * jnp.var(batch, axis=0) + share * (1.0 - share) * apart**2
    return Moments(total, moments.mean + share * apart, variance)
