"""A denser reward to learn from is collected beside the reward that counts, through wrappers too."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discover_zoo.environments.navigation.half_circle import HalfCircle
from discover_zoo.networks.mlp import MLP
from discover_zoo.optimizers.adam import Adam
from discover_zoo.returns.gae import GAE
from discover_zoo.rules.ppo import PPO
from discover_zoo.wrappers.action_repeat import ActionRepeat
from discover_zoo.wrappers.trials.trials import Trials

from discover import Algorithm, Trajectory, Wrapper

GOAL = jnp.asarray([0.0, 1.0])
AGENT = Algorithm(rule=PPO(returns=GAE(), optimizer=Adam()), network=MLP(hidden=(2,)))


@jax.jit
def collected(family: HalfCircle) -> Trajectory:
    world = AGENT.world(family)
    params = world.initial_params(jax.random.key(0))
    return world.collect(params, world.start(jax.random.key(0), GOAL[None]), jax.random.key(1), 3)[1]


def test_a_shaped_reward_is_collected_beside_the_real_one() -> None:
    trajectory = collected(HalfCircle())
    distance = np.linalg.norm(np.asarray(trajectory.next_observation) - np.asarray(GOAL), axis=-1)
    np.testing.assert_allclose(trajectory.shaped, -distance, atol=1e-6)
    np.testing.assert_array_equal(trajectory.dense_reward, trajectory.shaped)
    np.testing.assert_array_equal(trajectory.reward, 0.0)


def test_without_a_shaped_reward_rules_learn_from_the_reward() -> None:
    trajectory = collected(HalfCircle(dense=True))
    assert trajectory.shaped == ()
    np.testing.assert_array_equal(trajectory.dense_reward, trajectory.reward)


@pytest.mark.parametrize(("wrapper", "shaped"), [(ActionRepeat(times=3), -(0.9 + 0.8 + 0.7)), (Trials(episodes=2), -0.9)])
def test_wrappers_pass_a_shaped_reward_on(wrapper: Wrapper, shaped: float) -> None:
    family, key = wrapper.wrap(HalfCircle()), jax.random.key(0)
    step = family.step(key, family.reset(key, GOAL)[0], jnp.asarray([0.0, 1.0]), GOAL)
    assert float(np.asarray(step.shaped)) == pytest.approx(shaped, abs=1e-6)
