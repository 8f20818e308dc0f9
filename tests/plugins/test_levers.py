"""Levers around PPO: nothing at their defaults, in any order; with all of them on, a rule like any other."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
import pytest
from discover_zoo.optimizers.adam import Adam
from discover_zoo.returns.gae import GAE
from discover_zoo.returns.scaled_values import ScaledValues
from discover_zoo.returns.v_trace import VTrace
from discover_zoo.rules.auxiliary_phase import AuxiliaryPhase
from discover_zoo.rules.informed_lpo import InformedLPO
from discover_zoo.rules.informed_network import random_weights, silent_weights
from discover_zoo.rules.replayed import Replayed
from discover_zoo.rules.scheduled.rule_numbers import numbers_of
from discover_zoo.rules.scheduled.scheduled import Scheduled
from discover_zoo.rules.scheduled.schedules import Schedule
from discover_zoo.rules.target_kl import TargetKL
from plugins.levers import SIZES, SMALL, assert_same_agent, lived, usual

from discover import UpdateRule, effective, replace
from discover.testing import check_update_rule

Around = Callable[[UpdateRule], UpdateRule]

PATHS = ("rule.clip", "rule.returns.returns.gamma", "rule.optimizer.learning_rate", "rule.entropy_coefficient")
OFF: dict[str, Around] = {
    "scheduled": lambda rule: Scheduled(rule=rule),
    "target_kl": lambda rule: TargetKL(rule=rule),
    "replayed": lambda rule: Replayed(rule=rule),
    "auxiliary_phase": lambda rule: AuxiliaryPhase(rule=rule, optimizer=Adam()),
}
ON: dict[str, Around] = {
    "scheduled": lambda rule: Scheduled(rule=rule, schedules=(changing(rule, "clip"), changing(rule, "learning_rate"))),
    "target_kl": lambda rule: TargetKL(rule=rule, gain=0.5),
    "replayed": lambda rule: Replayed(rule=rule, columns=2, capacity=8),
    "auxiliary_phase": lambda rule: AuxiliaryPhase(rule=rule, optimizer=Adam(), epochs=1, minibatches=2),
}
CORRECTED = ScaledValues(returns=VTrace(), squash=0.5)
INFORMED = InformedLPO(
    drift_weights=random_weights(6, jax.random.key(0)), returns=CORRECTED, optimizer=Adam(learning_rate=0.01), **SIZES
)


def changing(rule: UpdateRule, name: str) -> Schedule:
    """A schedule for the number of this name, wherever it is in the rule."""
    return Schedule(path=next(path for path in numbers_of(rule) if path.split(".")[-1] == name), change=0.2)


def nested(rule: UpdateRule, levers: dict[str, Around], order: Sequence[str]) -> UpdateRule:
    for name in order:
        rule = levers[name](rule)
    return rule


def test_all_levers_at_their_defaults_are_the_known_algorithm_to_the_bit() -> None:
    returns, silent = ScaledValues(returns=GAE()), silent_weights(6, jax.random.key(0))
    informed = InformedLPO(drift_weights=silent, returns=returns, optimizer=SMALL.optimizer, **SIZES)
    inside = AuxiliaryPhase(rule=informed, optimizer=Adam())
    still = Scheduled(rule=inside, schedules=tuple(Schedule(path=path) for path in PATHS))
    life = lived(TargetKL(rule=Replayed(rule=still)))
    assert_same_agent(life, usual())
    assert float(life.rule_state.factor) == 1.0
    assert float(np.sum(life.rows["kl"])) > 0.0
    assert repr(effective(TargetKL(rule=Replayed(rule=still)))) == repr(replace(informed, {"returns": GAE()}))


@pytest.mark.slow
@pytest.mark.parametrize("order", [*[(name,) for name in OFF], *list(itertools.permutations(OFF))[::5]], ids=" in ".join)
def test_each_lever_is_nothing_at_its_defaults_in_any_order(order: tuple[str, ...]) -> None:
    assert_same_agent(lived(nested(SMALL, OFF, order)), usual())


@pytest.mark.slow
@pytest.mark.parametrize("order", list(itertools.permutations(ON))[::5], ids=" in ".join)
def test_levers_work_in_each_other_in_any_order(order: tuple[str, ...]) -> None:
    life = lived(nested(INFORMED, ON, order), 5)
    assert all(np.all(np.isfinite(x)) for x in jax.tree.leaves((life.params, life.rows)))
    assert int(life.env_steps) == 5 * 16
    assert {"kl", "step_factor", "auxiliary_kl"} <= life.rows.keys()


@pytest.mark.slow
@pytest.mark.parametrize("name", [*ON, "all"])
def test_a_lever_obeys_the_laws_of_rules_where_it_is_on(name: str) -> None:
    """A step of Adam with a small eps does not depend on the scale of its gradient, and so not on the weight of the critic."""
    small: dict[str, Any] = {"steps": 4, "num_envs": 4, "optimizer.eps": 0.01}
    rule = replace(INFORMED, small)
    check_update_rule(nested(rule, ON, [*ON] if name == "all" else [name]))
