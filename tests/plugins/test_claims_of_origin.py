"""Recipes that say whose settings they have do have them; numbers are those of the sources, in the sources' terms."""

from typing import Any

import pytest

from discover import Registry, get
from discover.config.build import algorithm_from

ZOO_A2C = {"num_envs": 8, "steps": 5, "gamma of returns": 0.99, "lr": 7e-4, "entropy": 0.0, "value": 0.5, "norm": 0.5}
ZOO_PPO = {"num_envs": 4, "steps": 1024, "gamma of returns": 0.9, "lr": 1e-3, "entropy": 0.0, "value": 0.5, "norm": 0.5}
PUREJAXRL = {
    "num_envs": 4,
    "steps": 128,
    "gamma of returns": 0.99,
    "lr": 2.5e-4,
    "entropy": 0.01,
    "value": 0.25,
    "norm": 0.5,
}
ON_POLICY: dict[str, dict[str, Any]] = {
    "a2c": ZOO_A2C,
    "ppo_pendulum": ZOO_PPO | {"minibatches": 4 * 1024 // 64, "epochs": 10, "clip": 0.2, "lambda": 0.95},
    "ppo": PUREJAXRL | {"minibatches": 4, "epochs": 4, "clip": 0.2, "lambda": 0.95, "anneal": 1.0},
    "ppo_minatar": PUREJAXRL | {"num_envs": 64, "minibatches": 8, "lr": 5e-3},
}
PATHS = {
    "gamma of returns": "returns.gamma",
    "lambda": "returns.lam",
    "entropy": "entropy_coefficient",
    "value": "value_coefficient",
    "norm": "optimizer.max_norm",
    "lr": "optimizer.optimizer.learning_rate",
    "anneal": "optimizer.optimizer.anneal",
    "lr of both": "optimizer.learning_rate",
    "lr of policy": "policy_optimizer.learning_rate",
}
ZOO_TD3 = {"gamma": 0.98, "capacity": 200_000, "learning_starts": 10_000, "noise": 0.1, "delay": 2, "batch": 256}
OFF_POLICY: dict[str, dict[str, Any]] = {
    "sac": {"gamma": 0.99, "batch": 256, "polyak": 0.005, "learning_starts": 100, "lr of both": 1e-3, "lr of policy": 1e-3},
    "td3": ZOO_TD3 | {"polyak": 0.005, "smoothing": 0.2, "smoothing_clip": 0.5, "lr of both": 1e-3, "lr of policy": 1e-3},
    "dqn": {"num_envs": 10, "capacity": 10_000, "batch": 128, "lr of both": 2.5e-4, "target_period": 500 // 10},
}
CLAIMS = ON_POLICY | OFF_POLICY


@pytest.mark.parametrize("name", CLAIMS)
def test_a_recipe_has_the_settings_that_it_claims(registry: Registry, name: str) -> None:
    """``value`` is what the mean squared error of the value is multiplied with; rules here halve that error first."""
    rule = algorithm_from(registry, name).rule
    for setting, value in CLAIMS[name].items():
        found = float(get(rule, PATHS.get(setting, setting)))
        assert found * (0.5 if setting == "value" else 1.0) == pytest.approx(value), f"{setting} of {name}"
