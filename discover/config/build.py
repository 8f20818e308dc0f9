"""Configs and components are the same objects in the same words.

``{"gae": {"gamma": 0.99}}`` is ``GAE(gamma=0.99)``; ``"gae"`` alone takes the defaults; ``free`` leaves a value open,
``{free: {low: 0.9}}`` within narrower bounds; ``{choice: [gae, n_step]}`` leaves a choice open. The algorithm itself is a
mapping of its fields, and may start from a recipe: ``{recipe: ppo, rule: {ppo: {clip: free}}}``.
"""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import jax
import numpy as np

from discover.base.errors import UserError, article, nearest
from discover.base.mistakes import Mistake, Mistakes, MistakesError
from discover.components.component import Component, Field, domain_of, field_of, fields
from discover.components.domains import Domain
from discover.components.genes import opened_domain
from discover.components.number_domains import IntegerDomain, RealDomain
from discover.components.open_values import Choice, Free, choice, free
from discover.components.weights_domain import WeightsDomain
from discover.contract.algorithm import Algorithm
from discover.contract.environment import Environment
from discover.contract.registry import Entry, Registry

C = TypeVar("C", bound=Component)

ORIGIN = "origin"
"""The key of an algorithm that says where its values come from, such as ``models:/quickstart/3``; nothing depends on it."""

FREE_KEYS = ("high", "low", "scale", "start", "std")
"""What a value that is left open may be given."""


def algorithm_from(registry: Registry, value: Any, where: str = "candidate") -> Algorithm:
    """The candidate or space that a config describes; a text is the name of a recipe.

    Raises:
        UserError: the message names the key, the value and the nearest valid choice.
    """
    others = ("recipe", "tune") if where.startswith("report.baselines.") else ("recipe",)

    def built(settings: Mapping[str, Any]) -> Algorithm:
        return _built(registry, Algorithm, settings, where, others=others)

    if isinstance(value, str):
        return built(_entry(registry, "recipe", value, where).value)
    if not isinstance(value, Mapping):
        raise UserError(f"{where} must be the name of a recipe or a mapping with 'rule' and 'network'; got {value!r}.")
    rest = {key: inner for key, inner in value.items() if key not in ("recipe", ORIGIN)}
    if "recipe" not in value:
        return built(rest)
    try:
        base = _entry(registry, "recipe", str(value["recipe"]), f"{where}.recipe").value
    except UserError as error:
        raise MistakesError([Mistake(f"{where}.recipe", str(error)), *_wrong_anyway(lambda: built(rest))]) from None
    return built(merged_fields(base, rest))


def environment_from(registry: Registry, value: Any, where: str = "task") -> Environment:
    """The environment of a task's name, or of an environment component in words."""
    if value == "":
        raise UserError(f"{where} '' names no task: give one, such as CartPole-v1 (see discover plugins list --kind task).")
    if isinstance(value, str) and registry.has("task", value):
        value = registry.get("task", value).value
    elif isinstance(value, str) and not registry.has("environment", value):
        _entry(registry, "task", value, where)
    return component_from(registry, Environment, value, where)


def component_from(registry: Registry, kind: type[Component], value: Any, where: str) -> Any:
    """The component of one kind that ``value`` describes."""
    if isinstance(value, Mapping) and set(value) == {"choice"}:
        return choice(*_options(value["choice"], where, lambda v, w: component_from(registry, kind, v, w)))
    name, settings = _named(value, kind, where)
    entry = _entry(registry, kind.kind, name, where)
    assert entry.component is not None
    return _built(registry, entry.component, settings, f"{where}.{name}")


def config_of(registry: Registry, component: Component) -> Any:
    """A component as in a config: the inverse of `component_from`; weights are arrays by path."""
    settings = {
        field.name: _config_of_field(registry, field, getattr(component, field.name)) for field in fields(type(component))
    }
    return settings if isinstance(component, Algorithm) else {registry.name_of(type(component)): settings}


def _built(registry: Registry, cls: type[C], settings: Mapping[str, Any], where: str, others: Sequence[str] = ()) -> C:
    """A component of one class.

    Args:
        registry: names components.
        cls: the class.
        settings: words by field.
        where: the path of the component in the config.
        others: keys beside the fields that the config may have there.

    Raises:
        MistakesError: it tells all mistakes in the settings.
    """
    known, arguments, mistakes = {field.name: field for field in fields(cls)}, {}, Mistakes()
    for key, inner in settings.items():
        with mistakes.at(f"{where}.{key}"):
            if key not in known:
                hint = nearest(str(key), (*known, *others)) if known else "it has none, so take it out"
                raise UserError(f"{where}: {cls.__name__} has no field '{key}'; {hint}{_owners(registry, cls, key)}.")
            arguments[key] = _field_from(registry, known[key], inner, f"{where}.{key}")
    missing = [f for f in known.values() if f.name not in settings and f.default is dataclasses.MISSING]
    if missing and set(settings) <= set(known):  # an unknown key may be a missing one, misspelled
        needed = ", and '".join(f"{field.name}'{_hint(field)}" for field in missing)
        mistakes.add(where, f"{_needs(where)}{needed}: add {'it' if len(missing) == 1 else 'them'}.")
    _check_each(cls, arguments, where, mistakes)
    mistakes.check()
    return _with_legal_leaves(cls(**arguments), where)


