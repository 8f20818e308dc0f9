"""What a candidate comes down to, and its values by path."""

from discover_zoo.returns.gae import GAE
from discover_zoo.returns.monte_carlo import MonteCarlo
from discover_zoo.returns.n_step import NStep
from discover_zoo.returns.one_of_returns import OneOfReturns

import discover
from discover import effective, replace, values_by_path


def test_options_that_are_not_chosen_are_no_part_of_what_a_candidate_comes_down_to() -> None:
    inner = OneOfReturns(options=(NStep(n=7), MonteCarlo()), index=0)
    ppo = replace(discover.recipe("ppo"), {"rule.returns": OneOfReturns(options=(GAE(), inner), index=1)})
    assert repr(effective(ppo)) == repr(replace(ppo, {"rule.returns": NStep(n=7)}))
    assert values_by_path(effective(ppo))["rule.returns.n"] == 7
    assert values_by_path(ppo)["rule.returns.options.1.options.0.n"] == 7


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
