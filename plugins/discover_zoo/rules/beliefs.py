"""Beliefs about a task: products of Gaussians, of which each transition is one factor."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp


class Belief(NamedTuple):
    """A product of independent Gaussians, in any order; without a factor it is the prior, N(0, 1).

    Attributes:
        precision: ``[..., d]`` sum of ``1 / variance`` over the factors.
        weighted: ``[..., d]`` sum of ``mean / variance`` over the factors.

    >>> belief = product(jnp.array([[0.0], [2.0]]), jnp.ones((2, 1)))  # of N(0, 1) and N(2, 1)
    >>> print(belief.mean, belief.variance, belief.divergence().round(6))
    [1.] [0.5] 0.596574
    >>> nothing = Belief.empty(1)
    >>> print(nothing.mean, nothing.variance, nothing.divergence())
    [0.] [1.] 0.0
    """

    precision: jax.Array
    weighted: jax.Array

    @classmethod
    def empty(cls, size: int) -> Belief:
        """The belief before any transition."""
        return cls(jnp.zeros(size), jnp.zeros(size))

    @property
    def variance(self) -> jax.Array:
        """``[..., d]``."""
        return 1.0 / jnp.where(self.precision > 0.0, self.precision, 1.0)

    @property
    def mean(self) -> jax.Array:
        """``[..., d]``."""
        return self.variance * self.weighted

    def times(self, other: Belief) -> Belief:
        """The product of two beliefs that share no factor."""
        return Belief(self.precision + other.precision, self.weighted + other.weighted)

    def sample(self, noise: jax.Array) -> jax.Array:
        """The draw ``[..., d]`` that standard normal noise of that shape stands for."""
        return self.mean + jnp.sqrt(self.variance) * noise

    def divergence(self) -> jax.Array:
        """``KL(belief || prior)``, ``[...]``."""
        return 0.5 * jnp.sum(self.variance + self.mean**2 - 1.0 - jnp.log(self.variance), axis=-1)


def product(mean: jax.Array, variance: jax.Array, weight: jax.Array | float = 1.0) -> Belief:
    """The belief whose factors lie along the last but one axis.

    Args:
        mean, variance: ``[..., n, d]``.
        weight: ``[..., n]``, how often each factor counts.
    """
    precision = jnp.expand_dims(jnp.broadcast_to(weight, variance.shape[:-1]), -1) / variance
    return Belief(jnp.sum(precision, axis=-2), jnp.sum(precision * mean, axis=-2))
