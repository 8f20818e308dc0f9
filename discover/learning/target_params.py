"""Target parameters that follow the learned ones."""

from __future__ import annotations

from typing import TypeVar

import jax

T = TypeVar("T")


def polyak_update(target: T, params: T, share: jax.Array) -> T:
    """``(1 - share) * target + share * params``: how target parameters follow (Polyak averaging); exact at 0 and at 1."""
    return jax.tree.map(lambda t, p: (1.0 - share) * t + share * p, target, params)
