"""Every kind of agent trains: PPO with normalizers, with each network and with wrappers, for a few updates."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from contract.small import compiled

from discover.config.build import algorithm_from, environment_from
from discover.contract.registry import Registry
from discover.inner_loop import lifetime

SMALL = {"steps": 16, "num_envs": 4, "epochs": 2, "minibatches": 2}
MEMORY = {"encoder": [8], "memory": 8, "hidden": []}
BOTH = {"several": {"normalizers": ["observations", "rewards"]}}
AGENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "normalized on CartPole": ("CartPole-v1", {"network": {"mlp": {"hidden": [8]}}, "normalizer": BOTH}),
    "a CNN on stacked frames of Catch": (
        "catch",
        {"network": {"cnn": {"filters": [2], "hidden": [8]}}, "wrappers": ["frame_stack"]},
    ),
    "a GRU that is shown what it did": ("catch", {"network": {"gru": MEMORY}, "wrappers": ["last_action_and_reward"]}),
    "LSTMs apart": ("catch", {"network": {"lstm": MEMORY | {"shared": False}}, "normalizer": "rewards"}),
}
LATE = ("LSTMs apart", "normalized on CartPole", "a CNN on stacked frames of Catch")


@pytest.mark.parametrize("agent", [pytest.param(a, marks=pytest.mark.slow if a in LATE else ()) for a in AGENTS])
def test_an_agent_trains(agent: str, registry: Registry) -> None:
    task, parts = AGENTS[agent]
    algorithm = algorithm_from(registry, {"recipe": "ppo", "rule": {"ppo": SMALL}, **parts})
    environment = environment_from(registry, task)

    @compiled
    def trained(key: jax.Array) -> Any:
        life = lifetime.begin(algorithm, environment, key)
        return life.params, lifetime.advance(algorithm, environment, life, 0, stop=2, total=2)

    before, after = trained(jax.random.key(0, impl="rbg"))
    assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(after.params))
    moved = jax.tree.map(lambda a, b: bool(jnp.any(a != b)), before, after.params)
    assert all(jax.tree.leaves(moved))
    assert after.env_steps == 2 * 16 * 4
