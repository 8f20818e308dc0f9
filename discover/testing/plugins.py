"""Checks of all that a plugin brings."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, NamedTuple

from discover.base.errors import UserError
from discover.components.component import Component
from discover.components.paths import nodes
from discover.config.build import algorithm_from, environment_from
from discover.contract.algorithm import Algorithm
from discover.contract.curriculum import Curriculum
from discover.contract.environment import Environment, Wrapper
from discover.contract.executor import Executor
from discover.contract.exploration_bonus import ExplorationBonus
from discover.contract.meta_objective import MetaObjective
from discover.contract.network import Network
from discover.contract.normalizer import Normalizer
from discover.contract.optimizer import Optimizer
from discover.contract.registry import Entry, Registry
from discover.contract.return_function import ReturnFunction
from discover.contract.strategy import Objective, Strategy
from discover.contract.update_rule import UpdateRule
from discover.testing.bonuses import check_exploration_bonus
from discover.testing.components import check_component
from discover.testing.environments import check_environment
from discover.testing.executors import check_executor
from discover.testing.failures import ConformanceError, require
from discover.testing.meta_objectives import check_meta_objective
from discover.testing.networks import check_network
from discover.testing.normalizers import check_normalizer
from discover.testing.objectives import check_objective
from discover.testing.optimizers import check_optimizer
from discover.testing.problems import Problem, problem_of, unmade
from discover.testing.recipes import SMALL, check_recipe
from discover.testing.registered import examples
from discover.testing.returns import check_return_function
from discover.testing.rules import check_update_rule
from discover.testing.sizes import shrunk
from discover.testing.small import Corridor
from discover.testing.strategies import check_strategy
from discover.testing.wrappers import check_curriculum, check_wrapper


class Outcome(NamedTuple):
    """The outcome of the checks of one name.

    Attributes:
        kind, name: of what was checked.
        seconds: that its checks took.
        problem: the first check that fails; None if all pass.
        skipped: why nothing could be checked, such as "update rule 'mine' failed"; or an empty text.
        notes: what the checks could not see, a sentence each.
    """

    kind: str
    name: str
    seconds: float
    problem: Problem | None = None
    skipped: str = ""
    notes: tuple[str, ...] = ()


def _check_rule(rule: UpdateRule) -> None:
    """Check a rule over as many updates as it needs to end an episode of the small environment."""
    with contextlib.suppress(UserError):  # a rule for real actions alone learns from batches
        if rule.rollout(Corridor().spec())[:2] == (1, 1):
            check_update_rule(rule, updates=10)
            return
    check_update_rule(rule)


_CHECKS: tuple[tuple[type[Component], Callable[[Any], tuple[str, ...] | None]], ...] = (
    (Objective, check_objective),
    (MetaObjective, check_meta_objective),
    (Normalizer, check_normalizer),
    (Optimizer, check_optimizer),
    (ReturnFunction, check_return_function),
    (ExplorationBonus, check_exploration_bonus),
    (Environment, check_environment),
    (Wrapper, check_wrapper),
    (Network, check_network),
    (Strategy, check_strategy),
    (Executor, check_executor),
    (Curriculum, check_curriculum),
    (UpdateRule, _check_rule),
)
"""The check of each kind, the quickest first. Those of tasks and recipes follow them."""

_NAME = re.compile(r"[A-Za-z0-9][\w.+-]*")
_NAMED = "Use letters, digits, and _ - . + between them, such as 'my_rule'."

_ORDER = {kind.kind: place for place, (kind, _) in enumerate(_CHECKS)} | {"task": 20, "recipe": 30}


def outcomes(registry: Registry, entries: Collection[Entry], told: Callable[[str], None] = lambda _: None) -> Iterator[Outcome]:
    """Check names one by one, those whose checks are quick first.

    Args:
        registry: of all plugins.
        entries: what to check.
        told: called with each name before it is checked.
    """
    broken: dict[type[Component], Exception] = {}
    instances = {type(made): made for _, made in examples(registry, unless_broken=True, broken=broken)} if entries else {}
    failed: dict[type[Component], str] = {}
    sound: dict[str, tuple[str, ...]] = {}
    for entry in sorted(entries, key=lambda entry: (_ORDER.get(entry.kind, 10), _depth(instances, entry), entry.name)):
        told(f"{entry.kind} {entry.name}")
        started = time.perf_counter()
        if entry.component is not None and entry.component in broken:
            outcome = Outcome(entry.kind, entry.name, 0.0, unmade(entry, broken[entry.component]))
        else:
            outcome = _outcome(registry, entry, instances, failed=failed, sound=sound)
        if outcome.problem is not None and entry.component is not None:
            failed[entry.component] = f"{entry.kind} '{entry.name}'"
        yield outcome._replace(seconds=time.perf_counter() - started)


def _outcome(
    registry: Registry,
    entry: Entry,
    instances: Mapping[type[Component], Component],
    *,
    failed: Mapping[type[Component], str],
    sound: dict[str, tuple[str, ...]],
) -> Outcome:
    """Check one name, unless a part of it has failed already.

    Args:
        registry: of all plugins.
        entry: what to check.
        instances: a component of each class.
        failed: classes that failed their own checks, and how they are called.
        sound: environments that passed, by how they print, with the notes on them; another one is added.
    """
    result: list[tuple[str, ...]] = []
    blamed: list[str] = []

    def check() -> None:
        sentence = f"the name '{entry.name}' has characters that configs and the command line read otherwise."
        require(_NAME.fullmatch(entry.name), sentence, "Names are words of configs, paths and commands.", _NAMED)
        made = instances.get(entry.component) if entry.component is not None else _built(registry, entry)
        parts = [] if made is None else [type(part) for _, part in nodes(made)]
        blamed.extend(dict.fromkeys(failed[part] for part in parts if part in failed))
        if made is None or blamed:
            return
        key = repr(shrunk(made) if entry.component is not None else made)
        if key not in sound or entry.component is not None:
            sound[key] = _check_value(registry, made) if entry.component is None else _check(registry, made)
        result.append(sound[key])

    problem = problem_of(check, entry)
    skipped = f"{' and '.join(blamed)} failed" if blamed else ""
    if problem is None and not blamed and not result:
        skipped = "it has a setting without a default: register a recipe or a task that uses it"
    notes = result[0] if result else ()
    return Outcome(entry.kind, entry.name, 0.0, problem, skipped=skipped, notes=notes)


def _depth(instances: Mapping[type[Component], Component], entry: Entry) -> int:
    """The number of components inside of what a name stands for, so that parts are checked before what holds them."""
    made = None if entry.component is None else instances.get(entry.component)
    return 0 if made is None else len({type(part) for _, part in nodes(made)})


def _built(registry: Registry, entry: Entry) -> Algorithm | Environment:
    """The candidate of a recipe, or the environment of a task."""
    return (environment_from if entry.kind == "task" else algorithm_from)(registry, entry.name)


def _check(registry: Registry, component: Component) -> tuple[str, ...]:
    """Check a component as any, and as one of its kind: at small sizes, and at its own if it fails."""
    check_component(component, registry)
    notes: tuple[str, ...] = ()
    for kind, check in _CHECKS:
        if isinstance(component, kind):
            small = shrunk(component)
            try:
                notes += check(small) or ()
            except ConformanceError:
                if repr(small) == repr(component):
                    raise
                notes += check(component) or ()
    return notes


def _check_value(registry: Registry, made: Component) -> tuple[str, ...]:
    """Check a task by its environment, a recipe by two updates."""
    if isinstance(made, Environment):
        return check_environment(made)
    assert isinstance(made, Algorithm)
    tasks = (environment_from(registry, task.name) for task in registry.entries("task"))
    check_recipe(made, (environment for group in (SMALL, tasks) for environment in group))
    return ()
