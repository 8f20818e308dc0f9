"""Differences of two candidates, each of which can be taken over alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import NamedTuple, TypeVar

import jax
import numpy as np

from discover.base.errors import UserError
from discover.components.component import Component, fields
from discover.components.fitting import text_of_value
from discover.components.open_values import FieldValue
from discover.components.paths import check, get, replace

C = TypeVar("C", bound=Component)

_ROUNDING = 1e-5
"""Relative difference of two numbers up to which they are the same: a genome decodes to its candidate up to rounding."""


class Difference(NamedTuple):
    """A value that two candidates do not share.

    Attributes:
        path: dotted path; both have a value there.
        one, other: the two values, as text.
    """

    path: str
    one: str
    other: str


def differences(one: Component, other: Component) -> list[Difference]:
    """The choices and numbers by which two complete candidates of one class differ, in the order of fields.

    A component of another class is one difference, with all below it. So is a component whose settings do not go with each
    other's weights.

    >>> from discover_zoo.returns.gae import GAE
    >>> differences(GAE(gamma=0.9), GAE())
    [Difference(path='gamma', one='0.9', other='0.99')]
    """
    paths = list(dict.fromkeys(_whole(one, other, path) for path in _paths(one, other, "")))
    return [Difference(path, text_of_value(get(one, path)), text_of_value(get(other, path))) for path in paths if path]


def with_value_of(one: C, other: Component, path: str) -> C:
    """A candidate with the value that another one has at a path.

    >>> from discover_zoo.returns.gae import GAE
    >>> with_value_of(GAE(gamma=0.9, lam=0.5), GAE(), "gamma")
    GAE(gamma=0.99, lam=0.5)
    """
    return replace(one, {path: get(other, path)})


def _paths(one: FieldValue, other: FieldValue, path: str) -> Iterator[str]:
    """The paths of the smallest parts that differ."""
    if isinstance(one, Component) and type(one) is type(other):
        for field in fields(type(one)):
            inner = f"{path}.{field.name}" if path else field.name
            values = getattr(one, field.name), getattr(other, field.name)
            if field.role == "subtree":
                yield from _paths(*values, inner)
            elif not _alike(*values):
                yield inner
    elif isinstance(one, tuple) and isinstance(other, tuple) and len(one) == len(other):
        for index, pair in enumerate(zip(one, other, strict=True)):
            yield from _paths(*pair, f"{path}.{index}")
    elif one is not None or other is not None:
        yield path


def _alike(one: FieldValue, other: FieldValue) -> bool:
    """Whether two values of a field are equal, but for rounding."""
    if jax.tree.structure(one) != jax.tree.structure(other):
        return False
    for first, second in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        a, b = np.asarray(first), np.asarray(second)
        if a.shape != b.shape or a.dtype.kind != b.dtype.kind:
            return False
        if not (np.allclose(a, b, rtol=_ROUNDING, atol=1e-9) if a.dtype.kind == "f" else np.array_equal(a, b)):
            return False
    return True


def _whole(one: Component, other: Component, path: str) -> str:
    """The path, or that of the component around it if the value cannot be exchanged alone; empty if nothing can."""
    while path:
        try:
            check(with_value_of(one, other, path))
            check(with_value_of(other, one, path))
        except UserError:
            path = path.rpartition(".")[0]
            continue
        return path
    return ""


def number_of_differences(one: Component, other: Component) -> int:
    """How many choices and numbers two candidates do not share; a component of another class counts with all its fields."""
    return sum(_size(get(one, path)) if path else _size(one) for path in _paths(one, other, ""))


def _size(value: FieldValue) -> int:
    """The number of components and values in a part of a candidate."""
    if isinstance(value, Component):
        return 1 + sum(_size(getattr(value, field.name)) for field in dataclasses.fields(value))  # type: ignore[arg-type]
    return sum(map(_size, value)) if isinstance(value, tuple) and value else 1
