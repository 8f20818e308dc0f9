"""Paths: the parts of a component by dotted names such as ``returns.gamma``: read, replaced and checked."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import TypeVar

from discover.base.errors import UserError
from discover.components.component import Component, Field, domain_of, field_of, fields
from discover.components.domains import Domain
from discover.components.open_values import Choice, FieldValue, Free

C = TypeVar("C", bound=Component)


def domain_at(component: Component, path: str) -> Domain:
    """The domain of the number at a dotted path.

    Raises:
        UserError: there is no such field, or it is structure.

    >>> from discover_zoo.returns.gae import GAE
    >>> domain_at(GAE(), "lam")
    RealDomain(low=0.0, high=1.0, scale='linear', std=0.5)
    """
    head, _, name = path.rpartition(".")
    owner = get(component, head) if head else component
    if isinstance(owner, Component) and (field := field_of(type(owner), name)).role == "leaf":
        return domain_of(owner, field)
    raise UserError(f"{path} of {type(component).__name__} is structure, not a number: name a field with a domain.")


def replace(component: C, changes: Mapping[str, FieldValue]) -> C:
    """The component with other values at dotted paths, e.g. ``replace(ppo, {"returns.gamma": 0.95})``.

    Raises:
        UserError: there is no such field, or the value is not of its type.

    >>> from discover_zoo.returns.gae import GAE
    >>> replace(GAE(), {"gamma": 0.5, "lam": 1.0})
    GAE(gamma=0.5, lam=1.0)
    """
    for path, value in changes.items():
        component = _replace_one(component, path.split("."), value, path)
    return component


def _replace_one(node: FieldValue, path: list[str], value: FieldValue, whole: str) -> FieldValue:
    """A node with another value at a path below it; ``whole`` is the path from the root, for messages."""
    head, *rest = path
    below = _below(node, head, whole)
    inner = _replace_one(below, rest, value, whole) if rest else value
    if isinstance(node, tuple):
        index = int(head)
        return (*node[:index], inner, *node[index + 1 :])
    return dataclasses.replace(node, **{head: inner})


def get(component: Component, path: str) -> FieldValue:
    """The value at a dotted path, e.g. ``get(ppo, "returns.gamma")``.

    Raises:
        UserError: there is no such field.

    >>> from discover_zoo.returns.gae import GAE
    >>> float(get(GAE(gamma=0.5), "gamma"))
    0.5
    """
    node: FieldValue = component
    for name in path.split("."):
        node = _below(node, name, path)
    return node


def _below(node: FieldValue, name: str, path: str) -> FieldValue:
    """The field or item ``name`` of a node; ``path`` is the whole path, for messages."""
    if isinstance(node, tuple):
        if not name.isdecimal() or int(name) >= len(node):
            raise UserError(f"path '{path}': '{name}' is not an index below {len(node)}.")
        return node[int(name)]
    if not isinstance(node, Component):
        raise UserError(f"path '{path}': there is no '{name}', since what stands before it has no fields; shorten the path.")
    return getattr(node, field_of(type(node), name).name)


def walk(component: Component, prefix: str = "") -> Iterator[tuple[str, Component, Field, FieldValue]]:
    """Every field of a component and of those below it, as (dotted path, owner, field, value), owners first.

    Args:
        component: the root.
        prefix: the beginning of every path.

    >>> from discover_zoo.returns.gae import GAE
    >>> [path for path, _, _, _ in walk(GAE())]
    ['gamma', 'lam']
    """
    for field in fields(type(component)):
        value, path = getattr(component, field.name), f"{prefix}{field.name}"
        yield path, component, field, value
        if field.role == "subtree":
            for inner_path, inner in _components_in(value, path):
                yield from walk(inner, f"{inner_path}.")


def nodes(component: Component, path: str = "") -> Iterator[tuple[str, Component]]:
    """Every component of a tree with its dotted path, owners first; the path of the root is ``path``.

    >>> from discover_zoo.returns.gae import GAE
    >>> list(nodes(GAE(), "returns"))
    [('returns', GAE(gamma=0.99, lam=0.95))]
    """
    yield path, component
    for field in fields(type(component)):
        if field.role == "subtree":
            where = f"{path}.{field.name}" if path else field.name
            for inner_path, inner in _components_in(getattr(component, field.name), where):
                yield from nodes(inner, inner_path)


def check(candidate: Component) -> None:
    """Check that every value is set and lies in its domain. Call it where a candidate is built, not on tracers.

    Raises:
        UserError: a value is open or outside its domain; the message names the path, the value and the domain.

    >>> from discover_zoo.returns.gae import GAE
    >>> check(GAE(lam=2.0))
    Traceback (most recent call last):
    discover.base.errors.UserError: lam of GAE must lie in [0, 1]; got 2.
    """
    for path, owner, field, value in walk(candidate):
        for place, open_value in _open_in(value, path):
            raise UserError(f"{place} of {type(owner).__name__} is open ({open_value!r}): set it, or search over it.")
        if field.role == "leaf":
            problem = domain_of(owner, field).check(value)
            if problem:
                raise UserError(f"{path} of {type(owner).__name__} {problem}.")


def _components_in(value: FieldValue, path: str) -> Iterator[tuple[str, Component]]:
    """A value that is a component, or the components of a tuple, each with its path."""
    if isinstance(value, Component):
        yield path, value
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _components_in(item, f"{path}.{index}")


def _open_in(value: FieldValue, path: str) -> Iterator[tuple[str, Free | Choice]]:
    """The open values that a value is or holds in a tuple, each with its path."""
    if isinstance(value, Free | Choice):
        yield path, value
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _open_in(item, f"{path}.{index}")
