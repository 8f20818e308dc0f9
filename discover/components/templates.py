"""Templates: candidates with open values, filled in and matched."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from discover.base.errors import UserError, cut
from discover.components.component import Choice, Component, Free, fields


def filled(node: Any, path: str, taken: Mapping[str, int], values: Mapping[str, Any]) -> Any:
    if isinstance(node, Choice):
        index = taken[path]
        return filled(node.options[index], f"{path}.{index}", taken, values)
    if isinstance(node, tuple):
        return tuple(filled(item, f"{path}.{i}", taken, values) for i, item in enumerate(node))
    if not isinstance(node, Component):
        return node
    changes = {}
    for field in fields(type(node)):
        value, inner = getattr(node, field.name), f"{path}.{field.name}" if path else field.name
        if isinstance(value, Free):
            changes[field.name] = values[inner]()
        elif field.role == "subtree" or isinstance(value, Choice):
            changes[field.name] = filled(value, inner, taken, values)
    return dataclasses.replace(node, **changes)  # type: ignore[type-var]


def find(template: Any, candidate: Any, path: list[str]) -> Any:
    """The value of a gene in a candidate: an option's index for a choice; None where the option is not taken."""
    for name in path:
        if isinstance(template, Choice):
            if _option_of(template, candidate) != int(name):
                return None
            template = template.options[int(name)]
        elif isinstance(template, tuple):
            template, candidate = template[int(name)], candidate[int(name)]
        else:
            template, candidate = getattr(template, name), getattr(candidate, name)
    return _option_of(template, candidate) if isinstance(template, Choice) else candidate


def _option_of(choice: Choice, candidate: Any) -> int:
    for index, option in enumerate(choice.options):
        if _fits(option, candidate):
            return index
    raise UserError(f"{candidate!r} is none of the options {choice!r}.")


def _fits(template: Any, candidate: Any) -> bool:
    """Whether a candidate is one of those that a template stands for."""
    if isinstance(template, Free):
        return True
    if isinstance(template, Choice):
        return any(_fits(option, candidate) for option in template.options)
    if isinstance(template, tuple):
        return isinstance(candidate, tuple) and len(template) == len(candidate) and all(map(_fits, template, candidate))
    if isinstance(template, Component):
        names = (field.name for field in fields(type(template)))
        return type(template) is type(candidate) and all(_fits(getattr(template, n), getattr(candidate, n)) for n in names)
    return _alike(template, candidate)


def _alike(value: Any, other: Any) -> bool:
    """Whether two settings that are fully set have the same value."""
    if jax.tree.structure(value) != jax.tree.structure(other):
        return False
    return all(np.array_equal(np.asarray(a), np.asarray(b)) for a, b in zip(*map(jax.tree.leaves, (value, other)), strict=True))


def option_name(template: Any, path: str, option: int) -> str:
    """An option of the choice at a path: the class of a component, if no other option has it, else as it prints."""
    for name in path.split("."):
        if isinstance(template, Choice):
            template = template.options[int(name)]
        else:
            template = template[int(name)] if isinstance(template, tuple) else getattr(template, name)
    names = [type(each).__name__ for each in template.options]
    alone = isinstance(template.options[option], Component) and names.count(names[option]) == 1
    return names[option] if alone else cut(repr(template.options[option]), 60)


def count_structures(node: Any) -> int:
    if isinstance(node, Choice):
        return sum(count_structures(option) for option in node.options)
    total = 1
    if isinstance(node, tuple):
        for item in node:
            total *= count_structures(item)
    elif isinstance(node, Component):
        for field in fields(type(node)):
            total *= count_structures(getattr(node, field.name))
    return total
