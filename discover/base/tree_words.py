"""The structure of a tree of arrays in words, from which it can be built again; only where the words say all of it.

A node is ``[class, what the class keeps beside its children, children]``, and a leaf is 0. Words are plain JSON. They name
classes and never make one: a class is looked up among the modules that are loaded.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import reduce
from typing import Any, TypeAlias

import jax
from jax.tree_util import PyTreeDef, default_registry

Words: TypeAlias = Any
"""Numbers, texts, true, false and null, in lists."""

Structure: TypeAlias = Any
"""The structure of a tree, as ``jax.tree.structure`` gives it."""

_LEAF = 0
_AS_THEY_ARE = (type(None), bool, int, str)


def words_of(structure: Structure) -> Words:
    """The words of a structure.

    Raises:
        LookupError, TypeError: it holds what cannot be written down exactly, such as a function or a class made in one.

    >>> words_of(jax.tree.structure({"weights": (1.0, None)}))
    ['builtins:dict', ['list', 'weights'], [['builtins:tuple', None, [0, ['builtins:NoneType', None, []]]]]]
    """
    node = structure.node_data()
    if node is None:
        return _LEAF
    kind, kept = node
    return [name_of(kind), _value_words(kept), [words_of(child) for child in structure.children()]]


def structure_in(words: Words) -> Structure:
    """The structure that words say.

    Raises:
        LookupError, TypeError, ValueError, AttributeError: they are no such words, or name a class that is not loaded.

    >>> structure = jax.tree.structure({"weights": (1.0, None)})
    >>> structure_in(words_of(structure)) == structure
    True
    """
    if words == _LEAF:
        return jax.tree.structure(_LEAF)
    name, kept, children = words
    made = [structure_in(child) for child in children]
    return PyTreeDef.from_node_data_and_children(default_registry, (_class_of(name), _value_in(kept)), made)


def classes_in(structure: Structure) -> set[type]:
    """The classes of all nodes of a structure."""
    node = structure.node_data()
    if node is None:
        return set()
    return {node[0]}.union(*(classes_in(child) for child in structure.children()))


def name_of(kind: type) -> str:
    """The module and name of a class.

    Raises:
        LookupError: it is not found by them.
    """
    name = f"{kind.__module__}:{kind.__qualname__}"
    if kind is not type(None) and _class_of(name) is not kind:
        raise LookupError(f"'{name}' is another class by now")
    return name


def _class_of(name: str) -> type:
    module, _, path = name.partition(":")
    if name == "builtins:NoneType":
        return type(None)
    found = reduce(lambda owner, part: vars(owner)[part], path.split("."), sys.modules[module])
    if not isinstance(found, type):
        raise LookupError(f"'{name}' is no class")
    return found


def _value_words(value: object) -> Words:
    if type(value) in _AS_THEY_ARE:
        return value
    if type(value) is float:
        return ["float", value.hex()]
    if isinstance(value, Sequence) and type(value) in (tuple, list):
        return [type(value).__name__, *map(_value_words, value)]
    raise LookupError(f"a {type(value).__name__} cannot be written down exactly")


def _value_in(words: Words) -> Any:
    if not isinstance(words, list):
        return words
    if words[0] == "float":
        return float.fromhex(words[1])
    return {"tuple": tuple, "list": list}[words[0]](map(_value_in, words[1:]))
