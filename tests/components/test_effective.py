"""What a candidate comes down to, and its values by path."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from discover_zoo.optimizers.adam import Adam
from discover_zoo.returns.gae import GAE
from discover_zoo.returns.monte_carlo import MonteCarlo
from discover_zoo.returns.n_step import NStep
from discover_zoo.returns.one_of_returns import OneOfReturns
from discover_zoo.rules.a2c import A2C
from discover_zoo.rules.scheduled.scheduled import Scheduled
from discover_zoo.rules.scheduled.schedules import Schedule

import discover
from discover import Component, Weights, component, effective, replace, values_by_path, weights


def test_options_that_are_not_chosen_are_no_part_of_what_a_candidate_comes_down_to() -> None:
    inner = OneOfReturns(options=(NStep(n=7), MonteCarlo()), index=0)
    ppo = replace(discover.recipe("ppo"), {"rule.returns": OneOfReturns(options=(GAE(), inner), index=1)})
    assert repr(effective(ppo)) == repr(replace(ppo, {"rule.returns": NStep(n=7)}))
    assert values_by_path(effective(ppo))["rule.returns.n"] == 7
    assert values_by_path(ppo)["rule.returns.options.1.options.0.n"] == 7


def test_parts_that_are_named_by_path_stay_where_they_are() -> None:
    returns = OneOfReturns(options=(GAE(), GAE(lam=0.5)), index=1)
    schedule = Schedule(path="returns.options.1.lam", change=-0.5)
    rule = Scheduled(rule=A2C(returns=returns, optimizer=Adam()), schedules=(schedule,))
    assert repr(effective(rule)) == repr(rule)
    assert repr(effective(Scheduled(rule=rule.rule))) == repr(A2C(returns=GAE(lam=0.5), optimizer=Adam()))


def test_a_candidate_without_such_options_stays_as_it_is() -> None:
    for name in ("dqn", "sac", "lpo", "maml"):
        assert repr(effective(discover.recipe(name))) == repr(discover.recipe(name))


def test_values_are_numbers_as_a_user_writes_them() -> None:
    values = values_by_path(discover.recipe("ppo"))
    assert values["rule.clip"] == 0.2
    assert values["rule.epochs"] == 4
    assert values["rule"] == "PPO"
    assert values["network.shared"] is False
    assert "curriculum" not in values
    assert "wrappers" not in values


def test_weights_are_told_by_their_bits_whoever_holds_them() -> None:
    weights = {"kernel": np.array([[1.0, 2.0]], np.float32), "bias": np.zeros(2, np.float32)}
    told = [_told(tree) for tree in (weights, jax.tree.map(jnp.asarray, weights), {**weights, "bias": np.ones(2, np.float32)})]
    assert told[0] == told[1] != told[2]
    assert str(told[0]).startswith("4 weights ")


def _told(tree: Any) -> object:
    return values_by_path(Holder(held=tree))["held"]


@component
class Holder(Component):
    """A component that holds weights."""

    held: Weights = weights(init=lambda owner, key: {"kernel": jnp.zeros((1, 2)), "bias": jnp.zeros(2)})
