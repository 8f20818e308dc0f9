"""Small sizes, with which a component is compiled and run in no time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from discover.components.component import Component, fields
from discover.components.paths import replace

C = TypeVar("C", bound=Component)

SMALL: Mapping[str, int | tuple[int, ...]] = {
    "steps": 4,
    "num_envs": 4,
    "epochs": 2,
    "minibatches": 2,
    "hidden": (8,),
    "encoder": (8,),
    "memory": 8,
    "capacity": 32,
    "batch": 4,
    "learning_starts": 0,
}
"""Settings that say how large something is, in the words of the known algorithms, and small values of them."""


def shrunk(component: C) -> C:
    """The component with small sizes, where it has settings of the usual names.

    >>> from discover.testing.small import Affine
    >>> shrunk(Affine())
    Affine()
    """
    settings = {field.name for field in fields(type(component)) if field.role == "static"}
    return replace(component, {name: value for name, value in SMALL.items() if name in settings})
