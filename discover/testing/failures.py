"""The error of a check, and the comparisons that checks share."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


class ConformanceError(AssertionError):
    """A component breaks the contract of its kind; the message is one sentence.

    Args:
        sentence: what is wrong.
        why: the reason for the rule that it breaks.
        remedy: what to do.
        method: the method that breaks it; the class, if it is empty.

    Attributes:
        place: file and line of the method, such as ``my_rule.py:12``; empty where they are not known.
    """

    def __init__(self, sentence: str, why: str = "", remedy: str = "", *, method: str = ""):
        super().__init__(sentence)
        self.sentence, self.why, self.remedy, self.method, self.place = sentence, why, remedy, method, ""


def require(holds: object, sentence: str, why: str = "", remedy: str = "", *, method: str = "") -> None:
    """Raise `ConformanceError` with the sentence unless the condition holds.

    >>> require(1 < 2, "one is not less than two.")
    >>> require(2 < 1, "two is not less than one.")
    Traceback (most recent call last):
    discover.testing.failures.ConformanceError: two is not less than one.
    """
    if not holds:
        raise ConformanceError(sentence, why, remedy, method=method)


def raw(tree: object) -> list[np.ndarray]:
    """The leaves of a tree as NumPy arrays; random keys as their data."""
    leaves = jax.tree.leaves(tree)
    return [np.asarray(jax.random.key_data(x) if jnp.issubdtype(x.dtype, jax.dtypes.prng_key) else x) for x in leaves]


def same_bits(one: object, other: object) -> bool:
    """Whether two trees have the same structure, dtypes, shapes and bits.

    >>> same_bits({"x": jnp.zeros(2)}, {"x": jnp.zeros(2)}), same_bits(jnp.zeros(2), -jnp.zeros(2))
    (True, False)
    """
    return jax.tree.structure(one) == jax.tree.structure(other) and [(x.dtype, x.shape, x.tobytes()) for x in raw(one)] == [
        (x.dtype, x.shape, x.tobytes()) for x in raw(other)
    ]


def finite(tree: object) -> bool:
    """Whether every real number in a tree is finite.

    >>> finite((jnp.ones(2), jnp.arange(3))), finite(jnp.asarray([1.0, jnp.inf]))
    (True, False)
    """
    return all(np.isfinite(x).all() for x in raw(tree) if x.dtype.kind == "f")


def stays_finite(before: object, after: object) -> bool:
    """Whether no real number of a tree that was finite is so no more. Its leaves keep their shapes.

    >>> stays_finite(jnp.asarray([1.0, jnp.inf]), jnp.asarray([2.0, jnp.inf])), stays_finite(jnp.ones(2), jnp.full(2, jnp.nan))
    (True, False)
    """
    pairs = zip(raw(before), raw(after), strict=True)
    return all((np.isfinite(new) | ~np.isfinite(old)).all() for old, new in pairs if new.dtype.kind == "f")


def close(one: object, other: object, tolerance: float) -> bool:
    """Whether ``|a - b| <= tolerance + tolerance |b|`` for all leaves a and b of two trees; NaN agrees with NaN.

    >>> close(jnp.asarray([1.0, 2.0]), jnp.asarray([1.0, 2.001]), 1e-2), close(jnp.zeros(2), jnp.zeros(3), 1e-2)
    (True, False)
    """
    pairs = zip(raw(one), raw(other), strict=True)
    return all(a.shape == b.shape and np.allclose(a, b, tolerance, tolerance, equal_nan=True) for a, b in pairs)


def is_tuple_of(count: int, value: object) -> bool:
    """Whether a value is a tuple of so many parts.

    >>> is_tuple_of(2, (1, 2)), is_tuple_of(2, [1, 2])
    (True, False)
    """
    return isinstance(value, tuple) and len(value) == count


def form(tree: object) -> tuple[Any, ...]:
    """Structure, shapes and dtypes of a tree of arrays, or of their shapes (`jax.eval_shape`)."""
    return jax.tree.structure(tree), [(tuple(x.shape), x.dtype) for x in jax.tree.leaves(tree)]
