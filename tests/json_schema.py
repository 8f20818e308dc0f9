"""A validator for the part of JSON Schema (draft 2020-12) that configs use; what it does not know, it refuses."""

import re
from collections.abc import Mapping
from typing import Any

_TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}
_REMARKS = {"$schema", "$defs", "title", "description", "default"}


def is_valid(value: Any, schema: Any, root: Mapping[str, Any]) -> bool:
    """Whether a plain value is one that the schema allows."""
    if isinstance(schema, bool):
        return schema
    return all(_holds(word, argument, value, schema, root) for word, argument in schema.items() if word not in _REMARKS)


def _holds(word: str, argument: Any, value: Any, schema: Mapping[str, Any], root: Mapping[str, Any]) -> bool:
    """Whether a value keeps one keyword of a schema."""
    match word:
        case "$ref":
            return is_valid(value, _at(argument, root), root)
        case "type":
            return any(_is(value, name) for name in ([argument] if isinstance(argument, str) else argument))
        case "const":
            return _same(value, argument)
        case "enum":
            return any(_same(value, each) for each in argument)
        case "anyOf":
            return any(is_valid(value, each, root) for each in argument)
        case "not":
            return not is_valid(value, argument, root)
        case "minimum" | "maximum" | "exclusiveMinimum":
            return not _is(value, "number") or _within(word, argument, value)
        case "minLength":
            return not isinstance(value, str) or len(value) >= argument
        case "pattern":
            return not isinstance(value, str) or re.search(argument, value) is not None
        case "required" | "properties" | "additionalProperties" | "minProperties" | "maxProperties":
            return not isinstance(value, dict) or _mapping_holds(word, argument, value, schema, root)
        case "items" | "prefixItems" | "minItems":
            return not isinstance(value, list) or _list_holds(word, argument, value, schema, root)
    raise AssertionError(f"the validator does not know '{word}'")


def _mapping_holds(word: str, argument: Any, value: dict[str, Any], schema: Mapping[str, Any], root: Mapping[str, Any]) -> bool:
    known = schema.get("properties", {})
    match word:
        case "required":
            return set(argument) <= set(value)
        case "properties":
            return all(is_valid(value[key], inner, root) for key, inner in argument.items() if key in value)
        case "additionalProperties":
            return all(is_valid(inner, argument, root) for key, inner in value.items() if key not in known)
        case "minProperties":
            return len(value) >= argument
    return len(value) <= argument


def _list_holds(word: str, argument: Any, value: list[Any], schema: Mapping[str, Any], root: Mapping[str, Any]) -> bool:
    if word == "minItems":
        return len(value) >= argument
    if word == "prefixItems":
        return all(is_valid(item, inner, root) for item, inner in zip(value, argument, strict=False))
    return all(is_valid(item, argument, root) for item in value[len(schema.get("prefixItems", ())) :])


def _at(reference: str, root: Mapping[str, Any]) -> Any:
    made = re.fullmatch(r"#/\$defs/([A-Za-z0-9_.-]+)", reference)
    assert made is not None, reference
    return root["$defs"][made.group(1)]


def _is(value: Any, name: str) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if name in ("number", "integer"):
        return number and (name == "number" or value == int(value))
    return isinstance(value, _TYPES[name])


def _same(value: Any, other: Any) -> bool:
    return type(value) is type(other) and value == other


def _within(word: str, bound: float, value: float) -> bool:
    return {"minimum": value >= bound, "maximum": value <= bound, "exclusiveMinimum": value > bound}[word]