def _owners(registry: Registry, cls: type[Component], key: str) -> str:
    """A clause with the components of the same kind that have a field; empty if none has."""
    entries = registry.entries(cls.kind)
    names = [e.name for e in entries if e.component is not None and any(field.name == key for field in fields(e.component))]
    return f"; '{key}' is a field of {', '.join(names)}" if names else ""


def _wrong_anyway(build: Callable[[], object]) -> list[Mistake]:
    """The mistakes in settings whatever their recipe is; what is missing may be in the recipe."""
    try:
        build()
    except MistakesError as error:
        return [mistake for mistake in error.mistakes if not mistake.sentence.startswith(_needs(mistake.path))]
    return []


def _needs(where: str) -> str:
    """The beginning of a sentence about what is missing."""
    return f"{where} needs '"


def merged_fields(base: Mapping[str, Any], change: Mapping[str, Any]) -> Mapping[str, Any]:
    """The settings of a component with some changed."""
    return {**base, **{key: _merged_value(base[key], inner) if key in base else inner for key, inner in change.items()}}


def _merged_value(base: Any, change: Any) -> Any:
    """The value of a field, changed: the same component keeps its other settings, anything else replaces it."""
    name: Any = next(iter(change)) if isinstance(change, Mapping) and len(change) == 1 else None
    before = {base: {}} if isinstance(base, str) else base
    if not (isinstance(before, Mapping) and len(before) == 1 and name in before) or name in ("free", "choice"):
        return change
    settings = before[name] or {}, change[name] or {}
    return {name: merged_fields(*settings)} if all(isinstance(s, Mapping) for s in settings) else change


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
    with errors_at(where):
        return registry.get(kind, name)


def _field_from(registry: Registry, field: Field, value: Any, where: str) -> Any:
    if field.role == "subtree":
        return _subtree_from(registry, field.type, value, where)
    if isinstance(field.domain, WeightsDomain) and isinstance(value, Mapping):
        value = {name: _array(inner) for name, inner in value.items()}
        changes = value["free"] if set(value) == {"free"} else None
        if isinstance(changes, Mapping) and isinstance(changes.get("start"), Mapping):
            start = {name: _array(inner) for name, inner in changes["start"].items()}
            value = {"free": {**changes, "start": start}}
    if field.role == "leaf":
        return _leaf_from(value, where)
    if isinstance(value, Mapping) and set(value) == {"choice"}:
        return choice(*_options(value["choice"], where, lambda v, _: _tuples(v)))
    return _tuples(value)


def _subtree_from(registry: Registry, hint: Any, value: Any, where: str) -> Any:
    arguments = typing.get_args(hint)
    if typing.get_origin(hint) is tuple:
        if not isinstance(value, list | tuple):
            raise UserError(f"{where} must be a list of {arguments[0].kind}s; got {value!r}.")
        return _each(value, where, lambda v, place: component_from(registry, arguments[0], v, place))
    if type(None) in arguments:
        if value is None:
            return None
        if isinstance(value, Mapping) and set(value) == {"choice"}:
            return choice(*_options(value["choice"], where, lambda v, place: _subtree_from(registry, hint, v, place)))
    return component_from(registry, arguments[0] if arguments else hint, value, where)


def _leaf_from(value: Any, where: str) -> Any:
    if value == "free":
        return Free()
    if isinstance(value, Mapping) and set(value) == {"free"}:
        changes = value["free"] or {}
        if not isinstance(changes, Mapping):
            raise UserError(f"{where}.free must be a mapping of {', '.join(FREE_KEYS)} to values; got {changes!r}.")
        unknown = [key for key in changes if key not in FREE_KEYS]
        if unknown:
            raise UserError(f"{where}: free has no '{unknown[0]}'; {nearest(str(unknown[0]), FREE_KEYS)}.")
        return Free(tuple(sorted(changes.items())))
    if _misspells_free(value):
        raise UserError(f"{where}: got {value!r}; did you mean 'free'?")
    return value


def _misspells_free(value: Any) -> bool:
    if isinstance(value, Mapping) and len(value) == 1:
        ((word, inner),) = value.items()
        return (inner is None or isinstance(inner, Mapping)) and _misspells_free(word)
    return isinstance(value, str) and bool(difflib.get_close_matches(value.lower(), ["free"]))


def _options(values: Any, where: str, build: Callable[[Any, str], Any]) -> tuple[Any, ...]:
    if not isinstance(values, list | tuple) or not values:
        raise UserError(f"{where}.choice must list an option or more; got {values!r}.")
    return _each(values, f"{where}.choice", build)


def _each(values: Sequence[Any], where: str, build: Callable[[Any, str], Any]) -> tuple[Any, ...]:
    """The results of ``build(value, path)`` for every value; all mistakes are told at once."""
    results, mistakes = [], Mistakes()
    for index, value in enumerate(values):
        with mistakes.at(f"{where}.{index}"):
            results.append(build(value, f"{where}.{index}"))
    mistakes.check()
    return tuple(results)


