"""Paths: reading, exchanging and checking what a component holds, by dotted names such as ``returns.gamma``."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from discover.base.errors import UserError
from discover.components.component import Choice, Component, Field, Free, domain_of, field_of, fields
from discover.components.domains import Domain

C = TypeVar("C", bound=Component)


def domain_at(component: Component, path: str) -> Domain:
    """The domain of the number at a dotted path, e.g. ``domain_at(ppo, "returns.gamma")``.

    Raises:
        UserError: there is no such field, or it is structure.
    """
    head, _, name = path.rpartition(".")
    owner = get(component, head) if head else component
    if isinstance(owner, Component) and (field := field_of(type(owner), name)).role == "leaf":
        return domain_of(owner, field)
    raise UserError(f"{path} of {type(component).__name__} is structure, not a number: name a field with a domain.")


def replace(component: C, changes: Mapping[str, Any]) -> C:
    """The component with values at dotted paths exchanged, e.g. ``replace(ppo, {"returns.gamma": 0.95})``."""
    for path, value in changes.items():
        component = _replace_one(component, path.split("."), value, path)
    return component


def _replace_one(node: Any, path: list[str], value: Any, whole: str) -> Any:
    head, *rest = path
    below = _below(node, head, whole)
    inner = _replace_one(below, rest, value, whole) if rest else value
    if isinstance(node, tuple):
        index = int(head)
        return (*node[:index], inner, *node[index + 1 :])
    return dataclasses.replace(node, **{head: inner})


def get(component: Component, path: str) -> Any:
    """The value at a dotted path, e.g. ``get(ppo, "returns.gamma")``."""
    node: Any = component
    for name in path.split("."):
        node = _below(node, name, path)
    return node


def _below(node: Any, name: str, path: str) -> Any:
    """The value that ``name`` stands for below a node of ``path``."""
    if isinstance(node, tuple):
        if not name.isdecimal() or int(name) >= len(node):
            raise UserError(f"path '{path}': '{name}' is not an index below {len(node)}.")
        return node[int(name)]
    if not isinstance(node, Component):
        raise UserError(f"path '{path}': there is no '{name}', since what stands before it has no fields; shorten the path.")
    return getattr(node, field_of(type(node), name).name)


def walk(component: Any, prefix: str = "") -> Iterator[tuple[str, Component, Field, Any]]:
    """Every field below a component: (dotted path, owner, field, value), owners before what they hold."""
    for field in fields(type(component)):
        value, path = getattr(component, field.name), f"{prefix}{field.name}"
        yield path, component, field, value
        if field.role == "subtree":
            for inner_path, inner in _components_in(value, path):
                yield from walk(inner, f"{inner_path}.")


def nodes(component: Component, path: str = "") -> Iterator[tuple[str, Component]]:
    """Every component of a tree with its dotted path: the root, whose path is ``path``, then what it holds."""
    yield path, component
    for field in fields(type(component)):
        if field.role == "subtree":
            where = f"{path}.{field.name}" if path else field.name
            for inner_path, inner in _components_in(getattr(component, field.name), where):
                yield from nodes(inner, inner_path)


def check(candidate: Component) -> None:
    """Check that every value is set and lies in its domain; called where a candidate is built, not on tracers.

    Raises:
        UserError: names the path, the value and what the domain allows.
    """
    for path, owner, field, value in walk(candidate):
        for place, opened in _open_in(value, path):
            raise UserError(f"{place} of {type(owner).__name__} is open ({opened!r}): set it, or search over it.")
        if field.role == "leaf":
            problem = domain_of(owner, field).check(value)
            if problem:
                raise UserError(f"{path} of {type(owner).__name__} {problem}.")


def _components_in(value: Any, path: str) -> Iterator[tuple[str, Component]]:
    if isinstance(value, Component):
        yield path, value
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _components_in(item, f"{path}.{index}")


def _open_in(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Free | Choice):
        yield path, value
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _open_in(item, f"{path}.{index}")
