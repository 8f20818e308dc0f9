"""Sizes that are drawn for each task, within the largest one, which sets the shape."""

import jax
import jax.core
import jax.numpy as jnp

from discover import Integer, Key, Scalar, UserError


def drawn_size(key: Key, fewest: Integer, most: Integer) -> jax.Array:
    """A size between two bounds, each with the same probability.

    >>> int(drawn_size(jax.random.key(0), 5, 5))
    5
    """
    return jax.random.randint(key, (), fewest, jnp.asarray(most) + 1)


def relative(size: jax.Array, low: Scalar | Integer, high: Scalar | Integer) -> jax.Array:
    """The place of a size between two bounds, from 0 to 1; 0 where the bounds are equal.

    >>> [float(relative(jnp.int32(size), 4, 8)) for size in (4, 5, 8)]
    [0.0, 0.25, 1.0]
    """
    width = jnp.asarray(high, jnp.float32) - low
    return jnp.where(width > 0.0, jnp.clip((size - low) / jnp.where(width > 0.0, width, 1.0), 0.0, 1.0), 0.0)


def check_sizes(fewest: Integer, most: Integer, *, largest: int) -> None:
    """Check bounds of sizes, unless a program has them as its arguments.

    Raises:
        UserError: they are in the wrong order, or above the largest size.
    """
    known = not any(isinstance(bound, jax.core.Tracer) for bound in (fewest, most))
    if known and not fewest <= most <= largest:
        raise UserError(
            f"sizes from {fewest} to {most} do not fit the largest size {largest}, which sets the shape of observations: give "
            "bounds in order, and not above it."
        )
