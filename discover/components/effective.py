"""A component without the parts that do nothing, and its values by path."""

from __future__ import annotations

import dataclasses
from typing import TypeAlias, TypeVar

import jax
import numpy as np

from discover.components.component import Component, fields
from discover.components.open_values import FieldValue
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
    below = [field.name for field in fields(type(component)) if field.role == "subtree"]
    return dataclasses.replace(component, **{name: _effective_value(getattr(component, name)) for name in below})  # type: ignore[type-var]


def values_by_path(component: Component) -> dict[str, Value]:
    """Every choice and every number of a component by its dotted path, as tables and trackers show them.

    A component is given by the name of its class, an array by its type and shape; what is not there (None) is left out.

    >>> from discover_zoo.rules.a2c import A2C
    >>> from discover_zoo.returns.gae import GAE
    >>> from discover_zoo.optimizers.adam import Adam
    >>> values = values_by_path(A2C(returns=GAE(lam=0.9), optimizer=Adam()))
    >>> values["returns"], values["returns.lam"], values["optimizer"]
    ('GAE', 0.9, 'Adam')
    """
    values: dict[str, Value] = {}
    for path, _, _, value in walk(component):
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
    if isinstance(value, np.generic | np.ndarray | jax.Array):
        return _number(np.asarray(value))
    return value if isinstance(value, str | int | float | bool) else str(value)


def _number(array: np.ndarray) -> Value:
    """An array of one number as the shortest number that stands for it, any other array as its type and shape."""
    if array.shape:
        return f"{array.dtype}{list(array.shape)}"
    return float(str(array)) if array.dtype.kind == "f" else array.item()
