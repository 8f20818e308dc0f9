"""The distributions over levels from which curricula draw."""

import jax
import jax.numpy as jnp

from discover import Scalar


def up_to(difficulty: jax.Array, limit: jax.Array) -> jax.Array:
    """``[M]``: the same for all levels up to a limit, or for the easiest ones where all are harder.

    >>> print(up_to(jnp.array([0.2, 0.5, 0.9]), jnp.float32(0.6)), up_to(jnp.array([0.2, 0.5]), jnp.float32(0.0)))
    [0.5 0.5 0. ] [1. 0.]
    """
    allowed = difficulty <= jnp.maximum(limit, jnp.min(difficulty))
    return allowed / jnp.sum(allowed, dtype=jnp.float32)


def by_progress(progress: jax.Array, known: jax.Array, uniform: Scalar) -> jax.Array:
    """``[N]``: in proportion to progress, with a uniform share: ``(1 - uniform) * p_i / sum_j p_j + uniform / n``.

    Args:
        progress: ``[N]``, not negative.
        known: ``[N]`` which rows hold a level, n of them. Without any, all chances are 0.
        uniform: share of the uniform distribution; all of it while no level shows progress.

    >>> [f"{chance:.2f}" for chance in by_progress(jnp.array([0.1, 0.3, 0.0]), jnp.array([True, True, False]), 0.2)]
    ['0.30', '0.70', '0.00']
    """
    same, progress = known / jnp.maximum(jnp.sum(known, dtype=jnp.float32), 1.0), progress * known
    total = jnp.sum(progress)
    mixed = (1.0 - uniform) * progress / jnp.where(total > 0.0, total, 1.0) + uniform * same
    return jnp.where(total > 0.0, mixed, same)


def by_rank(score: jax.Array, known: jax.Array, temperature: Scalar) -> jax.Array:
    """``[N]``: in proportion to ``(1 / rank_i) ** (1 / temperature)``, where the level of the highest score has the rank 1.

    Args:
        score: ``[N]``.
        known: ``[N]`` which rows hold a level. Without any, all chances are 0.
        temperature: beta; near 0 the best level alone is chosen. Of equal scores, the first row has the better rank.

    >>> [f"{chance:.2f}" for chance in by_rank(jnp.array([0.1, 0.5, 9.0]), jnp.array([True, True, False]), 1.0)]
    ['0.33', '0.67', '0.00']
    """
    score, row = jnp.where(known, score, -jnp.inf), jnp.arange(score.shape[0])
    before = (score[None] > score[:, None]) | ((score[None] == score[:, None]) & (row[None] < row[:, None]))
    rank = 1.0 + jnp.sum(before, axis=1)
    weight = known * rank ** (-1.0 / jnp.asarray(temperature))
    return weight / jnp.maximum(jnp.sum(weight), 1e-30)


def with_staleness(chances: jax.Array, age: jax.Array, share: Scalar) -> jax.Array:
    """``[N]``: ``(1 - share) * chances_i + share * age_i / sum_j age_j``; the chances alone while all ages are 0.

    >>> [f"{chance:.2f}" for chance in with_staleness(jnp.array([1.0, 0.0]), jnp.array([1, 3]), 0.4)]
    ['0.70', '0.30']
    """
    total = jnp.sum(age)
    mixed = (1.0 - share) * chances + share * age / jnp.maximum(total, 1)
    return jnp.where(total > 0, mixed, chances)
