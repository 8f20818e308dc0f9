"""The description of a registered name, as JSON can hold it."""

from __future__ import annotations

import dataclasses
import re
import typing
from collections.abc import Sequence
from typing import Any

from discover.components.component import Component, Field, fields
from discover.components.domains import Domain
from discover.components.open_values import Free
from discover.contract.registry import Entry

_ROLES = {"leaf": "meta-parameter", "subtree": "component", "static": "setting"}


def description_of(entry: Entry) -> dict[str, Any]:
    """The paper and facts of an entry, with the fields of a component, or the value of a recipe or a task."""
    facts = {"paper": entry.paper, **entry.facts}
    if entry.component is None:
        return {**facts, "value": entry.value}
    return {**facts, "fields": _fields(entry.component)}


def _fields(component: type[Component]) -> list[dict[str, Any]]:
    """Role, type, domain and default of each field; the default of a required field is null."""
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
    """The description of a field as a row of a table: name, role, type with domain, default.

    >>> row = {"name": "gamma", "role": "meta-parameter", "type": "real", "domain": {"low": 0}, "required": False, "default": 1}
    >>> field_row(row)
    ('gamma', 'meta-parameter', 'real(low=0)', '1')
    """
    limits = ", ".join(f"{key}={value}" for key, value in (facts["domain"] or {}).items())
    domain = f"{facts['type']}({limits})" if limits else facts["type"]
    return facts["name"], facts["role"], domain, "(required)" if facts["required"] else str(facts["default"])


def _type(field: Field) -> str:
    """The type of a setting, or the name of the function that declares the field (`OptionIndexDomain`: ``option_index``)."""
    if field.domain is None:
        return _hint(field.type)
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(field.domain).__name__.removesuffix("Domain")).lower()


def _hint(hint: object) -> str:
    """A type in the terms of a config: a kind of component, or the type of a setting."""
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
    """The settings of a domain that are plain values, which the start values of weights are not."""
    if domain is None or not dataclasses.is_dataclass(domain):
        return None
    values = {item.name: getattr(domain, item.name) for item in dataclasses.fields(domain)}
    return {name: value for name, value in values.items() if isinstance(value, int | float | str)}


def _default(value: object) -> Any:
    """The default of a field as JSON can hold it."""
    if value is dataclasses.MISSING:
        return None
    if isinstance(value, Free):
        return "open"
    if isinstance(value, tuple):
        return [_default(item) for item in value]
    return repr(value) if isinstance(value, Component) else value
