"""Rules, bonuses, networks, wrappers and exports with actions that are several choices at once."""

import importlib
import sys
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discover_zoo.environments.orchard import Orchard
from discover_zoo.wrappers.last_action_and_reward import LastActionAndReward
from discover_zoo.wrappers.sticky_actions import StickyActions

from discover import Spec, UserError, action_size, decode_action, encode_action, export, load, recipe, zero_action
from discover.contract.environment import MultiDiscrete
from discover.inner_loop.population import describe_shapes
from discover.plugin.loader import load_plugins
from discover.testing import check_update_rule
from discover.testing.components import complete
from discover.testing.small import Corridor, Reinforced

REGISTRY = load_plugins().registry
AT_ONCE = ("ppo", "dqn")
LATER = [entry.name for entry in REGISTRY.entries("recipe") if entry.name not in AT_ONCE]
SPEC = Spec((2,), MultiDiscrete((2, 3)))


@pytest.mark.slow
def test_a_rule_that_samples_from_its_policy_keeps_its_promises() -> None:
    check_update_rule(Reinforced(), environment=Corridor(factored=True))


@pytest.mark.parametrize("name", [*AT_ONCE, *[pytest.param(name, marks=pytest.mark.slow) for name in LATER]])
def test_every_recipe_learns_from_them_or_refuses_in_one_sentence(name: str) -> None:
    refused = False
    try:
        describe_shapes(Corridor(factored=True), complete(recipe(name)), 200_000)
    except UserError as error:
        refused, sentence = True, str(error)
        assert sentence.endswith(".")
        assert "\n" not in sentence
    sampling = {"ppo", "a2c", "impala", "lpo", "dpo", "lpg", "promp"}
    assert not (refused and name in sampling), name
    assert refused or name not in {"dqn", "sac", "td3", "q_learning", "sarsa"}, name


def test_dqn_refuses_them_and_names_the_remedy() -> None:
    with pytest.raises(
        UserError, match=r"^DQN needs discrete actions, but those of this task are several choices at once: add"
    ):
        load("dqn").rule.heads(SPEC)


def test_they_are_encoded_one_hot_side_by_side() -> None:
    actions = jnp.asarray([[1, 2], [0, 1]])
    encoded = encode_action(SPEC, actions)
    np.testing.assert_array_equal(encoded, [[0, 1, 0, 0, 1], [1, 0, 0, 1, 0]])
    np.testing.assert_array_equal(decode_action(SPEC, encoded), actions)
    assert encoded.shape[-1] == action_size(SPEC)
    assert zero_action(SPEC).dtype == jnp.int32


def test_wrappers_show_and_repeat_them() -> None:
    family, task = LastActionAndReward().wrap(Orchard()), jnp.zeros((), jnp.int32)
    state, first = family.reset(jax.random.key(0), task)
    assert first.shape == family.spec().observation_shape == (28 + 9 + 1,)
    step = family.step(jax.random.key(1), state, jnp.asarray([3, 0, 1]), task)
    np.testing.assert_array_equal(step.observation[28:37], [0, 0, 0, 1, 1, 0, 0, 0, 1])
    sticky = StickyActions(probability=1.0).wrap(Orchard())
    state, _ = sticky.reset(jax.random.key(0), task)
    for action in ([1, 0, 0], [3, 2, 1]):
        state = sticky.step(jax.random.key(1), state, jnp.asarray(action), task).state
    np.testing.assert_array_equal(state.own[0], [1, 0, 0])


@pytest.mark.slow
def test_an_exported_rule_learns_from_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    export("ppo", to=tmp_path / "out")
    monkeypatch.syspath_prepend(str(tmp_path / "out"))
    rule: Any = importlib.import_module("rule")
    sys.modules.pop("rule")
    spec = rule.Spec((4,), rule.MultiDiscrete((2, 3)))
    steps, num_envs = rule.experience(spec)
    params, state = rule.init(spec, jax.random.key(0))
    observation = jax.random.normal(jax.random.key(1), (steps, num_envs, 4))
    action, log_prob = rule.act(spec, jax.random.key(2), params, state, observation.reshape(-1, 4))
    assert action.shape == (steps * num_envs, 2)
    never = jnp.zeros((steps, num_envs), bool)
    seen = rule.Trajectory(
        observation=observation,
        action=action.reshape(steps, num_envs, 2),
        log_prob=log_prob.reshape(steps, num_envs),
        reward=observation[..., 0],
        terminated=never,
        truncated=never,
        next_observation=observation,
        is_first=never,
    )
    after, _, _ = rule.update(spec, jax.random.key(3), params, state, seen)
    assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(after))
    assert any(np.any(a != b) for a, b in zip(jax.tree.leaves(after), jax.tree.leaves(params), strict=True))
