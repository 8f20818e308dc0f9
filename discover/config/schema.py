"""A JSON schema of configs, by which an editor completes and checks them: the keys, and what the loaded plugins register."""

from __future__ import annotations

import dataclasses
import inspect
import re
import types
import typing
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from discover.components.component import Component, Field, fields
from discover.components.number_domains import IntegerDomain, RealDomain, Scale
from discover.components.option_domains import OptionIndexDomain
from discover.components.static_fields import AtLeast
from discover.config.build import FREE_KEYS, ORIGIN
from discover.config.models import ConfigModel
from discover.config.values import COMPONENT
from discover.contract.algorithm import Algorithm
from discover.contract.registry import Entry, Registry

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]

_CLOSED = ("strategy", "objective", "executor")
"""Kinds of which a config names one: a search chooses between candidates alone."""

_PLAIN: Mapping[Any, Schema] = {
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    str: {"type": "string"},
    type(None): {"type": "null"},
    Any: {},
}


def config_schema(registry: Registry) -> Schema:
    """The schema of a config with the components of a registry."""
    keys = ConfigModel.model_json_schema()
    definitions = {**keys.pop("$defs"), **_Components(registry).definitions()}
    return {"$schema": DIALECT, **_linked(keys), "$defs": _linked(definitions)}


