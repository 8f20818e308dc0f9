"""The check of static fields by their annotation, when a component is built."""

from __future__ import annotations

import math
import types
import typing
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias

from discover.base.errors import UserError

Annotation: TypeAlias = Any
"""A type annotation: a class, or a form of `typing` such as ``int | None``."""

StaticValue: TypeAlias = Any
"""A value of a static field."""


class AtLeast(NamedTuple):
    """The smallest value of a static field: ``lag: Annotated[int, AtLeast(0)] = 1``."""

    least: int


Count: TypeAlias = Annotated[int, AtLeast(1)]
"""The type of a static field that counts something: a whole number of at least 1."""


def checked_static(value: StaticValue, hint: Annotation, where: str) -> StaticValue:
    """The value of a static field, with whole numbers as real ones where the annotation is ``float``.

    Args:
        value: the value.
        hint: the annotation of the field.
        where: the name of the field in the message of an error.

    Raises:
        UserError: the value does not match the annotation.

    >>> checked_static((1, 2), tuple[float, ...], "bounds")
    (1.0, 2.0)
    >>> checked_static(0, Count, "layers of MLP")
    Traceback (most recent call last):
    discover.base.errors.UserError: layers of MLP must be a whole number of at least 1; got 0.
    """
    converted = _converted(value, hint)
    if not _matches(converted, hint):
        raise UserError(f"{where} must be {_describe(hint)}; got {value!r}.")
    return converted


def _converted(value: StaticValue, hint: Annotation) -> StaticValue:
    """The value with whole numbers as real ones where the annotation is ``float``."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        return _converted(value, arguments[0])
    if hint is float and isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53:
        return float(value)
    if origin in (typing.Union, types.UnionType):
        attempts = (value, *(_converted(value, argument) for argument in arguments))
        return next((attempt for attempt in attempts if _matches(attempt, hint)), value)
    if origin is tuple and isinstance(value, tuple):
        return tuple(map(_converted, value, _items(arguments, len(value))))
    return value


def _items(arguments: tuple[Annotation, ...], count: int) -> tuple[Annotation, ...]:
    """The annotation of each of ``count`` items of a tuple, from the arguments of the tuple's annotation."""
    return arguments[:1] * count if arguments[1:] == (...,) else arguments


def _matches(value: StaticValue, hint: Annotation) -> bool:
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
        items = _items(arguments, len(value)) if isinstance(value, tuple) else ()
        return isinstance(value, tuple) and len(value) == len(items) and all(map(_matches, value, items))
    if hint is type(None):
        return value is None
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(hint, type) and isinstance(value, hint) and not _is_infinite_or_nan(value)


def _is_plain(value: object) -> bool:
    return isinstance(value, str | bool | int | float | type(None)) and not _is_infinite_or_nan(value)


def _describe(hint: Annotation) -> str:
    """An annotation as a phrase for a message."""
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


def _bounds(arguments: tuple[Annotation, ...]) -> list[AtLeast]:
    return [bound for bound in arguments[1:] if isinstance(bound, AtLeast)]


def _is_infinite_or_nan(value: object) -> bool:
    return isinstance(value, float) and not math.isfinite(value)
