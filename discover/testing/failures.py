"""How a check says what is wrong, and the comparisons that checks share."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


class ConformanceError(AssertionError):
    """A component breaks a law of its kind; the message is one sentence."""


def require(holds: Any, sentence: str) -> None:
    """Raise `ConformanceError` with the sentence unless the condition holds."""
    if not holds:
        raise ConformanceError(sentence)


def raw(tree: Any) -> list[np.ndarray]:
    """The leaves of a tree on the host, random keys as their data."""
    leaves = jax.tree.leaves(tree)
    return [np.asarray(jax.random.key_data(x) if jnp.issubdtype(x.dtype, jax.dtypes.prng_key) else x) for x in leaves]


def same_bits(one: Any, other: Any) -> bool:
    """Whether two trees are equal to the bit."""
    return jax.tree.structure(one) == jax.tree.structure(other) and [(x.dtype, x.shape, x.tobytes()) for x in raw(one)] == [
        (x.dtype, x.shape, x.tobytes()) for x in raw(other)
    ]


def finite(tree: Any) -> bool:
    """Whether every real number in a tree is finite."""
    return all(np.isfinite(x).all() for x in raw(tree) if x.dtype.kind == "f")


def close(one: Any, other: Any, tolerance: float) -> bool:
    """Whether two trees agree up to a relative and absolute tolerance; NaN agrees with NaN."""
    pairs = zip(raw(one), raw(other), strict=True)
    return all(a.shape == b.shape and np.allclose(a, b, tolerance, tolerance, equal_nan=True) for a, b in pairs)


def form(tree: Any) -> Any:
    """Structure, shapes and dtypes of a tree."""
    return jax.tree.structure(tree), [(tuple(x.shape), x.dtype) for x in jax.tree.leaves(tree)]
