"""Trajectories side by side, as one with all of their environments."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from discover import Trajectory


def side_by_side(parts: Sequence[Trajectory]) -> Trajectory:
    """Trajectories ``[T, B]`` as one ``[T, sum of B]``: all but task, extra data and the numbers before a normalizer.

    Args:
        parts: with the same fields.

    >>> fields = dict.fromkeys(Trajectory._fields[:9], jnp.zeros((5, 2)))  # T = 5, B = 2
    >>> batch = Trajectory(**fields, context={}, carry=jnp.zeros((2, 8)), task=())
    >>> both = side_by_side([batch, batch])
    >>> both.reward.shape, both.carry.shape
    ((5, 4), (4, 8))
    """
    steps = [part._replace(carry=(), task=(), extra=(), unscaled=()) for part in parts]
    carry = jax.tree.map(lambda *x: jnp.concatenate(x), *(part.carry for part in parts))
    return jax.tree.map(lambda *x: jnp.concatenate(x, axis=1), *steps)._replace(carry=carry)
