"""How much experience with some tasks counts for another one: importance weights by a logistic regression."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp

from discover_zoo.rules.linear_equations import solve

_ITERATIONS = 12
"""Steps of Newton's method; from zero, with some ridge, it is at the optimum to single precision well before."""

_FLATTEST = 1e-6


class Propensity(NamedTuple):
    """A linear model ``f(x) = (x - mean) / scale . slope + bias`` of the log-odds that ``x`` is old rather than new.

    Attributes:
        mean, scale: ``[F]`` of the features over both classes.
        slope: ``[F]``.
        bias: scalar.
    """

    mean: jax.Array
    scale: jax.Array
    slope: jax.Array
    bias: jax.Array

    def log_odds(self, x: jax.Array) -> jax.Array:
        """``f[...]`` of features ``x[..., F]``."""
        return ((x - self.mean) / self.scale) @ self.slope + self.bias

    def weights(self, x: jax.Array, *, clip: float | jax.Array, least: float | jax.Array) -> jax.Array:
        """``exp(-max(f, -clip))``: how much likelier ``x`` is in new experience than in old; 0 where below ``least``."""
        ratio = jnp.exp(-jnp.maximum(self.log_odds(x), -clip))
        return jnp.where(ratio < least, 0.0, ratio)


def fit_propensity(old: jax.Array, new: jax.Array, ridge: float | jax.Array) -> Propensity:
    """Tell old features ``[N, F]`` from new ones ``[M, F]``: a logistic regression in which both classes weigh alike.

    It minimizes the mean of the log losses of both classes plus ``ridge |slope|^2 / 2``, by Newton's method. No gradient runs
    through it.

    >>> old, new = jnp.array([[-1.0], [0.0], [0.0], [1.0]]), jnp.array([[0.0], [1.0], [1.0], [2.0]])
    >>> model = fit_propensity(old, new, ridge=1e-6)
    >>> model.log_odds(jnp.array([[0.5], [0.0]])).round(2) + 0.0
    Array([0.  , 0.95], dtype=float32)
    """
    old, new = jax.lax.stop_gradient((old, new))
    x = jnp.concatenate([old, new])
    is_old = jnp.arange(len(x)) < len(old)
    share = jnp.where(is_old, 0.5 / len(old), 0.5 / len(new))
    mean = share @ x
    scale = jnp.sqrt(share @ (x - mean) ** 2 + _FLATTEST)
    rows = jnp.concatenate([(x - mean) / scale, jnp.ones((len(x), 1))], axis=1)
    penalty = jnp.full(rows.shape[1], ridge).at[-1].set(_FLATTEST)

    def step(_: jax.Array, w: jax.Array) -> jax.Array:
        chance = jax.nn.sigmoid(rows @ w)
        slope = rows.T @ (share * (chance - is_old)) + penalty * w
        curvature = rows.T @ ((share * chance * (1.0 - chance))[:, None] * rows) + jnp.diag(penalty)
        return w - solve(curvature, slope)

    w = jax.lax.fori_loop(0, _ITERATIONS, step, jnp.zeros(rows.shape[1]))
    return Propensity(mean, scale, w[:-1], w[-1])


def lost_share(weights: jax.Array) -> jax.Array:
    """``1 - ESS / n``: the share of n weighted samples that is lost, by their effective sample size ``(sum w)^2 / sum w^2``.

    Without any weight it is 1.

    >>> print([float(lost_share(jnp.array(w))) for w in ((1.0, 1.0, 1.0, 1.0), (4.0, 0.0, 0.0, 0.0), (2.0, 2.0, 0.0, 0.0))])
    [0.0, 0.75, 0.5]
    """
    squares = weights.size * jnp.sum(weights**2)
    return 1.0 - jnp.sum(weights) ** 2 / jnp.where(squares > 0.0, squares, 1.0)
