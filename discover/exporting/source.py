"""The source of a function or class as a reader wants it: without annotations of parameters, and without doctests."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from typing import NamedTuple

WIDTH = 128
"""The longest line of an exported file."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Edit(NamedTuple):
    """New text in the place of the bytes ``start .. end - 1``."""

    start: int
    end: int
    text: str


def source_of(item: Callable[..., object] | type) -> str:
    """The cleaned source of a function or class.

    >>> from discover.learning.target_params import polyak_update
    >>> print(source_of(polyak_update))
    def polyak_update(target, params, share):
        \"\"\"Polyak averaging: ``(1 - share) * target + share * params``, for each leaf; exact at the shares 0 and 1.\"\"\"
        return jax.tree.map(lambda t, p: (1.0 - share) * t + share * p, target, params)
    """
    return cleaned(textwrap.dedent(inspect.getsource(item)))


def cleaned(text: str) -> str:
    """A text of Python without annotations of parameters, results and local variables, and without doctests.

    >>> print(cleaned("def f(x: int) -> int:\\n    y: int = x  # the same\\n    return y"))
    def f(x):
        y = x  # the same
        return y
    """
    data = text.encode()
    starts = _line_starts(data)
    edits = sorted(_edits(ast.parse(text), starts), reverse=True)
    for edit in edits:
        data = data[: edit.start] + edit.text.encode() + data[edit.end :]
    return data.decode().rstrip()


def described(docstring: str) -> str:
    """A docstring without doctests and without the sentences that lead to them.

    >>> described("A sum.\\n\\n>>> 1 + 1\\n2\\n\\nArgs:\\n    x: it.")
    'A sum.\\n\\nArgs:\\n    x: it.'
    """
    blocks = docstring.split("\n\n")
    kept: list[str] = []
    for block in blocks:
        lines = block.splitlines()
        if any(line.lstrip().startswith(">>>") for line in lines):
            if kept and kept[-1].rstrip().endswith(":") and not kept[-1].rstrip().endswith("::"):
                kept.pop()
            continue
        kept.append(block)
    return "\n\n".join(kept).strip()


def as_docstring(text: str, indent: str) -> str:
    """A docstring as source, from its opening quotes on."""
    mark = 'r"""' if "\\" in text else '"""'
    if "\n" not in text:
        return f'{mark}{text}"""'
    body = "\n".join(f"{indent}{line}" if line.strip() else "" for line in text.splitlines())
    return f'{mark}{body.lstrip()}\n{indent}"""'


def _edits(tree: ast.AST, starts: list[int]) -> Iterator[Edit]:
    inside_function: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, Function):
            inside_function |= {inner for statement in node.body for inner in ast.walk(statement)}
            yield _header(node, starts)
        if isinstance(node, Function | ast.ClassDef):
            yield from _docstring(node, starts)
        if isinstance(node, ast.AnnAssign) and node.value is not None and node in inside_function:
            yield Edit(_end(node.target, starts), _start(node.value, starts), " = ")


def _header(node: Function, starts: list[int]) -> Edit:
    """The line ``def name(parameters):`` in the place of what stands before the body."""
    for argument in ast.walk(node.args):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    indent = " " * node.col_offset
    line = f"def {node.name}({ast.unparse(node.args)}):"
    if len(indent + line) > WIDTH:
        line = f"def {node.name}(\n{indent}    {ast.unparse(node.args)}\n{indent}):"
    first = node.body[0].lineno - 1
    return Edit(_start(node, starts), starts[first] - 1, line)


def _docstring(node: Function | ast.ClassDef, starts: list[int]) -> Iterator[Edit]:
    text = ast.get_docstring(node)
    if text is not None:
        place = node.body[0]
        yield Edit(_start(place, starts), _end(place, starts), as_docstring(described(text), " " * place.col_offset))


def _line_starts(data: bytes) -> list[int]:
    starts = [0]
    for line in data.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    return starts


def _start(node: ast.stmt | ast.expr, starts: list[int]) -> int:
    return starts[node.lineno - 1] + node.col_offset


def _end(node: ast.stmt | ast.expr, starts: list[int]) -> int:
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    return starts[node.end_lineno - 1] + node.end_col_offset
