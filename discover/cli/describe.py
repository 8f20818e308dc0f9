"""What is known of a registered name, as JSON can hold it."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Sequence
from typing import Any

from discover.components.component import Component, Field, fields
from discover.components.domains import Domain
from discover.components.open_values import Free
from discover.contract.registry import Entry

_ROLES = {"leaf": "meta-parameter", "subtree": "component", "static": "setting"}
_WORDS = {"Array": "weights", "OptionIndex": "option_index", "Whole": "integer"}  # as a component's author writes them


def described(entry: Entry) -> dict[str, Any]:
    """Paper and facts of an entry, and the fields of a component, or what a recipe or a task stands for."""
    facts = {"paper": entry.paper, **entry.facts}
    if entry.component is None:
        return {**facts, "value": entry.value}
    return {**facts, "fields": _fields(entry.component)}


def _fields(component: type[Component]) -> list[dict[str, Any]]:
    """For each field what it is, which values it takes, and its default (null where it must be written)."""
    return [
        {
            "name": field.name,
            "role": _ROLES[field.role],
            "type": _type(field),
            "domain": _limits(field.domain),
            "required": field.default is dataclasses.MISSING,
            "default": _default(field.default),
        }
        for field in fields(component)
    ]


def field_row(facts: dict[str, Any]) -> Sequence[str]:
    """A described field as a row of a table: name, what it takes, default."""
    limits = ", ".join(f"{key}={value}" for key, value in (facts["domain"] or {}).items())
    takes = f"{facts['type']}({limits})" if limits else facts["type"]
    return facts["name"], facts["role"], takes, "(required)" if facts["required"] else str(facts["default"])


def _type(field: Field) -> str:
    if field.domain is None:
        return _hint(field.type)
    name = type(field.domain).__name__
    return _WORDS.get(name, name.lower())


def _hint(hint: Any) -> str:
    """A type as a config's author thinks of it: a kind of component, or the type of a setting."""
    arguments = typing.get_args(hint)
    if typing.get_origin(hint) is typing.Annotated:
        return _hint(arguments[0])
    if typing.get_origin(hint) is typing.Literal:
        return " | ".join(map(str, arguments))
    if typing.get_origin(hint) is tuple:
        return f"list of {_hint(arguments[0])}"
    if arguments:
        return " | ".join(map(_hint, arguments))
    if isinstance(hint, type):
        return hint.kind if issubclass(hint, Component) else hint.__name__.replace("NoneType", "null")
    return str(hint)


def _limits(domain: Domain | None) -> dict[str, Any] | None:
    """The settings of a domain that are plain values (not what starts weights)."""
    if domain is None or not dataclasses.is_dataclass(domain):
        return None
    values = {item.name: getattr(domain, item.name) for item in dataclasses.fields(domain)}
    return {name: value for name, value in values.items() if isinstance(value, int | float | str)}


def _default(value: Any) -> Any:
    if value is dataclasses.MISSING:
        return None
    if isinstance(value, Free):
        return "open"
    if isinstance(value, tuple):
        return [_default(item) for item in value]
    return repr(value) if isinstance(value, Component) else value
