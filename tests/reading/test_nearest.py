"""The nearest known recipe, and the differences to it."""

import numpy as np
import pytest
from discover_zoo.normalizers.observations import Observations
from discover_zoo.returns.n_step import NStep
from discover_zoo.wrappers.time_limit import TimeLimit

import discover
from discover import Algorithm, Registry, Space, replace
from discover.config.build import algorithm_from
from discover.reading.nearest import NearestRecipe, nearest_recipe


def nearest(candidate: Algorithm, registry: Registry) -> NearestRecipe:
    found = nearest_recipe(discover.effective(candidate), registry)
    assert found is not None
    return found


@pytest.mark.parametrize("name", ["a2c", "dpo", "dqn", "ppo", "ppo_minatar", "sac", "sarsa"])
def test_a_recipe_is_itself(registry: Registry, name: str) -> None:
    found = nearest(algorithm_from(registry, name), registry)
    assert (found.name, found.distance, found.changes) == (name, 0.0, ())
    assert found.sentence() == f"is the recipe {name}"


def test_what_a_candidate_changes_is_told_with_both_values(registry: Registry) -> None:
    ppo = algorithm_from(registry, "ppo")
    found = nearest(replace(ppo, {"rule.clip": 0.31, "rule.returns": NStep(gamma=0.97, n=7)}), registry)
    told = {change.path: (change.before, change.after) for change in found.changes}
    assert found.name == "ppo"
    assert told == {
        "rule.returns": ("gae", "n_step"),
        "rule.returns.gamma": ("0.99", "0.97"),
        "rule.returns.n": ("", "7"),
        "rule.clip": ("0.2", "0.31"),
    }
    assert found.sentence() == "is ppo with returns: gae -> n_step, n: 7, gamma: 0.99 -> 0.97, clip: 0.2 -> 0.31"
    assert found.sentence(most=1) == "is ppo with returns: gae -> n_step, and 3 more"


def test_a_number_counts_as_the_share_of_its_range_on_the_scale_of_its_domain(registry: Registry) -> None:
    ppo = algorithm_from(registry, "ppo")
    (low,) = nearest(replace(ppo, {"rule.entropy_coefficient": 0.03}), registry).changes
    assert low.weight == pytest.approx(0.02 / 0.1, rel=1e-4)
    (change,) = nearest(replace(ppo, {"rule.optimizer.optimizer.learning_rate": 2.5e-3}), registry).changes
    assert change.weight == pytest.approx(1 / 4, rel=1e-4)  # one of the four powers of ten from 1e-5 to 1e-1


def test_parts_that_do_nothing_make_no_difference(registry: Registry) -> None:
    words = {"one_of_returns": {"options": ["n_step", {"gae": {"gamma": 0.99, "lam": 0.95}}], "index": 1}}
    candidate = algorithm_from(registry, {"recipe": "ppo", "rule": {"ppo": {"returns": words}}})
    assert nearest(candidate, registry).sentence() == "is the recipe ppo"


def test_parts_that_are_added_are_told(registry: Registry) -> None:
    ppo = algorithm_from(registry, "ppo")
    more = replace(ppo, {"normalizer": Observations(), "wrappers": (TimeLimit(steps=50),)})
    assert [str(change) for change in nearest(more, registry).changes] == [
        "wrappers.0: none -> time_limit",
        "normalizer: none -> observations",
    ]


def test_a_candidate_of_a_recipe_that_is_a_space_is_near_it(registry: Registry) -> None:
    space = Space(algorithm_from(registry, "residual_lpo"))
    candidate = replace(space.decode(np.zeros(space.dimension, np.float32)), {"rule.clip": 0.3})
    found = nearest(candidate, registry)
    assert found.name == "residual_lpo"
    assert [str(change) for change in found.changes] == ["clip: 0.2 -> 0.3"]


def test_without_recipes_there_is_no_relative(registry: Registry) -> None:
    assert nearest_recipe(algorithm_from(registry, "ppo"), Registry()) is None
