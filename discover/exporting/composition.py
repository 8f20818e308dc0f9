"""The numbers of a candidate as named constants, and the expressions that put its components together."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Collection, Mapping
from typing import Any

import jax
import numpy as np

from discover.components.component import Component, Field, field_of, fields
from discover.components.paths import walk
from discover.components.weights_domain import WeightsDomain
from discover.contract.algorithm import Algorithm

_ENTRY = re.compile(r"^    (?P<names>\w+(, \w+)*): (?P<text>.+)$")


class Composition:
    """The constants, arrays and expressions of a candidate.

    Attributes:
        constants: Python literals by name, as the file shows them at its top.
        notes: a comment for each constant.
        arrays: arrays by path, which the file loads.

    Args:
        algorithm: the candidate.
        used: the names of fields that the collected code reads.
        taken: names that stand for something else in the file.
    """

    def __init__(self, algorithm: Algorithm, used: set[str], taken: Collection[str]):
        self.constants: dict[str, str] = {}
        self.notes: dict[str, str] = {}
        self.arrays: dict[str, np.ndarray] = {}
        self._used, self._taken = used, taken
        parts = [(owner, field) for root in (algorithm.network, algorithm.rule) for _, owner, field, _ in walk(root)]
        names = [field.name for owner, field in parts if _is_constant(getattr(owner, field.name), field)]
        self._shared = {name for name in names if names.count(name) > 1}

    def expression(self, component: Component, path: str, indent: str = "") -> str:
        """The expression that builds a component from the constants."""
        cls, inner = type(component), indent + "    "
        lines = []
        for field in fields(cls):
            if field.name in self._used:
                value = self._value(component, field, f"{path}.{field.name}", inner)
                lines.append(f"{inner}{field.name}={value},\n")
        return f"{cls.__name__}(\n{''.join(lines)}{indent})" if lines else f"{cls.__name__}()"

    def _value(self, owner: Component, field: Field, path: str, indent: str) -> str:
        value = getattr(owner, field.name)
        if field.role == "subtree":
            return self._subtree(value, path, indent)
        if isinstance(field.domain, WeightsDomain):
            return self._weights(value, path)
        name = f"{_snake(type(owner).__name__)}_{field.name}" if field.name in self._shared else field.name
        constant = _unique(name.upper(), {*self.constants, *self._taken})
        self.constants[constant], self.notes[constant] = _literal(value), _note(type(owner), field.name)
        if field.role == "leaf":
            return f"np.{np.asarray(value).dtype}({constant})"
        return constant

    def _subtree(self, value: Any, path: str, indent: str) -> str:
        if isinstance(value, tuple):
            items = [self.expression(item, f"{path}.{place}", indent) for place, item in enumerate(value)]
            return f"({', '.join(items)},)" if items else "()"
        return "None" if value is None else self.expression(value, path, indent)

    def _weights(self, value: Any, path: str) -> str:
        """An expression with the structure of the weights, whose arrays come from the file of arrays."""
        if isinstance(value, Mapping):
            return "{" + ", ".join(f"{key!r}: {self._weights(inner, f'{path}.{key}')}" for key, inner in value.items()) + "}"
        if isinstance(value, list | tuple):
            items = "".join(f"{self._weights(inner, f'{path}.{place}')}, " for place, inner in enumerate(value))
            return f"({items})" if isinstance(value, tuple) else f"[{items}]"
        self.arrays[path] = np.asarray(value)
        return f"ARRAYS[{path!r}]"


def _is_constant(value: Any, field: Field) -> bool:
    return field.role != "subtree" and not isinstance(field.domain, WeightsDomain)


def _literal(value: Any) -> str:
    """A number as the shortest text that stands for it; another value as Python writes it."""
    if isinstance(value, np.ndarray | np.generic | jax.Array):
        number = np.asarray(value)
        return repr(int(number)) if number.dtype.kind in "iu" else repr(float(str(number)))
    if isinstance(value, tuple):
        return f"({', '.join(map(_literal, value))}{',' if len(value) == 1 else ''})"
    return json.dumps(value) if isinstance(value, str) else repr(value)


def _note(cls: type[Component], name: str) -> str:
    """The first line that the docstring of a class, or of one of its bases, has about a field."""
    for base in cls.__mro__[: cls.__mro__.index(Component)]:
        for line in (inspect.cleandoc(vars(base).get("__doc__") or "")).splitlines():
            match = _ENTRY.match(line)
            if match and name in match["names"].split(", ") and not match["text"].startswith("as in "):
                return re.split(r"[;.] |[:;.,]$", match["text"])[0]
    return field_of(cls, name).name.replace("_", " ")


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _unique(name: str, taken: Collection[str]) -> str:
    """The name, with a number behind it if it is taken."""
    unique, count = name, 2
    while unique in taken:
        unique, count = f"{name}_{count}", count + 1
    return unique
