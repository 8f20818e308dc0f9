"""The share of the lifetime at which each step of growth is due."""

import jax

from discover import Scalar


def due(step: jax.Array, steps: int, progress: jax.Array, first: Scalar, last: Scalar) -> jax.Array:
    """Whether the next of some steps, spread evenly from ``first`` to ``last``, is due; each waits for the one before.

    Args:
        step: number of steps that are done.
        steps: number of all steps.
        progress: share of the lifetime that has passed.
        first, last: shares at which the first and the last step are due; a single step is due at ``first``.

    >>> import jax.numpy as jnp
    >>> [bool(due(jnp.int32(1), 3, jnp.float32(progress), first=0.2, last=0.6)) for progress in (0.3, 0.4)]
    [False, True]
    """
    time = first + (last - first) * step / max(steps - 1, 1)
    return (step < steps) & (progress >= time)
