"""A component without the parts that do nothing, and its values by path."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import TypeAlias, TypeVar

import jax
import numpy as np

from discover.components.component import Component, fields
from discover.components.open_values import FieldValue, Free
from discover.components.paths import walk

C = TypeVar("C", bound=Component)

Value: TypeAlias = "str | int | float | bool"
"""A value that a table can hold."""


def effective(component: C) -> C:
    """The component without the parts that do nothing: it gives the same results to the bit.

    Every component says by its method ``effective`` what it comes down to; ``one_of_returns``, say, to the option that it uses.

    Args:
        component: a component that has no open values.

    >>> from discover_zoo.returns.gae import GAE
    >>> from discover_zoo.returns.n_step import NStep
    >>> from discover_zoo.returns.one_of_returns import OneOfReturns
    >>> effective(OneOfReturns(options=(GAE(), NStep(n=3)), index=1))
    NStep(gamma=0.99, n=3)
    """
    inner = component.effective()
    while inner is not component:
        component, inner = inner, inner.effective()  # type: ignore[assignment]  # of the same kind
    below = [f.name for f in fields(type(component)) if f.role == "subtree" and not component.names_parts]
    return dataclasses.replace(component, **{name: _effective_value(getattr(component, name)) for name in below})  # type: ignore[type-var]


def values_by_path(component: Component) -> dict[str, Value]:
    """Every choice and every number of a component by its dotted path, as tables and trackers show them.

    A component is given by the name of its class, weights by their count and a digest; what is not there (None) is left out.

    >>> from discover_zoo.rules.a2c import A2C
    >>> from discover_zoo.returns.gae import GAE
    >>> from discover_zoo.optimizers.adam import Adam
    >>> values = values_by_path(A2C(returns=GAE(lam=0.9), optimizer=Adam()))
    >>> values["returns"], values["returns.lam"], values["optimizer"]
    ('GAE', 0.9, 'Adam')
    """
    values: dict[str, Value] = {}
    for path, _, field, value in walk(component):
        if field.role == "leaf" and not isinstance(value, Free):
            values[path] = _leaf(value)
            continue
        for place, item in _items(value, path):
            if item is not None and not (isinstance(item, tuple) and not item):
                values[place] = _value(item)
    return values


def _effective_value(value: FieldValue) -> FieldValue:
    if isinstance(value, Component):
        return effective(value)
    return tuple(map(_effective_value, value)) if isinstance(value, tuple) else value


def _items(value: FieldValue, path: str) -> list[tuple[str, FieldValue]]:
    """The value, or the items of a tuple of components, each with its path."""
    if isinstance(value, tuple) and any(isinstance(item, Component) for item in value):
        return [(f"{path}.{index}", item) for index, item in enumerate(value)]
    return [(path, value)]


def _value(value: FieldValue) -> Value:
    if isinstance(value, Component):
        return type(value).__name__
    return value if isinstance(value, str | int | float | bool) else str(value)


def _leaf(value: FieldValue) -> Value:
    """A number as the shortest one that stands for it; weights as their count and a digest of their bits."""
    arrays = [np.asarray(array) for array in jax.tree.leaves(value)]
    if len(arrays) == 1 and not arrays[0].shape:
        return float(str(arrays[0])) if arrays[0].dtype.kind == "f" else arrays[0].item()
    digest = hashlib.sha256(b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)).hexdigest()
    return f"{sum(array.size for array in arrays)} weights {digest[:8]}"
