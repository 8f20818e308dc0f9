"""Checks of all that a plugin brings."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from discover.base.errors import UserError
from discover.components.component import Component
from discover.config.build import algorithm_from, environment_from
from discover.contract.environment import Environment, Wrapper
from discover.contract.executor import Executor
from discover.contract.network import Curriculum, Network
from discover.contract.normalizer import Normalizer
from discover.contract.optimizer import Optimizer
from discover.contract.registry import Entry, Registry
from discover.contract.return_function import ReturnFunction
from discover.contract.strategy import Objective, Strategy
from discover.contract.update_rule import UpdateRule
from discover.testing.components import check_component
from discover.testing.environments import check_environment
from discover.testing.executors import check_executor
from discover.testing.failures import ConformanceError
from discover.testing.guard import place_of
from discover.testing.networks import check_network
from discover.testing.normalizers import check_normalizer
from discover.testing.objectives import check_objective
from discover.testing.optimizers import check_optimizer
from discover.testing.recipes import SMALL, check_recipe
from discover.testing.registered import examples
from discover.testing.returns import check_return_function
from discover.testing.rules import check_update_rule
from discover.testing.sizes import shrunk
from discover.testing.small import Corridor
from discover.testing.strategies import check_strategy
from discover.testing.wrappers import check_curriculum, check_wrapper


class Problem(NamedTuple):
    """A failure of a check.

    Attributes:
        what: what is wrong, in one sentence.
        where: file and line; empty where they are not known.
        why: the reason for the rule that is broken.
        remedy: what to do.
    """

    what: str
    where: str
    why: str
    remedy: str


class Outcome(NamedTuple):
    """The outcome of the checks of one name.

    Attributes:
        kind, name: of what was checked.
        seconds: that its checks took.
        problem: the first check that fails; None if all pass.
        skipped: why nothing could be checked, or an empty text.
    """

    kind: str
    name: str
    seconds: float
    problem: Problem | None = None
    skipped: str = ""


def _check_rule(rule: UpdateRule) -> None:
    """Check a rule over as many updates as it needs to end an episode of the small environment."""
    with contextlib.suppress(UserError):  # a rule for real actions alone learns from batches
        if rule.rollout(Corridor().spec())[:2] == (1, 1):
            check_update_rule(rule, updates=10)
            return
    check_update_rule(rule)


_CHECKS: tuple[tuple[type[Component], Callable[[Any], None]], ...] = (
    (Objective, check_objective),
    (Normalizer, check_normalizer),
    (Optimizer, check_optimizer),
    (ReturnFunction, check_return_function),
    (Environment, check_environment),
    (Wrapper, check_wrapper),
    (Network, check_network),
    (Strategy, check_strategy),
    (Executor, check_executor),
    (Curriculum, check_curriculum),
    (UpdateRule, _check_rule),
)
"""The check of each kind, the quickest first. Those of tasks and recipes follow them."""

_ORDER = {kind.kind: place for place, (kind, _) in enumerate(_CHECKS)} | {"task": 20, "recipe": 30}


def outcomes(registry: Registry, entries: Collection[Entry], told: Callable[[str], None] = lambda _: None) -> Iterator[Outcome]:
    """Check names one by one, those whose checks are quick first.

    Args:
        registry: of all plugins.
        entries: what to check.
        told: called with each name before it is checked.
    """
    instances: dict[type[Component], Component] | None = None
    for entry in sorted(entries, key=lambda entry: (_ORDER.get(entry.kind, 10), entry.name)):
        told(f"{entry.kind} {entry.name}")
        started = time.perf_counter()
        if entry.component is None:
            problem = problem_of(lambda entry=entry: _check_value(registry, entry), entry)
            yield Outcome(entry.kind, entry.name, time.perf_counter() - started, problem)
            continue
        if instances is None:
            instances = {type(made): made for _, made in examples(registry, unless_broken=True)}
        made = instances.get(entry.component)
        if made is None:
            why = "it has a setting without a default: register a recipe or a task that uses it"
            yield Outcome(entry.kind, entry.name, time.perf_counter() - started, skipped=why)
            continue
        problem = problem_of(lambda made=made: _check(registry, made), entry)
        yield Outcome(entry.kind, entry.name, time.perf_counter() - started, problem)


def _check(registry: Registry, component: Component) -> None:
    """Check a component as any, and as one of its kind: at small sizes, and at its own if it fails."""
    check_component(component, registry)
    for kind, check in _CHECKS:
        if isinstance(component, kind):
            small = shrunk(component)
            try:
                check(small)
            except ConformanceError:
                if repr(small) == repr(component):
                    raise
                check(component)


def _check_value(registry: Registry, entry: Entry) -> None:
    """Check a task by its environment, a recipe by two updates."""
    if entry.kind == "task":
        check_environment(environment_from(registry, entry.name))
        return
    tasks = (environment_from(registry, task.name) for task in registry.entries("task"))
    check_recipe(algorithm_from(registry, entry.name), (environment for group in (SMALL, tasks) for environment in group))


def problem_of(check: Callable[[], None], entry: Entry | None = None) -> Problem | None:
    """The problem that a check finds.

    Args:
        check: raises what is wrong.
        entry: that is checked; its place stands for one that the error does not know.
    """
    place = "" if entry is None else _place(entry)
    try:
        check()
    except ConformanceError as error:
        in_words = entry is not None and entry.component is None and error.__cause__ is None
        return Problem(error.sentence, (place if in_words else "") or error.place or place, error.why, error.remedy)
    except UserError as error:
        why = "Recipes and tasks are written in the words of a config, and built from them."
        return Problem(str(error), place, why, "Correct what the sentence names.")
    return None


def _place(entry: Entry) -> str:
    """The file of a recipe, or the class of a component; empty for what is written in a plugin's code."""
    if entry.component is not None:
        return place_of(entry.component)
    return str(entry.source) if isinstance(entry.source, Path) else ""
