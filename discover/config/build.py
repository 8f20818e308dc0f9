"""Configs and components are the same objects in the same words.

``{"gae": {"gamma": 0.99}}`` is ``GAE(gamma=0.99)``; ``"gae"`` alone takes the defaults; ``free`` leaves a value open,
``{free: {low: 0.9}}`` within narrower bounds; ``{choice: [gae, n_step]}`` leaves a choice open. The algorithm itself is a
mapping of its fields, and may start from a recipe: ``{recipe: ppo, rule: {ppo: {clip: free}}}``.
"""

from __future__ import annotations

import dataclasses
import difflib
import typing
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from discover.base.errors import UserError, article, nearest
from discover.components.component import Component, Field, domain_of, field_of, fields
from discover.components.open_values import Choice, Free
from discover.components.weights_domain import WeightsDomain
from discover.contract.algorithm import Algorithm
from discover.contract.environment import Environment
from discover.contract.registry import Entry, Registry

_FREE_KEYS = ("high", "low", "scale", "start", "std")


def algorithm_from(registry: Registry, value: Any, where: str = "candidate") -> Algorithm:
    """The candidate or space that a config describes; a text is the name of a recipe.

    Raises:
        UserError: the message names the key, the value and the nearest valid choice.
    """
    return _algorithm(registry, _merged_recipe(registry, value, where), where)


def environment_from(registry: Registry, value: Any, where: str = "task") -> Environment:
    """The environment of a task's name, or of an environment component in words."""
    if isinstance(value, str) and registry.has("task", value):
        value = registry.get("task", value).value
    elif isinstance(value, str) and not registry.has("environment", value):
        _entry(registry, "task", value, where)
    return component_from(registry, Environment, value, where)


def component_from(registry: Registry, kind: type[Component], value: Any, where: str) -> Any:
    """The component of one kind that ``value`` describes."""
    if isinstance(value, Mapping) and set(value) == {"choice"}:
        return Choice(_options(value["choice"], where, lambda v, w: component_from(registry, kind, v, w)))
    name, settings = _named(value, kind, where)
    entry = _entry(registry, kind.kind, name, where)
    assert entry.component is not None
    given = {}
    for key, inner in settings.items():
        try:
            field = field_of(entry.component, key)
        except UserError as error:
            raise UserError(f"{where}.{name}: {error}") from None
        given[key] = _field_from(registry, field, inner, f"{where}.{name}.{key}")
    return _construct(entry.component, given, f"{where}.{name}")


def words_of(registry: Registry, component: Component) -> Any:
    """A component in the words of a config: the inverse of `component_from`; weights are arrays by path."""
    settings = {
        field.name: _words_of_field(registry, field, getattr(component, field.name)) for field in fields(type(component))
    }
    return settings if isinstance(component, Algorithm) else {registry.name_of(type(component)): settings}


def _algorithm(registry: Registry, value: Mapping[str, Any], where: str) -> Algorithm:
    given = {}
    known = {field.name: field for field in fields(Algorithm)}
    for key, inner in value.items():
        if key not in known:
            others = ("recipe", "tune") if where.startswith("report.baselines.") else ("recipe",)
            raise UserError(f"{where}: Algorithm has no field '{key}'; {nearest(str(key), (*known, *others))}.")
        given[key] = _field_from(registry, known[key], inner, f"{where}.{key}")
    return _construct(Algorithm, given, where)


def _merged_recipe(registry: Registry, value: Any, where: str) -> Mapping[str, Any]:
    if isinstance(value, str):
        return _entry(registry, "recipe", value, where).value
    if not isinstance(value, Mapping):
        raise UserError(f"{where} must be the name of a recipe or a mapping with 'rule' and 'network'; got {value!r}.")
    rest = {key: inner for key, inner in value.items() if key != "recipe"}
    if "recipe" not in value:
        return rest
    return _merged_fields(_entry(registry, "recipe", str(value["recipe"]), where).value, rest)


def _merged_fields(base: Mapping[str, Any], change: Mapping[str, Any]) -> Mapping[str, Any]:
    """The settings of a component with some changed."""
    return {**base, **{key: _merged_value(base[key], inner) if key in base else inner for key, inner in change.items()}}


def _merged_value(base: Any, change: Any) -> Any:
    """The value of a field, changed: the same component keeps its other settings, anything else replaces it."""
    name: Any = next(iter(change)) if isinstance(change, Mapping) and len(change) == 1 else None
    before = {base: {}} if isinstance(base, str) else base
    if not (isinstance(before, Mapping) and len(before) == 1 and name in before) or name in ("free", "choice"):
        return change
    settings = before[name] or {}, change[name] or {}
    return {name: _merged_fields(*settings)} if all(isinstance(s, Mapping) for s in settings) else change


def _named(value: Any, kind: type[Component], where: str) -> tuple[str, Mapping[str, Any]]:
    if isinstance(value, str):
        return value, {}
    if isinstance(value, Mapping) and len(value) == 1:
        name, settings = next(iter(value.items()))
        if settings is None:
            settings = {}
        if isinstance(name, str) and isinstance(settings, Mapping):
            return name, settings
    raise UserError(
        f"{where} must be the name of {article(kind.kind)}, {{name: {{field: value}}}} or {{choice: [...]}}; got {value!r}."
    )


