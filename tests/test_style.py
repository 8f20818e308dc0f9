"""Rules of style that no linter knows: typed parameters, few positional arguments, docstrings that begin with the subject."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import discover

ROOT = Path(discover.__file__).parents[1]
SOURCES = [path for folder in ("discover", "plugins") for path in sorted((ROOT / folder).rglob("*.py"))]
SCRIPTS = sorted((ROOT / "experiments").rglob("*.py"))

VARIADIC = (
    "named_keys",
    "eval_shape",
    "cond",
    "print",
    "join",
    "filter",
    "map",
    "zip",
    "where",
    "chain",
    "seed_keys",
    "seeds_of",
    "stream",
)
"""Functions that take any number of arguments of one kind, or whose arguments are those of another function."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def trees(paths: list[Path]) -> Iterator[tuple[Path, ast.Module]]:
    """Each file and its syntax tree."""
    for path in paths:
        yield path, ast.parse(path.read_text(encoding="utf-8"))


def crowded_calls(tree: ast.AST) -> Iterator[ast.Call]:
    """Calls with more than four positional arguments."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and len([a for a in node.args if not isinstance(a, ast.Starred)]) > 4:
            name = ast.unparse(node.func).split(".")[-1]
            if name not in VARIADIC:
                yield node


def parameters(tree: ast.AST) -> Iterator[ast.arg]:
    """All parameters of functions that are typed or should be."""
    for node in ast.walk(tree):
        if isinstance(node, Function):
            arguments = node.args
            yield from (
                a for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs) if a.arg not in ("self", "cls")
            )


@pytest.mark.parametrize(("code", "crowded"), [("f(1, 2, 3, 4, 5)", 1), ("f(1, 2, 3, 4, e=5)", 0), ("print(1, 2, 3, 4, 5)", 0)])
def test_crowded_calls_are_noticed(code: str, crowded: int) -> None:
    assert len(list(crowded_calls(ast.parse(code)))) == crowded


def test_no_call_has_more_than_four_positional_arguments() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{call.lineno}: {ast.unparse(call.func)}"
        for path, tree in trees(SOURCES + SCRIPTS)
        for call in crowded_calls(tree)
    ]
    assert found == []


def test_hardly_any_parameter_is_of_any_type() -> None:
    every = [parameter for _, tree in trees(SOURCES) for parameter in parameters(tree)]
    loose = [p for p in every if p.annotation is not None and ast.unparse(p.annotation) == "Any"]
    assert len(every) > 2000
    assert len(loose) / len(every) < 0.04


def test_docstrings_begin_with_a_noun_or_a_verb() -> None:
    found = []
    for path, tree in trees(SOURCES):
        for node in ast.walk(tree):
            if isinstance(node, Function | ast.ClassDef | ast.Module) and (ast.get_docstring(node) or "").startswith("What "):
                found.append(f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}")
    assert found == []
