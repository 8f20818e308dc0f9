"""An example of every registered component."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterator

from discover.base.errors import UserError
from discover.components.component import Component, Field, fields
from discover.components.paths import walk
from discover.config.build import algorithm_from, environment_from
from discover.contract.algorithm import Algorithm
from discover.contract.network import Network
from discover.contract.registry import Entry, Registry


def examples(
    registry: Registry, *, unless_broken: bool = False, broken: dict[type[Component], Exception] | None = None
) -> list[tuple[Entry, Component]]:
    """A component of each registered class: as a recipe or a task uses it, else with its defaults.

    A component that it needs is the first example of that kind. Classes with a required setting that is no component are left
    out.

    Args:
        registry: of all plugins.
        unless_broken: whether recipes and tasks that cannot be built are left out too; otherwise they are an error.
        broken: is filled with the classes that cannot be made, and what was raised; without it, that is raised.
    """
    instances: dict[type[Component], Component] = {}
    for component in _in_use(registry, unless_broken=unless_broken):
        instances.setdefault(type(component), component)
    entries = [entry for entry in registry.entries() if entry.component is not None]
    for _ in entries:  # a component may need another one that comes later in the list
        for entry in entries:
            cls = typing.cast(type[Component], entry.component)
            if cls in instances or cls in ({} if broken is None else broken):
                continue
            try:
                instance = _instance(cls, instances)
            except Exception as error:
                if broken is None:
                    raise
                broken[cls] = error
                continue
            if instance is not None:
                instances[cls] = instance
    return [(entry, instances[entry.component]) for entry in entries if entry.component in instances]


def _in_use(registry: Registry, *, unless_broken: bool) -> Iterator[Component]:
    """All components of recipes and tasks."""
    for entry in (*registry.entries("recipe"), *registry.entries("task")):
        build = algorithm_from if entry.kind == "recipe" else environment_from
        try:
            root = build(registry, entry.name)
        except UserError:
            if unless_broken:
                continue
            raise
        yield from () if isinstance(root, Algorithm) else (root,)
        for _, owner, _, _ in walk(root):
            if not isinstance(owner, Algorithm):
                yield owner


def _instance(cls: type[Component], others: dict[type[Component], Component]) -> Component | None:
    """A component of a class, with its defaults and with others inside; None if a required value is missing."""
    arguments = {}
    for field in fields(cls):
        if field.default is dataclasses.MISSING:
            value = _value(field, list(others.values()))
            if value is None:
                return None
            arguments[field.name] = value
    return cls(**arguments)


def _value(field: Field, components: list[Component]) -> Component | tuple[Component, ...] | None:
    """One of the components, or two for a field with several, if the field may hold them; else None.

    Two networks are the same one, since those that stand for each other need parameters of one shape.
    """
    several = typing.get_origin(field.type) is tuple
    kind = typing.get_args(field.type)[0] if several else field.type
    fitting = [one for one in components if isinstance(kind, type) and isinstance(one, kind)]
    if field.role != "subtree" or not fitting:
        return None
    if several:
        return (fitting[0], fitting[0]) if isinstance(fitting[0], Network) else tuple(fitting[:2])
    return fitting[0]
