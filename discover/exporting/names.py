"""Names that a piece of source uses, and where each of them comes from."""

from __future__ import annotations

import ast
import builtins
import functools
import importlib
import inspect
import sys
from types import ModuleType
from typing import Any, NamedTuple

from discover.base.errors import UserError

ALLOWED = frozenset({"jax", "numpy", "optax", *sys.stdlib_module_names})
"""Packages that an exported file may import."""


class Import(NamedTuple):
    """A name that an import binds.

    Attributes:
        text: the import statement.
    """

    text: str


class Constant(NamedTuple):
    """A name that a statement at the top level of a module binds.

    Attributes:
        text: the statement, without annotation.
        module: the module, in which the statement's own names have their meaning.
    """

    text: str
    module: ModuleType


def free_names(tree: ast.AST) -> set[str]:
    """The names that a piece of source uses and does not bind itself.

    >>> sorted(free_names(ast.parse("def f(x):\\n    y = jnp.sum(x)\\n    return g(y) + LIMIT")))
    ['LIMIT', 'g', 'jnp']
    """
    used, bound = set(), set(vars(builtins))
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Load()):
                used.add(name)
            case ast.Name(id=name):
                bound.add(name)
            case ast.arg(arg=name):
                bound.add(name)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                bound.add(name)
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.ExceptHandler(name=str(name)):
                bound.add(name)
    return used - bound


def attributes(tree: ast.AST) -> set[str]:
    """The names of all attributes that a piece of source reads.

    >>> sorted(attributes(ast.parse("self.drift(x.shape)")))
    ['drift', 'shape']
    """
    return {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


def origin(name: str, module: ModuleType) -> Import | Constant | Any:
    """The origin of a name that code in a module uses: an import, a constant, or the function or class itself.

    Raises:
        UserError: the module does not have it at its top level, or imports it from a package that an exported file may not
            import.
    """
    for node in _top_level(module):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if (alias.asname or alias.name.split(".")[0]) == name:
                    return _imported(alias.name, f"import {ast.unparse(alias)}", module)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    return _imported_from(node.module or "", alias, module)
        elif isinstance(node, ast.Assign | ast.AnnAssign) and name in _targets(node):
            return Constant(f"{name} = {_segment(module, node.value)}", module)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name:
            return getattr(module, name)
    raise UserError(f"'{name}' is no name at the top level of {module.__name__}")


def _imported(package: str, text: str, module: ModuleType) -> Import:
    if package.split(".")[0] not in ALLOWED:
        raise UserError(f"{module.__name__} uses the package '{package}', which an exported file may not import")
    return Import(text)


def _imported_from(package: str, alias: ast.alias, module: ModuleType) -> Import | Constant | Any:
    if package.split(".")[0] in ALLOWED:
        return Import(f"from {package} import {ast.unparse(alias)}")
    source = importlib.import_module(package)
    value = getattr(source, alias.name)
    if alias.asname is not None or inspect.ismodule(value):
        raise UserError(f"{module.__name__} imports '{ast.unparse(alias)}' under another name or as a module")
    if inspect.isfunction(value) or inspect.isclass(value):
        if value.__module__.split(".")[0] in ALLOWED:
            return _imported_from(value.__module__, alias, module)
        return value
    return origin(alias.name, _home(source, alias.name))


def _home(package: ModuleType, name: str) -> ModuleType:
    """The module that defines a constant which a package shows under the same name."""
    if package.__name__ == "discover":
        return importlib.import_module(f"discover.{package._MODULE_OF[name]}")
    return package


@functools.cache
def _top_level(module: ModuleType) -> list[ast.stmt]:
    return ast.parse(inspect.getsource(module)).body


def _targets(node: ast.Assign | ast.AnnAssign) -> set[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return {inner.id for target in targets for inner in ast.walk(target) if isinstance(inner, ast.Name)}


def _segment(module: ModuleType, value: ast.expr | None) -> str:
    assert value is not None
    return ast.get_source_segment(inspect.getsource(module), value) or ast.unparse(value)
