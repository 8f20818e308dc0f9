"""Templates: candidates with open values. Here they are filled in, and compared with candidates."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable, Mapping, Sequence

import jax
import numpy as np

from discover.base.errors import UserError, cut
from discover.components.component import Component, fields
from discover.components.open_values import Choice, FieldValue, Free


def fill(node: FieldValue, path: str, options: Mapping[str, int], values: Mapping[str, Callable[[], FieldValue]]) -> FieldValue:
    """A template with every open value set.

    Args:
        node: the template, or a part of it.
        path: the path of that part; empty for the whole.
        options: the index of the option of each choice, by path.
        values: functions that return the free values, by path.

    >>> from discover_zoo.returns.gae import GAE
    >>> fill(Choice((GAE(), GAE(gamma=Free()))), "returns", {"returns": 1}, {"returns.1.gamma": lambda: 0.5})
    GAE(gamma=0.5, lam=0.95)
    """
    if isinstance(node, Choice):
        index = options[path]
        return fill(node.options[index], f"{path}.{index}", options, values)
    if isinstance(node, tuple):
        return tuple(fill(item, f"{path}.{i}", options, values) for i, item in enumerate(node))
    if not isinstance(node, Component):
        return node
    changes = {}
    for field in fields(type(node)):
        value, inner = getattr(node, field.name), f"{path}.{field.name}" if path else field.name
        if isinstance(value, Free):
            changes[field.name] = values[inner]()
        elif field.role == "subtree" or isinstance(value, Choice):
            changes[field.name] = fill(value, inner, options, values)
    return dataclasses.replace(node, **changes)  # type: ignore[type-var]


def find(template: FieldValue, candidate: FieldValue, path: Sequence[str]) -> FieldValue | None:
    """The value in a candidate at the path of an open value of its template.

    Returns:
        the value; the index of the option for a choice; None below an option that the candidate does not have.

    >>> from discover_zoo.returns.gae import GAE
    >>> template = GAE(gamma=Choice((0.9, 0.5)))
    >>> find(template, GAE(gamma=0.5), ["gamma"])
    1
    """
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


def _option_of(choice: Choice, candidate: FieldValue) -> int:
    """The index of the option that a candidate belongs to."""
    for index, option in enumerate(choice.options):
        if _fits(option, candidate):
            return index
    raise UserError(f"{candidate!r} is none of the options {choice!r}.")


def _fits(template: FieldValue, candidate: FieldValue) -> bool:
    """Whether a candidate can result from a template."""
    if isinstance(template, Free):
        return True
    if isinstance(template, Choice):
        return any(_fits(option, candidate) for option in template.options)
    if isinstance(template, tuple):
        return isinstance(candidate, tuple) and len(template) == len(candidate) and all(map(_fits, template, candidate))
    if isinstance(template, Component):
        names = (field.name for field in fields(type(template)))
        return type(template) is type(candidate) and all(_fits(getattr(template, n), getattr(candidate, n)) for n in names)
    return are_equal(template, candidate)


def are_equal(value: FieldValue, other: FieldValue) -> bool:
    """Whether two values without open parts are equal; numbers to the precision of float32, which a decoded candidate has.

    >>> are_equal(0.9, np.float32(0.9)), are_equal(0.9, 0.91)
    (True, False)
    """
    if jax.tree.structure(value) != jax.tree.structure(other):
        return False
    pairs = zip(*map(jax.tree.leaves, (value, other)), strict=True)
    return all(np.array_equal(_rounded(a), _rounded(b)) for a, b in pairs)


def _rounded(value: FieldValue) -> np.ndarray:
    """A value as an array, of float32 if it holds real numbers."""
    array = np.asarray(value)
    return array.astype(np.float32) if array.dtype.kind == "f" else array


def option_name(template: FieldValue, path: str, option: int) -> str:
    """The name of an option of the choice at a path: its class if no other option has the same one, else as it prints.

    >>> from discover_zoo.returns.gae import GAE
    >>> option_name(GAE(gamma=Choice((0.9, 0.99))), "gamma", 1)
    '0.99'
    """
    for name in path.split("."):
        if isinstance(template, Choice):
            template = template.options[int(name)]
        else:
            template = template[int(name)] if isinstance(template, tuple) else getattr(template, name)
    names = [type(each).__name__ for each in template.options]
    alone = isinstance(template.options[option], Component) and names.count(names[option]) == 1
    return names[option] if alone else cut(repr(template.options[option]), 60)


def count_structures(node: FieldValue) -> int:
    """The number of structures of a template: of combinations of options, where those below other options do not combine.

    >>> count_structures((Choice((1, 2, Choice((3, 4)))), Choice((5, 6))))
    8
    """
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


def value_of(node: FieldValue) -> Hashable:
    """A description of all that a template or a candidate holds: equal for two of them with the same values.

    >>> from discover_zoo.returns.gae import GAE
    >>> value_of(GAE(gamma=Free())) == value_of(GAE(gamma=Free())), value_of(GAE(gamma=0.5)) == value_of(GAE())
    (True, False)
    """
    leaves, structure = jax.tree.flatten(node)
    return structure, tuple(map(_value_of_leaf, leaves))


def _value_of_leaf(leaf: FieldValue) -> Hashable:
    if isinstance(leaf, Choice):
        return Choice, tuple(map(value_of, leaf.options))
    if isinstance(leaf, Free):
        return Free, tuple((name, value_of(value)) for name, value in leaf.changes)
    if isinstance(leaf, np.ndarray | jax.Array):
        array = np.asarray(leaf)
        return array.dtype, array.shape, array.tobytes()
    return type(leaf), leaf
