"""Target parameters that slowly follow the learned ones."""

from __future__ import annotations

from typing import TypeVar

import jax

T = TypeVar("T")


def polyak_update(target: T, params: T, share: jax.Array) -> T:
    """Polyak averaging: ``(1 - share) * target + share * params``, for each leaf; exact at the shares 0 and 1.

    >>> import jax.numpy as jnp
    >>> print(polyak_update(jnp.zeros(2), jnp.array([1.0, 2.0]), jnp.array(0.5)))
    [0.5 1. ]
    """
    return jax.tree.map(lambda t, p: (1.0 - share) * t + share * p, target, params)
