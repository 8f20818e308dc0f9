"""All definitions that some components need, in an order in which Python can run them."""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import sys
import textwrap
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any

from discover.base.errors import UserError
from discover.components.component import Component, fields
from discover.exporting.names import Constant, Import, attributes, free_names, origin
from discover.exporting.source import as_docstring, described, source_of

ENTRIES = frozenset({"__call__", "act", "apply", "behavior", "evaluate", "heads", "init", "rollout", "update"})
"""The methods of components that an exported file calls by itself."""

_STAND_INS = {
    "discover.base.errors.UserError": "world",
    "discover.contract.trajectory.Trajectory": "world",
    "discover.contract.world.World": "world",
    "discover.learning.replay_buffer.ReplayBuffer": "replay",
    "discover.learning.replay_buffer.empty_replay_buffer": "replay",
}
"""The modules of the stand-ins, by what they stand in for."""

_TYPES = {"dataclass": "from dataclasses import dataclass", "Any": "from typing import Any"}
_PLAIN = frozenset({"int", "float", "bool", "str", "tuple", "list", "dict", "None", "jax", "Any"})


class Collection:
    """Definitions by name, collected from some roots, which titles group.

    A class has only those methods whose names any of the collected code reads as an attribute: the collection grows until no
    new attribute appears.

    Attributes:
        definitions: texts by name, each after those that it needs.
        sections: the names of definitions by the title under which they were collected.
        imports: import statements.
        attributes: names of the attributes that the code reads.
    """

    def __init__(self, roots: Mapping[str, Sequence[Callable[..., Any] | type]]):
        self.attributes = set(ENTRIES)
        while True:
            before = set(self.attributes)
            self.definitions: dict[str, str] = {}
            self.imports = {"from __future__ import annotations"}
            self._origins: dict[str, object] = {}
            self.sections = {title: self._section(items) for title, items in roots.items()}
            if self.attributes == before:
                break

    def _section(self, items: Sequence[Callable[..., Any] | type]) -> list[str]:
        """The names of what is collected for some items, and was not collected before."""
        before = set(self.definitions)
        for item in items:
            self.add(item)
        return [name for name in self.definitions if name not in before]

    def add(self, item: Callable[..., Any] | type) -> None:
        """Collect a function or class, after everything that it needs.

        Raises:
            UserError: it uses a package that an exported file may not import, or two things share one name.
        """
        item = _stand_in(item)
        name, module = item.__name__, sys.modules[item.__module__]
        if self._is_known(name, item):
            return
        if not inspect.isfunction(item) and not inspect.isclass(item):
            raise UserError(f"'{name}' of {module.__name__} is neither a plain function nor a class")
        if inspect.isfunction(item):
            text = source_of(item)
        elif issubclass(item, Component):
            text = "\n".join(self._component(item))
        else:
            text = "\n".join(self._class(item))
        if not (isinstance(item, type) and issubclass(item, Component)):
            self._need(text, module)
        self.definitions[name] = text

    def _is_known(self, name: str, item: object) -> bool:
        """Whether a name is collected already; otherwise it counts as collected from now on."""
        if name not in self._origins:
            self._origins[name] = item
            return False
        if self._origins[name] is not item:
            raise UserError(f"two parts of it are called '{name}'")
        return True

    def _need(self, text: str, module: ModuleType) -> None:
        """Collect everything that a text uses; its names have the meaning that they have in a module."""
        tree = ast.parse(textwrap.dedent(text))
        self.attributes |= attributes(tree)
        for name in sorted(free_names(_without_annotations(tree))):
            if name in _TYPES and not hasattr(module, name):
                self.imports.add(_TYPES[name])
                continue
            found = origin(name, module)
            if isinstance(found, Import):
                self.imports.add(found.text)
            elif isinstance(found, Constant):
                self._constant(name, found)
            else:
                self.add(found)

    def _constant(self, name: str, constant: Constant) -> None:
        if not self._is_known(name, constant.module):
            self._need(constant.text, constant.module)
            self.definitions[name] = constant.text

    def _component(self, cls: type[Component]) -> Iterator[str]:
        """The class of a component as one plain dataclass, with the methods of its bases."""
        self.imports |= {_TYPES["dataclass"]}
        yield "@dataclass(frozen=True)"
        yield f"class {cls.__name__}:"
        yield f"    {as_docstring(_documentation(cls), '    ')}"
        yield ""
        for field in fields(cls):
            if field.name in self.attributes:
                yield f"    {field.name}: {self._type(field.type, field.role)}"
        names = [name for base in reversed(cls.__mro__[: _depth(cls)]) for name in vars(base)]
        for name in dict.fromkeys(names):
            if name in self.attributes and name not in {field.name for field in fields(cls)}:
                owner = next(base for base in cls.__mro__ if name in vars(base))
                yield from self._member(owner, name, cls)

    def _member(self, owner: type, name: str, cls: type[Component]) -> Iterator[str]:
        """A method or constant of a class, collected with everything that it needs."""
        member, module = vars(owner)[name], sys.modules[owner.__module__]
        function = getattr(member, "fget", None) or getattr(member, "__func__", member)
        text = source_of(function) if inspect.isfunction(function) else f"{name} = {member!r}"
        calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Attribute) and _is_super(node.value)]
        for inherited in dict.fromkeys(node.attr for node in calls):
            above = cls.__mro__[cls.__mro__.index(owner) + 1 :]
            base = next(base for base in above if inherited in vars(base))
            own = f"_{inherited}_of_{base.__name__}"
            text = text.replace(f"super().{inherited}(", f"self.{own}(")
            lines = "\n".join(self._member(base, inherited, cls))
            yield lines.replace(f"def {inherited}(", f"def {own}(", 1)
        self._need(text, module)
        yield ""
        yield textwrap.indent(text, "    ")

    def _class(self, cls: type) -> Iterator[str]:
        """A plain class or named tuple, with the methods that the collected code uses."""
        (node,) = ast.parse(textwrap.dedent(source_of(cls))).body
        assert isinstance(node, ast.ClassDef)
        text = source_of(cls)
        yield f"class {cls.__name__}({', '.join(map(ast.unparse, node.bases))}):" if node.bases else f"class {cls.__name__}:"
        lines = text.splitlines()
        for item in node.body:
            marks = getattr(item, "decorator_list", [])
            piece = "\n".join(lines[min(mark.lineno for mark in (item, *marks)) - 1 : item.end_lineno])
            if isinstance(item, ast.FunctionDef):
                if item.name in self.attributes or item.name.startswith("__"):
                    yield f"\n{piece}"
            elif isinstance(item, ast.AnnAssign):
                value = "" if item.value is None else f" = {ast.get_source_segment(text, item.value)}"
                yield f"    {ast.unparse(item.target)}: {self._annotation(item.annotation)}{value}"
            else:
                yield piece + ("\n" if isinstance(item, ast.Expr) and len(node.body) > 1 else "")

    def _type(self, hint: object, role: str) -> str:
        """The type of a component's field as a reader wants it."""
        if typing.get_origin(hint) is typing.Annotated or role == "leaf":
            hint = next(iter(typing.get_args(hint)), Any)
        if hint in (int, bool, str, float):
            return hint.__name__  # type: ignore[attr-defined]
        self.imports |= {_TYPES["Any"]}
        return {tuple: "tuple", typing.Literal: "str"}.get(typing.get_origin(hint), "Any")

    def _annotation(self, node: ast.expr) -> str:
        names = {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
        return ast.unparse(node) if names <= _PLAIN | set(self._origins) else "Any"


def _depth(cls: type[Component]) -> int:
    """How many classes of the method resolution order belong to a component, the class of its kind included."""
    return cls.__mro__.index(Component)


def _documentation(cls: type[Component]) -> str:
    """The docstring of a component, followed by those of the bases between it and its kind, which hold shared equations."""
    bases = [base for base in cls.__mro__[1 : _depth(cls)] if "kind" not in vars(base) and vars(base).get("__doc__")]
    texts = [described(inspect.cleandoc(vars(cls).get("__doc__") or f"{cls.__name__}."))]
    texts += [f"{base.__name__}: {described(inspect.cleandoc(vars(base)['__doc__']))}" for base in bases]
    blocks = [block for text in texts for block in text.split("\n\n")]
    return "\n\n".join(block for block in blocks if not block.startswith("The other fields are those of"))


def _is_super(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "super"


def _without_annotations(tree: ast.Module) -> ast.Module:
    """The tree whose annotations of fields are gone: they are texts that nothing evaluates."""
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(None)
    return tree


@functools.cache
def _replaced(path: str) -> Any:
    module, name = _STAND_INS[path], path.rpartition(".")[2]
    return getattr(importlib.import_module(f"discover.exporting.stand_ins.{module}"), name)


def _stand_in(item: Any) -> Any:
    """The stand-in for an item of the framework; any other item as it is."""
    path = f"{item.__module__}.{item.__qualname__}"
    return _replaced(path) if path in _STAND_INS else item
