"""An example of every registered component."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterator
from typing import Any

from discover.components.component import Component, Field, fields
from discover.components.paths import walk
from discover.config.build import algorithm_from, environment_from
from discover.contract.algorithm import Algorithm
from discover.contract.registry import Entry, Registry


def examples(registry: Registry) -> list[tuple[Entry, Component]]:
    """A component of each registered class: as a recipe or task has it, else with its defaults.

    A component that it needs is the first example of that kind. Classes with a setting that only their user can know are left
    out.
    """
    found: dict[type[Component], Component] = {}
    for component in _in_use(registry):
        found.setdefault(type(component), component)
    entries = [entry for entry in registry.entries() if entry.component is not None]
    for _ in entries:  # a component may need another that is found later
        for entry in entries:
            cls = typing.cast(type[Component], entry.component)
            if cls not in found and (made := _made(cls, found)) is not None:
                found[cls] = made
    return [(entry, found[entry.component]) for entry in entries if entry.component in found]


def _in_use(registry: Registry) -> Iterator[Component]:
    """All components of recipes and tasks."""
    roots: list[Component] = [algorithm_from(registry, entry.name) for entry in registry.entries("recipe")]
    roots += [environment_from(registry, entry.name) for entry in registry.entries("task")]
    for root in roots:
        yield from () if isinstance(root, Algorithm) else (root,)
        for _, owner, _, _ in walk(root):
            if not isinstance(owner, Algorithm):
                yield owner


def _made(cls: type[Component], found: dict[type[Component], Component]) -> Component | None:
    given = {}
    for field in fields(cls):
        if field.default is dataclasses.MISSING:
            value = _value(field, list(found.values()))
            if value is None:
                return None
            given[field.name] = value
    return cls(**given)


def _value(field: Field, known: list[Component]) -> Any:
    """A component that a field may hold."""
    several = typing.get_origin(field.type) is tuple
    kind = typing.get_args(field.type)[0] if several else field.type
    fitting = [one for one in known if isinstance(kind, type) and isinstance(one, kind)]
    if field.role != "subtree" or not fitting:
        return None
    return tuple(fitting[:2]) if several else fitting[0]