def _entry(registry: Registry, kind: str, name: str, where: str) -> Entry:
    try:
        return registry.get(kind, name)
    except UserError as error:
        raise UserError(f"{where}: {error}") from None


def _field_from(registry: Registry, field: Field, value: Any, where: str) -> Any:
    if field.role == "subtree":
        return _subtree_from(registry, field.type, value, where)
    if field.role == "leaf":
        return _leaf_from(value, where)
    if isinstance(value, Mapping) and set(value) == {"choice"}:
        return Choice(_options(value["choice"], where, lambda v, _: _tuples(v)))
    return _tuples(value)


def _subtree_from(registry: Registry, hint: Any, value: Any, where: str) -> Any:
    arguments = typing.get_args(hint)
    if typing.get_origin(hint) is tuple:
        if not isinstance(value, list | tuple):
            raise UserError(f"{where} must be a list of {arguments[0].kind}s; got {value!r}.")
        return tuple(component_from(registry, arguments[0], v, f"{where}.{i}") for i, v in enumerate(value))
    if value is None and type(None) in arguments:
        return None
    return component_from(registry, arguments[0] if arguments else hint, value, where)


def _leaf_from(value: Any, where: str) -> Any:
    if value == "free":
        return Free()
    if isinstance(value, Mapping) and set(value) == {"free"}:
        changes = value["free"] or {}
        if not isinstance(changes, Mapping):
            raise UserError(f"{where}.free must be a mapping of {', '.join(_FREE_KEYS)} to values; got {changes!r}.")
        unknown = [key for key in changes if key not in _FREE_KEYS]
        if unknown:
            raise UserError(f"{where}: free has no '{unknown[0]}'; {nearest(str(unknown[0]), _FREE_KEYS)}.")
        return Free(tuple(sorted(changes.items())))
    if _misspells_free(value):
        raise UserError(f"{where}: got {value!r}; did you mean 'free'?")
    return value


def _misspells_free(value: Any) -> bool:
    if isinstance(value, Mapping) and len(value) == 1:
        ((word, inner),) = value.items()
        return (inner is None or isinstance(inner, Mapping)) and _misspells_free(word)
    return isinstance(value, str) and bool(difflib.get_close_matches(value.lower(), ["free"]))


def _options(values: Any, where: str, build: Any) -> tuple[Any, ...]:
    if not isinstance(values, list | tuple) or len(values) < 2:
        raise UserError(f"{where}.choice must list two options or more; got {values!r}.")
    return tuple(build(v, f"{where}.choice.{i}") for i, v in enumerate(values))


def _construct(cls: type[Component], given: Mapping[str, Any], where: str) -> Any:
    missing = [f.name for f in fields(cls) if f.name not in given and f.default is dataclasses.MISSING]
    if missing:
        raise UserError(f"{where} needs '{missing[0]}'{_hint(cls, missing[0])}: add it.")
    try:
        made: Any = cls(**given)
    except UserError as error:
        raise UserError(f"{where}: {error}") from None
    for field in fields(cls):
        value = getattr(made, field.name)
        if field.role == "leaf" and not isinstance(value, Free):
            domain = domain_of(made, field)
            value = _arranged(domain.template, value) if isinstance(domain, WeightsDomain) else value
            problem = domain.check(value)
            if problem:
                raise UserError(f"{where}.{field.name} {problem}.")
            made = dataclasses.replace(made, **{field.name: value})
    return made


def _arranged(template: Any, leaves: Any) -> Any:
    """Weights given as arrays by path, in the structure of ``template``; anything else as it is."""
    names = list(_by_path(template))
    if not isinstance(leaves, Mapping) or set(leaves) != set(names):
        return leaves
    return jax.tree.unflatten(jax.tree.structure(template), [leaves[name] for name in names])


def _by_path(weights: Any) -> dict[str, Any]:
    """The arrays of a tree by their path, such as ``layers.0.kernel``."""
    flat = jax.tree_util.tree_leaves_with_path(weights)
    return {jax.tree_util.keystr(path, simple=True, separator="."): leaf for path, leaf in flat}


def _hint(cls: type[Component], name: str) -> str:
    hint = field_of(cls, name).type
    return f", {article(hint.kind)}" if isinstance(hint, type) and issubclass(hint, Component) else ""


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list | tuple) else value


def _words_of_field(registry: Registry, field: Field, value: Any) -> Any:
    if isinstance(field.domain, WeightsDomain) and not isinstance(value, Free):
        return _by_path(value)
    return _words_of_value(registry, value)


def _words_of_value(registry: Registry, value: Any) -> Any:
    if isinstance(value, Component):
        return words_of(registry, value)
    if isinstance(value, Choice):
        return {"choice": [_words_of_value(registry, option) for option in value.options]}
    if isinstance(value, Free):
        return {"free": dict(value.changes)} if value.changes else "free"
    if isinstance(value, tuple):
        return [_words_of_value(registry, item) for item in value]
    if isinstance(value, np.ndarray | jax.Array | np.generic) and np.ndim(value) == 0:
        number = np.asarray(value)
        return int(number) if number.dtype.kind in "iu" else float(str(number))
    return value
