"""Everything registered obeys the laws of its kind."""

import collections
from typing import Any

import pytest
import toys
from discover_zoo.networks.tally import Tally
from discover_zoo.rules.players.player import Player

from discover import (
    Component,
    Curriculum,
    Executor,
    ExplorationBonus,
    Network,
    Normalizer,
    Objective,
    Optimizer,
    ReturnFunction,
    Strategy,
    UpdateRule,
    Wrapper,
    replace,
)
from discover.config.build import environment_from
from discover.contract.registry import Entry
from discover.testing import (
    check_component,
    check_curriculum,
    check_environment,
    check_environment_shapes,
    check_executor,
    check_exploration_bonus,
    check_network,
    check_normalizer,
    check_objective,
    check_optimizer,
    check_return_function,
    check_strategy,
    check_update_rule,
    check_wrapper,
    examples,
)
from discover.testing.sizes import shrunk
from discover.testing.small import Corridor

REGISTRY = toys.plugins().registry
EXAMPLES = [(entry, made) for entry, made in examples(REGISTRY) if entry.provenance.plugin != "toys"]
PLAYERS = (Player, Tally)
"""Rules without parameters that play trials alone, and their network, which knows their heads alone: neither fits the small
environment and the small network of the checks. They are tested in tests/plugins/test_players.py."""

ENOUGH = 8
BY_DEFAULT = ("adam", "clip_norm", "sgd", "rmsprop", "Open_ES", "PSO")
DEAR = {
    "update rule": (),
    "network": ("gru",),
    "environment wrapper": ("time_limit",),
    "curriculum": (),
    "executor": (),
    "strategy": ("random_search", "map_elites", "Open_ES"),
    "return function": ("gae", "n_step", "v_trace"),
    "optimizer": ("adam", "clip_norm", "rmsprop"),
    "exploration bonus": ("counts",),
}
"""Kinds that take long to compile, and those of them that are tested by default."""


def of(kind: type[Component]) -> Any:
    """All of a kind; where they are dear, or a plugin brings many, some of them by default."""
    left_out = () if kind is Component else PLAYERS
    chosen = [(entry, made) for entry, made in EXAMPLES if isinstance(made, kind) and not isinstance(made, left_out)]
    many = collections.Counter((entry.kind, entry.provenance.plugin) for entry, _ in chosen)

    def late(entry: Entry) -> bool:
        if kind is not Component and entry.kind in DEAR:
            return entry.name not in DEAR[entry.kind]
        return many[entry.kind, entry.provenance.plugin] > ENOUGH and entry.name not in BY_DEFAULT

    marked = [pytest.param(m, id=type(m).__name__, marks=pytest.mark.slow if late(e) else ()) for e, m in chosen]
    return pytest.mark.parametrize("made", marked)


def test_a_rule_collects_as_many_steps_of_as_many_environments_as_it_is_told() -> None:
    rules = [made for _, made in EXAMPLES if isinstance(made, UpdateRule) and hasattr(made, "num_envs")]
    told = [replace(rule, {"steps": 3, "num_envs": 2}) for rule in rules if hasattr(rule, "steps")]
    rollouts = {type(rule).__name__: rule.rollout(Corridor().spec()) for rule in told}
    assert {"PPO", "A2C", "TRPO", "DQN", "SAC"} <= rollouts.keys()
    assert {name for name, rollout in rollouts.items() if not rollout.by_rule and rollout[:2] != (3, 2)} == set()


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


@of(ExplorationBonus)
def test_exploration_bonus(made: ExplorationBonus) -> None:
    check_exploration_bonus(shrunk(made))


@of(Normalizer)
def test_normalizer(made: Normalizer) -> None:
    check_normalizer(made)


@of(Wrapper)
def test_wrapper(made: Wrapper) -> None:
    check_wrapper(made)


@of(Curriculum)
def test_curriculum(made: Curriculum) -> None:
    check_curriculum(made)


@of(Executor)
def test_executor(made: Executor) -> None:
    check_executor(made)


@of(Optimizer)
def test_optimizer(made: Optimizer) -> None:
    check_optimizer(made)


@of(Network)
def test_network(made: Network) -> None:
    check_network(shrunk(made))


@of(Objective)
def test_objective(made: Objective) -> None:
    check_objective(made)


@of(Strategy)
def test_strategy(made: Strategy) -> None:
    check_strategy(made)


@of(UpdateRule)
def test_update_rule(made: UpdateRule) -> None:
    step_by_step = made.rollout(Corridor().spec())[:2] == (1, 1)
    check_update_rule(shrunk(made), updates=10 if step_by_step else 2)  # an episode of the corridor has at most 7 steps


# Environments ---------------------------------------------------------------------------------------------------------

TASKS = [entry.name for entry in REGISTRY.entries("task") if entry.provenance.plugin != "toys"]


@pytest.mark.parametrize(
    "task", [task if i % 4 == 0 else pytest.param(task, marks=pytest.mark.slow) for i, task in enumerate(TASKS)]
)
def test_shapes_of_an_environment(task: str) -> None:
    check_environment_shapes(environment_from(REGISTRY, task))


@pytest.mark.parametrize(
    "task", [task if i % 16 == 0 else pytest.param(task, marks=pytest.mark.slow) for i, task in enumerate(TASKS)]
)
def test_environment(task: str) -> None:
    check_environment(environment_from(REGISTRY, task))
