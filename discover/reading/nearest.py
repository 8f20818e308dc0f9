"""The known recipe that is nearest to a candidate, and the differences between the two.

The distance is a sum over both trees, without the parts that do nothing. A number counts as the share of its range that lies
between the two values, on the scale of its domain. A setting that differs counts a half; a component that differs counts one,
an update rule three, and what both components call by the same name is compared nevertheless.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import jax
import numpy as np

from discover.base.errors import UserError
from discover.components.component import Component, Field, domain_of, fields
from discover.components.effective import effective
from discover.components.number_domains import IntegerDomain, RealDomain
from discover.components.open_values import Choice, FieldValue, Free
from discover.config.build import algorithm_from
from discover.contract.algorithm import Algorithm
from discover.contract.found_recipe import RECORD
from discover.contract.registry import Registry
from discover.contract.update_rule import UpdateRule
from discover.reading.parts import last_name, name_in, value_text

_SETTING, _COMPONENT, _RULE, _LONE = 0.5, 1.0, 3.0, 0.25
"""The distance of a setting, a component and an update rule that differ, and of a field that only one component has."""

_SAME = 1e-6
"""Difference of two numbers, as a share of the range, up to which they are the same one."""


class Change(NamedTuple):
    """A difference between a recipe and a candidate.

    Attributes:
        path: dotted path.
        before: in the recipe; empty where the recipe has no such part.
        after: in the candidate; empty where it has no such part.
        weight: its share in the distance.
        is_new: whether it is a field that only the candidate's component has.
        is_lost: whether it is a field that only the recipe's component has.
    """

    path: str
    before: str
    after: str
    weight: float
    is_new: bool = False
    is_lost: bool = False

    def __str__(self) -> str:
        name = last_name(self.path)
        return f"{name}: {self.before or 'none'} -> {self.after or 'none'}" if not self.is_new else f"{name}: {self.after}"


class NearestRecipe(NamedTuple):
    """The recipe at the least distance from a candidate.

    Attributes:
        name, summary, paper: of the recipe.
        distance: the sum of the weights of all changes.
        changes: what the candidate changes, in the order of its fields; without what only the recipe's components have.
    """

    name: str
    summary: str
    paper: str
    distance: float
    changes: tuple[Change, ...]

    def sentence(self, most: int = 4) -> str:
        """The candidate in terms of the recipe, such as ``is ppo with clip: 0.2 -> 0.31``; the weightiest changes first."""
        if not self.changes:
            return f"is the recipe {self.name}"
        first = sorted(self.changes, key=lambda change: -change.weight)[:most]
        more = len(self.changes) - len(first)
        return f"is {self.name} with " + ", ".join(map(str, first)) + (f", and {more} more" if more else "")


def nearest_recipe(candidate: Algorithm, registry: Registry) -> NearestRecipe | None:
    """The nearest of all recipes that the loaded plugins bring; None without any.

    Args:
        candidate: without the parts that do nothing.
        registry: has the recipes; one that cannot be built, because a plugin is missing, is left out.
    """
    found = []
    for name, recipe in recipes_of(registry):
        changes = tuple(_changes(registry, recipe, candidate, ""))
        found.append((sum(change.weight for change in changes), len(changes), name, changes))
    if not found:
        return None
    distance, _, name, changes = min(found, key=lambda one: one[:3])
    entry, shown = registry.get("recipe", name), tuple(change for change in changes if not change.is_lost)
    return NearestRecipe(name, entry.summary, entry.paper, distance=distance, changes=shown)


def recipes_of(registry: Registry) -> Iterator[tuple[str, Algorithm]]:
    """Every known recipe that can be built, without the parts that do nothing; one with open values as it is.

    Those that searches found are no known algorithms: each would be nearest to itself.
    """
    for entry in registry.entries("recipe"):
        if RECORD in entry.facts:
            continue
        try:
            recipe = algorithm_from(registry, entry.name)
        except UserError:
            continue
        try:
            yield entry.name, effective(recipe)
        except Exception:  # a part that is left open decides what has an effect
            yield entry.name, recipe


def _changes(registry: Registry, before: Component, after: Component, prefix: str) -> Iterator[Change]:
    """The differences between the fields of two components."""
    known = {field.name: field for field in fields(type(before))}
    for field in fields(type(after)):
        path, value = f"{prefix}{field.name}", getattr(after, field.name)
        if field.name not in known:
            yield from _lone(registry, path, value)
        elif known.pop(field.name).role == field.role:
            yield from _field_changes(registry, field, (before, after), path)
    for name in known:
        if not _is_empty(getattr(before, name)):
            yield Change(f"{prefix}{name}", _text(registry, getattr(before, name)), "", weight=_LONE, is_lost=True)


def _lone(registry: Registry, path: str, value: FieldValue) -> Iterator[Change]:
    """A field that only the candidate has, with the fields below it."""
    if _is_empty(value):
        return
    yield Change(path, "", _text(registry, value), weight=_LONE, is_new=True)
    if isinstance(value, Component):
        for field in fields(type(value)):
            yield from _lone(registry, f"{path}.{field.name}", getattr(value, field.name))


def _field_changes(registry: Registry, field: Field, owners: tuple[Component, Component], path: str) -> Iterator[Change]:
    before, after = (getattr(owner, field.name) for owner in owners)
    if isinstance(before, Free | Choice):
        return  # a recipe that leaves it open fits any value
    if field.role == "subtree":
        yield from _subtree_changes(registry, before, after, path)
        return
    weight = _number_distance(owners[1], field, before, after) if field.role == "leaf" else _SETTING * (before != after)
    one, other = _text(registry, before), _text(registry, after)
    if weight > _SAME or one != other:  # numbers beyond the candidate's range are at the same end of it
        yield Change(path, one, other, weight)


def _subtree_changes(registry: Registry, before: FieldValue, after: FieldValue, path: str) -> Iterator[Change]:
    if isinstance(before, tuple) or isinstance(after, tuple):
        yield from _list_changes(registry, before, after, path)
    elif isinstance(before, Component) and isinstance(after, Component):
        if type(before) is not type(after):
            weight = _RULE if isinstance(after, UpdateRule) else _COMPONENT
            yield Change(path, name_in(registry, before), name_in(registry, after), weight)
        yield from _changes(registry, before, after, f"{path}.")
    elif before is not after and not isinstance(before, Choice):
        yield Change(path, _text(registry, before), _text(registry, after), _COMPONENT)


def _list_changes(registry: Registry, before: Iterable[FieldValue], after: Iterable[FieldValue], path: str) -> Iterator[Change]:
    """The differences between two lists of components, item by item."""
    first, second = list(before or ()), list(after or ())
    for index in range(max(len(first), len(second))):
        one, other = (items[index] if index < len(items) else None for items in (first, second))
        yield from _subtree_changes(registry, one, other, f"{path}.{index}")


def _number_distance(owner: Component, field: Field, before: FieldValue, after: FieldValue) -> float:
    """The share of the range between two numbers; of values without a range, 1 if they differ."""
    domain = domain_of(owner, field)
    if isinstance(domain, RealDomain | IntegerDomain):
        return abs(domain.position(float(before)) - domain.position(float(after)))
    leaves = jax.tree.leaves(before), jax.tree.leaves(after)
    same = len(leaves[0]) == len(leaves[1]) and all(map(np.array_equal, *leaves))
    return 0.0 if same else 1.0


def _is_empty(value: FieldValue) -> bool:
    """Whether a value stands for a part that is not there."""
    return value is None or (isinstance(value, tuple) and not value)


def _text(registry: Registry, value: FieldValue) -> str:
    if isinstance(value, Component):
        return name_in(registry, value)
    if isinstance(value, Free | Choice):
        return "open"
    if isinstance(value, tuple) and any(isinstance(item, Component) for item in value):
        return ", ".join(_text(registry, item) for item in value)
    return "" if value is None else value_text(value)