def _check_each(cls: type[Component], arguments: Mapping[str, Any], where: str, mistakes: Mistakes) -> None:
    """Check each value alone: beside fields that are open, a component accepts it or says what is wrong with it."""
    opened: dict[str, Any] = {field.name: Free() for field in fields(cls)}
    for name, value in arguments.items():
        place = f"{where}.{name}"
        options = (
            {f"{place}.choice.{i}": v for i, v in enumerate(value.options)} if isinstance(value, Choice) else {place: value}
        )
        for at, option in options.items():
            with mistakes.at(at):
                with errors_at(where if at == place else at):
                    alone = cls(**{**opened, name: option})
                _check_number(alone, field_of(cls, name), at)


def _check_number(owner: Component, field: Field, where: str) -> None:
    """Check a number, or within what bounds it is left open. Domains of other kinds depend on the rest of the component."""
    value = getattr(owner, field.name)
    domain = field.domain
    if not isinstance(domain, RealDomain | IntegerDomain):
        return
    if isinstance(value, Free):
        opened_domain(owner, field, value, where)
    else:
        _check_legal(domain, value, where)


def _check_legal(domain: Domain, value: Any, where: str) -> None:
    problem = domain.check(value)
    if problem:
        raise UserError(f"{where} {problem}.")


@contextlib.contextmanager
def errors_at(where: str) -> Iterator[None]:
    """Name the path of the component that a mistake is about."""
    try:
        yield
    except UserError as error:
        raise UserError(f"{where}: {error}") from None


def _with_legal_leaves(component: Any, where: str) -> Any:
    """The component with its weights as trees of arrays, once every number lies in its domain."""
    mistakes = Mistakes()
    for field in fields(type(component)):
        value, place = getattr(component, field.name), f"{where}.{field.name}"
        if isinstance(value, Free) and isinstance(field.domain, WeightsDomain):
            component = dataclasses.replace(component, **{field.name: _with_start(component, field, value)})
        elif field.role == "leaf" and not isinstance(value, Free):
            domain = domain_of(component, field)
            value = _arranged(domain.template, value) if isinstance(domain, WeightsDomain) else value
            with mistakes.at(place):
                _check_legal(domain, value, place)
                component = dataclasses.replace(component, **{field.name: value})
    mistakes.check()
    return component


def _with_start(owner: Component, field: Field, value: Free) -> Free:
    """Open weights with the start, given as arrays by path, as a tree of arrays."""
    changes = dict(value.changes)
    if isinstance(changes.get("start"), Mapping):
        with contextlib.suppress(Exception):  # their shapes depend on an open choice, of which the space tells
            domain = domain_of(owner, field)
            assert isinstance(domain, WeightsDomain)
            changes["start"] = _arranged(domain.template, changes["start"])
    return free(**changes)


def _arranged(template: Any, leaves: Any) -> Any:
    """Weights given as arrays by path, in the structure of ``template``; anything else as it is."""
    names = list(_by_path(template))
    if not isinstance(leaves, Mapping) or set(leaves) != set(names):
        return leaves
    return jax.tree.unflatten(jax.tree.structure(template), [leaves[name] for name in names])


def _array(value: Any) -> Any:
    """An array that a config writes as lists of numbers; anything else as it is."""
    if not isinstance(value, list):
        return value
    try:
        return np.asarray(value, np.float32)
    except (ValueError, TypeError, OverflowError):  # rows of different lengths, or no numbers
        return value


def _by_path(weights: Any) -> dict[str, Any]:
    """The arrays of a tree by their path, such as ``layers.0.kernel``."""
    flat = jax.tree_util.tree_leaves_with_path(weights)
    return {jax.tree_util.keystr(path, simple=True, separator="."): leaf for path, leaf in flat}


def _hint(field: Field) -> str:
    is_component = isinstance(field.type, type) and issubclass(field.type, Component)
    return f", {article(field.type.kind)}" if is_component else ""


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list | tuple) else value


def _config_of_field(registry: Registry, field: Field, value: Any) -> Any:
    if isinstance(field.domain, WeightsDomain) and not isinstance(value, Free):
        return _by_path(value)
    if isinstance(field.domain, WeightsDomain) and "start" in dict(value.changes):
        return {"free": {**dict(value.changes), "start": _by_path(dict(value.changes)["start"])}}
    return _config_of_value(registry, value)


def _config_of_value(registry: Registry, value: Any) -> Any:
    if isinstance(value, Component):
        return config_of(registry, value)
    if isinstance(value, Choice):
        return {"choice": [_config_of_value(registry, option) for option in value.options]}
    if isinstance(value, Free):
        return {"free": dict(value.changes)} if value.changes else "free"
    if isinstance(value, tuple):
        return [_config_of_value(registry, item) for item in value]
    if isinstance(value, np.ndarray | jax.Array | np.generic) and np.ndim(value) == 0:
        number = np.asarray(value)
        return int(number) if number.dtype.kind in "iu" else float(str(number))
    return value
