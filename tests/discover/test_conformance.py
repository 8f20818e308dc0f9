"""Everything registered obeys the laws of its kind."""

import collections
from typing import Any

import pytest
import toys

from discover import Component, Network, Objective, Optimiser, ReturnFunction, Strategy, UpdateRule, replace
from discover.components import fields
from discover.testing import (
    check_component,
    check_environment,
    check_environment_shapes,
    check_network,
    check_objective,
    check_optimiser,
    check_return_function,
    check_strategy,
    check_update_rule,
    examples,
)
from discover.testing.small import Corridor
from discover.words import environment_from

REGISTRY = toys.plugins().registry
EXAMPLES = [(entry, made) for entry, made in examples(REGISTRY) if entry.provenance.plugin != "toys"]
SMALL = {"steps": 4, "environments": 4, "epochs": 2, "minibatches": 2, "hidden": (8,), "encoder": (8,), "memory": 8}
SMALL |= {"capacity": 32, "batch": 4, "learning_starts": 0}
ENOUGH = 8
BY_DEFAULT = ("adam", "clip_norm", "sgd", "rmsprop", "lamb", "Open_ES", "PSO")


def of(kind: type[Component]) -> Any:
    """All of a kind; where a plugin brings many of one kind, some of them by default."""
    chosen = [(entry, made) for entry, made in EXAMPLES if isinstance(made, kind)]
    many = collections.Counter((entry.kind, entry.provenance.plugin) for entry, _ in chosen)
    late = {id(e) for e, _ in chosen if many[e.kind, e.provenance.plugin] > ENOUGH and e.name not in BY_DEFAULT}
    marked = [pytest.param(made, id=type(made).__name__, marks=pytest.mark.slow if id(e) in late else ()) for e, made in chosen]
    return pytest.mark.parametrize("made", marked)


def small(component: Any) -> Any:
    """The component with sizes that compile and run in no time."""
    known = {field.name for field in fields(type(component))}
    return replace(component, {name: value for name, value in SMALL.items() if name in known})


def test_every_seed_component_has_an_example() -> None:
    made = {(entry.kind, entry.name) for entry, _ in EXAMPLES}
    seeds = {(e.kind, e.name) for e in REGISTRY.entries() if e.component is not None and e.provenance.plugin != "toys"}
    assert seeds - made == set()


@of(Component)
def test_component(made: Component) -> None:
    check_component(made, REGISTRY)


@of(ReturnFunction)
def test_return_function(made: ReturnFunction) -> None:
    check_return_function(made)


@of(Optimiser)
def test_optimiser(made: Optimiser) -> None:
    check_optimiser(made)


@of(Network)
def test_network(made: Network) -> None:
    check_network(small(made))


@of(Objective)
def test_objective(made: Objective) -> None:
    check_objective(made)


@of(Strategy)
def test_strategy(made: Strategy) -> None:
    check_strategy(made)


def depth(rule: Component) -> int:
    """How many rules it holds: what wraps another rule compiles that one too."""
    return sum(isinstance(value, UpdateRule) for value in vars(rule).values())


RULES = [(entry.provenance.plugin, made) for entry, made in EXAMPLES if isinstance(made, UpdateRule)]
RULES.sort(key=lambda rule: depth(rule[1]))
FIRST = dict(reversed(RULES))


@pytest.mark.parametrize(
    "made",
    [made if FIRST[plugin] is made else pytest.param(made, marks=pytest.mark.slow) for plugin, made in RULES],
    ids=lambda made: type(made).__name__,
)
def test_update_rule(made: UpdateRule) -> None:
    """One rule of each plugin by default, one that wraps no other if it can be, since each takes ten seconds to compile."""
    step_by_step = made.rollout(Corridor().spec())[:2] == (1, 1)
    check_update_rule(small(made), updates=10 if step_by_step else 2)  # an episode of the corridor has at most 7 steps


# Environments ---------------------------------------------------------------------------------------------------------

TASKS = [entry.name for entry in REGISTRY.entries("task") if entry.provenance.plugin != "toys"]


@pytest.mark.parametrize("task", TASKS)
def test_shapes_of_an_environment(task: str) -> None:
    check_environment_shapes(environment_from(REGISTRY, task))


@pytest.mark.parametrize(
    "task", [task if i % 8 == 0 else pytest.param(task, marks=pytest.mark.slow) for i, task in enumerate(TASKS)]
)
def test_environment(task: str) -> None:
    check_environment(environment_from(REGISTRY, task))