def _linked(schema: Any) -> Any:
    """The schema with a reference wherever it names a kind of components."""
    if isinstance(schema, list):
        return [_linked(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    rest = {key: _linked(inner) for key, inner in schema.items() if key != COMPONENT}
    return {"$ref": f"#/$defs/{_slug(schema[COMPONENT])}", **rest} if COMPONENT in schema else rest


def _slug(name: str) -> str:
    """A kind, or a kind and a name, as part of a reference."""
    return re.sub(r"[^A-Za-z0-9_.-]", "_", name)


class _Components:
    """The definitions of all kinds and all components of a registry."""

    def __init__(self, registry: Registry):
        self._registry = registry
        self._entries = [entry for entry in registry.entries() if entry.component is not None]

    def definitions(self) -> Schema:
        known = _any_of([self._names("recipe"), _ELSEWHERE])
        recipe = {"recipe": {**known, "description": "A known algorithm to start from, an address in MLflow, or a file."}}
        origin = {ORIGIN: {"type": "string", "description": "Where the values come from; nothing depends on it."}}
        algorithm = self._mapping(Algorithm, {**recipe, **origin})
        algorithm["anyOf"] = [{"required": ["recipe"]}, {"required": _required(Algorithm)}]
        definitions: Schema = {
            "free": _FREE,
            "task": self._names("task"),
            "candidate": {"anyOf": [self._names("recipe"), _ELSEWHERE, algorithm]},
            "start": {"anyOf": [{COMPONENT: "candidate"}, _only("nearest", {COMPONENT: "candidate"})]},
            "baseline": {"anyOf": [{COMPONENT: "candidate"}, _only("tune", {COMPONENT: "candidate"})]},
        }
        mentioned = {kind for owner in (Algorithm, *self._classes()) for field in fields(owner) for kind in _kinds(field.type)}
        for kind in sorted({*mentioned, *_CLOSED, *(entry.kind for entry in self._entries)}):
            definitions[_slug(kind)] = self._kind(kind)
        for entry in self._entries:
            assert entry.component is not None
            definitions[_slug(_place(entry))] = {**self._mapping(entry.component), "type": ["object", "null"]}
        return definitions

    def _classes(self) -> list[type[Component]]:
        return [entry.component for entry in self._entries if entry.component is not None]

    def _names(self, kind: str) -> Schema:
        """The names of one kind."""
        return _any_of([{"const": e.name, "description": e.summary} for e in self._registry.entries(kind)])

    def _kind(self, kind: str) -> Schema:
        """A component of one kind: its name, a mapping with its fields, or a choice."""
        entries = list(self._registry.entries(kind))
        if not entries:
            return _any_of([])
        named = {entry.name: {COMPONENT: _place(entry), "description": entry.summary} for entry in entries}
        mapping = {"type": "object", "properties": named, "additionalProperties": False, "minProperties": 1, "maxProperties": 1}
        return _any_of([self._names(kind), mapping, *([] if kind in _CLOSED else [_choice({COMPONENT: kind})])])

    def _mapping(self, cls: type[Component], more: Mapping[str, Any] | None = None) -> Schema:
        """The fields of a component."""
        documented = _documented(cls)
        properties = {field.name: self._field(field, documented.get(field.name)) for field in fields(cls)}
        return {"type": "object", "properties": {**(more or {}), **properties}, "additionalProperties": False}

    def _field(self, field: Field, text: str | None) -> Schema:
        if field.role == "leaf":
            schema = _any_of([_number(field), {COMPONENT: "free"}])
        elif field.role == "subtree":
            schema = self._subtree(field.type)
        else:
            schema = _any_of([_static(field.type), _choice(_static(field.type))])
        default = {"default": field.default} if isinstance(field.default, str | bool | int | float) else {}
        if field.default is dataclasses.MISSING:
            text = f"{(text or field.name).rstrip('.')} (required, unless a recipe sets it)"
        return {**schema, **({"description": text} if text else {}), **default}

    def _subtree(self, hint: Any) -> Schema:
        arguments = typing.get_args(hint)
        if typing.get_origin(hint) is tuple:
            return {"type": "array", "items": self._subtree(arguments[0])}
        if arguments:
            options = [self._subtree(argument) for argument in arguments]
            return _any_of([*options, *([_choice(_any_of(options))] if type(None) in arguments else [])])
        if hint is type(None) or "kind" in vars(hint):
            return _PLAIN[hint] if hint is type(None) else {COMPONENT: hint.kind}
        own = [entry for entry in self._entries if entry.component is not None and issubclass(entry.component, hint)]
        mapping = [_only(entry.name, {COMPONENT: _place(entry)}) for entry in own]
        return _any_of([*({"const": entry.name} for entry in own), *mapping])


def _place(entry: Entry) -> str:
    return f"{entry.kind}.{entry.name}"


def _required(cls: type[Component]) -> list[str]:
    return [field.name for field in fields(cls) if field.default is dataclasses.MISSING]


def _kinds(hint: Any) -> set[str]:
    """The kinds of components that an annotation names."""
    if isinstance(hint, type):
        return {hint.kind} if issubclass(hint, Component) else set()
    return {kind for argument in typing.get_args(hint) for kind in _kinds(argument)}


def _any_of(schemas: list[Schema]) -> Schema:
    return {"anyOf": schemas} if schemas else {"not": {}}


def _only(key: str, schema: Schema) -> Schema:
    """A mapping with one key."""
    return {"type": "object", "properties": {key: schema}, "required": [key], "additionalProperties": False}


def _choice(schema: Schema) -> Schema:
    return {**_only("choice", {"type": "array", "items": schema, "minItems": 1}), "description": "Left open for the search."}


_ELSEWHERE: Schema = {"type": "string", "pattern": r"^(models|runs):/.+|^[0-9a-f]{32}$|\.(candidate|json|ya?ml)$"}

_LIMITS: Schema = {
    "type": ["object", "null"],
    "properties": {
        **{name: {"type": "number"} for name in FREE_KEYS},
        "scale": {"enum": list(typing.get_args(Scale))},
        "start": {},
    },
    "additionalProperties": False,
}
_FREE: Schema = {"anyOf": [{"const": "free"}, _only("free", _LIMITS)], "description": "Left open for the search."}


def _number(field: Field) -> Schema:
    """The legal values of a field with a domain."""
    match field.domain:
        case RealDomain(low=low, high=high):
            return {"type": "number", "minimum": low, "maximum": high}
        case IntegerDomain(low=low, high=high):
            return {"type": "integer", "minimum": low, "maximum": high}
        case OptionIndexDomain():
            return {"type": "integer", "minimum": 0}
    return {"type": ["object", "array"]}  # weights


def _static(hint: Any) -> Schema:
    """The values of a static field."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        bounds = [bound.least for bound in arguments[1:] if isinstance(bound, AtLeast)]
        return {**_static(arguments[0]), **({"minimum": max(bounds)} if bounds else {})}
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (typing.Union, types.UnionType):
        return _any_of([_static(argument) for argument in arguments])
    if origin is tuple and arguments[1:] == (...,):
        return {"type": "array", "items": _static(arguments[0])}
    if origin is tuple:
        return {
            "type": "array",
            "prefixItems": [_static(item) for item in arguments],
            "minItems": len(arguments),
            "items": False,
        }
    return _PLAIN.get(hint, {})


def _documented(cls: type[Component]) -> dict[str, str]:
    """The descriptions of fields, from the part ``Attributes`` of the documentation of the class and of its bases."""
    texts: dict[str, str] = {}
    for owner in reversed(cls.__mro__):
        block = re.search(r"^Attributes:\n((?:(?: .*)?\n?)+)", inspect.cleandoc(vars(owner).get("__doc__") or ""), re.MULTILINE)
        for item in re.split(r"\n(?=    \S)", block.group(1).rstrip() if block else ""):
            names, colon, text = item.partition(": ")
            if colon:
                texts |= dict.fromkeys((name.strip() for name in names.split(",")), " ".join(text.split()))
    return texts
