"""An example of a config with a comment for every key, made of what the loaded plugins bring."""

from __future__ import annotations

import contextlib
import json
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic.fields import FieldInfo

from discover.base.errors import UserError, article
from discover.components.component import Component, fields
from discover.components.number_domains import IntegerDomain, RealDomain
from discover.components.paths import check
from discover.components.space import Space
from discover.config.build import algorithm_from, component_from, environment_from
from discover.config.keys import SECTIONS, takes
from discover.config.values import Part
from discover.contract.registry import Registry
from discover.contract.strategy import Strategy
from discover.storage.yaml_text import text_of

_WIDTH = 100
_FEW = 8
_POPULATION, _GENERATIONS, _STEPS = 32, 10, 20_000


def example(
    registry: Registry, name: str, recipe: str | None = None, task: str | None = None, strategy: str | None = None
) -> str:
    """A config as text, which searches over the numbers of a known algorithm.

    Args:
        registry: what the plugins brought.
        name: of the search.
        recipe: the algorithm; the first by name unless given.
        task: where it learns; the first by name whose actions suit the algorithm unless given.
        strategy: how the search proposes candidates; the first by name that suits the population unless given.

    Raises:
        UserError: no plugin brings one of them, or it has no number to search.
    """
    recipe = _chosen(registry, "recipe", recipe)
    task = _chosen(registry, "task", task) if task else _suitable_task(registry, recipe)
    candidate = _opened_recipe(registry, recipe)
    space = Space(algorithm_from(registry, candidate))
    run = {"task": task, "steps": _STEPS}
    values: dict[str, Any] = {
        "name": name,
        "candidate": candidate,
        "strategy": _chosen(registry, "strategy", strategy) if strategy else _suitable_strategy(registry, space),
        "population": _POPULATION,
        "generations": _GENERATIONS,
        "tasks": [run],
        "report": {"baselines": _baseline(registry, recipe), "tasks": [{**run, "note": "searched"}]},
    }
    heading = "# A config of discover. Check it: discover config check FILE. Run it: discover search FILE.\n\n"
    return heading + "\n".join(_section(registry, "", values)).rstrip() + "\n"


def _chosen(registry: Registry, kind: str, name: str | None) -> str:
    """The name, checked, or the first one of its kind."""
    if name is not None:
        return registry.get(kind, name).name
    entry = next(registry.entries(kind), None)
    if entry is None:
        raise UserError(
            f"no loaded plugin brings {article(kind)}: install one, or give a folder of plugins with --plugins-dir."
        )
    return entry.name


def _suitable_task(registry: Registry, recipe: str) -> str:
    algorithm = algorithm_from(registry, recipe)
    for entry in registry.entries("task"):
        with contextlib.suppress(UserError):
            algorithm.world(environment_from(registry, entry.name))
            return entry.name
    raise UserError(f"no loaded plugin brings a task that suits the recipe '{recipe}': name one with --task.")


def _suitable_strategy(registry: Registry, space: Space) -> str:
    for entry in registry.entries("strategy"):
        with contextlib.suppress(UserError):  # it has a field that must be written
            strategy = component_from(registry, Strategy, entry.name, "strategy")
            if strategy.check_population(space, _POPULATION) is None:
                return entry.name
    raise UserError(f"no loaded plugin brings a strategy that suits a population of {_POPULATION}: name one with --strategy.")


def _baseline(registry: Registry, recipe: str) -> dict[str, Any]:
    """The recipe as it is published, or tuned where it leaves values open."""
    try:
        check(algorithm_from(registry, recipe))
    except UserError:
        return {f"tuned {recipe}": {"tune": recipe}}
    return {f"published {recipe}": recipe}


def _opened_recipe(registry: Registry, recipe: str) -> dict[str, Any]:
    """The recipe with the numbers of one of its components left open."""
    algorithm = algorithm_from(registry, recipe)
    for field in fields(type(algorithm)):
        words = _opened(registry, getattr(algorithm, field.name))
        if words is not None:
            return {"recipe": recipe, field.name: words}
    raise UserError(f"the recipe '{recipe}' has no number to search: choose another with --recipe.")


def _opened(registry: Registry, component: Any) -> dict[str, Any] | None:
    """A component with its own numbers left open, or those of the first one below that has any; None if none has."""
    if not isinstance(component, Component):
        return None
    settings = {field.name: "free" for field in fields(type(component)) if isinstance(field.domain, RealDomain | IntegerDomain)}
    for field in () if settings else fields(type(component)):
        words = _opened(registry, getattr(component, field.name))
        if words is not None:
            return {registry.name_of(type(component)): {field.name: words}}
    return {registry.name_of(type(component)): settings} if settings else None


def _section(registry: Registry, path: str, values: Mapping[str, Any]) -> Iterator[str]:
    """The lines of a section: its keys, each below its comment."""
    for name, field in SECTIONS[path].model_fields.items():
        inner = f"{path}.{name}" if path else name
        value = values.get(name, field.default)
        yield from _comment(registry, inner, field)
        if inner in SECTIONS and value is not None:
            yield f"{name}:"
            yield from (f"  {line}".rstrip() for line in _section(registry, inner, value))
        else:
            yield from text_of({name: value}, inner).splitlines()
            if inner in SECTIONS:  # left out: its keys are shown nevertheless
                yield from (f"#   {line}".rstrip() for line in _section(registry, inner, {}))
        yield ""


def _comment(registry: Registry, path: str, field: FieldInfo) -> Iterator[str]:
    """The meaning of a key, the values that it takes, and its default; the same of the keys of a list's items."""
    yield from _wrapped(field.description or "", "# ")
    yield from _wrapped(_taken(registry, path, field), "# ")
    section = SECTIONS.get(f"{path}[]")
    for name, item in section.model_fields.items() if section else ():
        yield from _wrapped(f"{name}: {item.description} {_taken(registry, f'{path}[].{name}', item)}", "#   ")


def _taken(registry: Registry, path: str, field: FieldInfo) -> str:
    kind = next((value.kind for value in field.metadata if isinstance(value, Part)), None)
    names = [entry.name for entry in registry.entries(kind)] if kind else []
    listed = f" ({', '.join(names)})" if 0 < len(names) <= _FEW else ""
    default = "" if field.is_required() else f"; {json.dumps(field.default)} by default"
    return f"Takes {takes(path, field)}{listed}{default}."


def _wrapped(text: str, start: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=start, subsequent_indent=start, break_on_hyphens=False)
