"""The published check of DPO: within noise of PPO on CartPole-v1, which is solved (experiments/dpo_cartpole.md)."""

import pytest

from discover import TaskRun
from discover.config.build import algorithm_from
from discover.config.search_config import default_executor
from discover.evaluation.compare import compare
from discover.plugin.loader import load_plugins


@pytest.mark.slow
def test_dpo_solves_cartpole_and_is_not_told_apart_from_ppo() -> None:
    registry = load_plugins().registry
    both = {name: algorithm_from(registry, name) for name in ("dpo", "ppo")}
    made = compare(registry, default_executor(registry), both, [TaskRun("CartPole-v1", 500_000)], seeds=8)
    assert made.trainings["dpo"][0].interval.estimate > 475
    (difference,) = made.differences
    assert difference.interval.low <= 0.0 <= difference.interval.high
