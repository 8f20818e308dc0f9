"""Static fields of components: checked by their annotation at construction."""

from __future__ import annotations

import math
import types
import typing
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias

from discover.base.errors import UserError


class AtLeast(NamedTuple):
    """The smallest value of a static field: ``lag: Annotated[int, AtLeast(0)] = 1``."""

    least: int


Count: TypeAlias = Annotated[int, AtLeast(1)]
"""A static field that counts something: a whole number of at least 1."""


def checked_static(value: Any, hint: Any, where: str) -> Any:
    """The value of a static field as its annotation wants it.

    Raises:
        UserError: it is of another type; ``where`` says in the message which field that is.
    """
    settled = _settled(value, hint)
    if not _matches(settled, hint):
        raise UserError(f"{where} must be {_describe(hint)}; got {value!r}.")
    return settled


def _settled(value: Any, hint: Any) -> Any:
    """The value with whole numbers made real where the annotation asks for real ones."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        return _settled(value, arguments[0])
    if hint is float and isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53:
        return float(value)
    if origin in (typing.Union, types.UnionType):
        tried = (value, *(_settled(value, argument) for argument in arguments))
        return next((made for made in tried if _matches(made, hint)), value)
    if origin is tuple and isinstance(value, tuple):
        return tuple(map(_settled, value, _each(arguments, len(value))))
    return value


def _each(arguments: tuple[Any, ...], count: int) -> tuple[Any, ...]:
    """The annotation of each item of a tuple."""
    return arguments[:1] * count if arguments[1:] == (...,) else arguments


def _matches(value: Any, hint: Any) -> bool:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        return _matches(value, arguments[0]) and all(value >= bound.least for bound in _bounds(arguments))
    if hint is Any:
        return all(map(_matches, value, (Any,) * len(value))) if isinstance(value, tuple) else _is_plain(value)
    if origin in (typing.Union, types.UnionType):
        return any(_matches(value, argument) for argument in arguments)
    if origin is Literal:
        return any(type(value) is type(argument) and value == argument for argument in arguments)
    if origin is tuple:
        items = _each(arguments, len(value)) if isinstance(value, tuple) else ()
        return isinstance(value, tuple) and len(value) == len(items) and all(map(_matches, value, items))
    if hint is type(None):
        return value is None
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(hint, type) and isinstance(value, hint) and not _is_nan(value)


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | bool | int | float | type(None)) and not _is_nan(value)


def _describe(hint: Any) -> str:
    names = {
        int: "a whole number",
        float: "a finite number",
        bool: "true or false",
        str: "a text",
        type(None): "null",
        Any: "a plain value (text, number, true, false, null or a tuple of such)",
    }
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        return " ".join([_describe(arguments[0]), *(f"of at least {bound.least}" for bound in _bounds(arguments))])
    if origin is Literal:
        return "one of " + ", ".join(map(repr, arguments))
    if origin in (typing.Union, types.UnionType):
        return " or ".join(map(_describe, arguments))
    if origin is tuple and arguments[1:] == (...,):
        return "a tuple, each item " + _describe(arguments[0])
    if origin is tuple:
        return "a tuple of " + " and ".join(map(_describe, arguments))
    return names.get(hint) or getattr(hint, "__name__", str(hint))


def _bounds(arguments: tuple[Any, ...]) -> list[AtLeast]:
    return [bound for bound in arguments[1:] if isinstance(bound, AtLeast)]


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)
