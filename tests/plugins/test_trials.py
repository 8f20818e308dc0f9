"""Trials: several episodes of one task as one, and the memory that lives for all of them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discover_zoo.environments.random_mdps import RandomMDPs
from discover_zoo.wrappers.trials.trials import Trials

from discover import Algorithm, Environment, Trajectory, World, environment, recipe, replace


def played(algorithm: Algorithm, family: Environment, steps: int, num_envs: int = 3) -> Trajectory:
    world: World = algorithm.world(family)
    params = world.initial_params(jax.random.key(0))
    actor = world.start(jax.random.key(1), world.sample_tasks(jax.random.key(2), num_envs))
    return world.collect(params, actor, jax.random.key(3), steps)[1]


def test_a_trial_ends_after_its_episodes_and_then_the_task_is_another() -> None:
    family = Trials(episodes=3).wrap(RandomMDPs(states=2, actions=2, horizon=4))
    steps = played(recipe("random_play"), family, 26)
    ended = np.flatnonzero(np.asarray(steps.terminated[:, 0]))
    np.testing.assert_array_equal(ended, [11, 23])
    assert not np.asarray(steps.truncated).any()
    inner_ends = np.flatnonzero(np.asarray(steps.next_observation[:, 0, -1]))
    np.testing.assert_array_equal(inner_ends, [3, 7, 11, 15, 19, 23])
    np.testing.assert_array_equal(np.asarray(steps.observation[[0, 12, 24], 0, 2:]), 0.0)  # nothing is known of the last trial


def test_an_observation_shows_the_last_action_and_reward() -> None:
    family = Trials(episodes=3).wrap(RandomMDPs(states=2, actions=3, horizon=4))
    steps = played(recipe("random_play"), family, 11)
    np.testing.assert_array_equal(steps.next_observation[:, :, 2:5], jax.nn.one_hot(steps.action, 3))
    np.testing.assert_array_equal(steps.next_observation[:, :, 5], steps.reward)


@pytest.mark.slow
def test_memory_lives_for_the_trial_and_no_longer() -> None:
    family = Trials(episodes=2).wrap(RandomMDPs(states=2, actions=2, horizon=3))
    algorithm = replace(recipe("rl2"), {"rule.steps": 6})
    world = algorithm.world(family)
    params = world.initial_params(jax.random.key(0))
    steps = played(algorithm, family, 12)

    def policy(start: int, stop: int) -> jax.Array:
        """The policy's outputs over some steps, with an empty memory before them."""
        names = ("observation", "is_first", "action", "reward")
        return world.evaluate(params, steps._replace(**{name: getattr(steps, name)[start:stop] for name in names}))["policy"]

    whole = policy(0, 12)
    assert float(jnp.abs(whole[3:6] - policy(3, 6)).max()) > 1e-6  # the second episode of a trial depends on the first
    np.testing.assert_allclose(whole[6:], policy(6, 12), atol=1e-6)  # the second trial does not depend on the first


def test_a_task_is_the_same_for_the_whole_trial() -> None:
    family = environment("bandits-10")
    keys = jax.random.split(jax.random.key(0), 4)
    task = jnp.array([0.0, 1.0, 0.0, 1.0, 0.0])
    state, _ = family.reset(keys[0], task)
    rewards, ended = [], False
    for pull in range(10):
        step = family.step(jax.random.fold_in(keys[1], pull), state, jnp.int32(pull % 5), task)
        state = step.state
        rewards.append(float(step.reward))
        ended = bool(step.terminated)
    assert rewards == [0.0, 1.0, 0.0, 1.0, 0.0] * 2
    assert ended
