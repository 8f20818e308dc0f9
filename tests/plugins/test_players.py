"""Hand-written players: their tallies, their plans, and that they learn within a trial."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discover_zoo.environments.random_mdps import RandomMDPs
from discover_zoo.rules.players.model import mean_rewards, mean_transitions, values
from discover_zoo.wrappers.trials.trials import Trials

import discover
from discover import environment, recipe, replace


def test_tallies_are_counts_of_what_happened_before_the_episode() -> None:
    states, actions, horizon = 3, 2, 4
    algorithm = recipe("random_play")
    world = algorithm.world(Trials(episodes=3).wrap(RandomMDPs(states=states, actions=actions, horizon=horizon)))
    actor = world.start(jax.random.key(1), world.sample_tasks(jax.random.key(2), 2))
    steps = world.collect({}, actor, jax.random.key(3), 3 * horizon)[1]
    visits, rewards = np.zeros((states, actions)), np.zeros((states, actions))
    went = np.zeros((states, actions, states))
    known = visits, rewards, went
    for t in range(3 * horizon):
        if t % horizon == 0:
            known = visits.copy(), rewards.copy(), went.copy()
        for name, expected in zip(("visits", "reward_sum", "transitions"), known, strict=True):
            np.testing.assert_allclose(steps.outputs[name][t, 0], expected, atol=1e-5, err_msg=f"{name} at {t}")
        assert float(steps.outputs["step"][t, 0]) == t % horizon
        state, action = int(jnp.argmax(steps.observation[t, 0, :states])), int(steps.action[t, 0])
        visits[state, action] += 1
        rewards[state, action] += float(steps.reward[t, 0])
        if t % horizon < horizon - 1:
            went[state, action, int(jnp.argmax(steps.observation[t + 1, 0, :states]))] += 1


def test_a_plan_is_as_good_as_the_best_of_all_policies() -> None:
    states, actions, horizon = 2, 2, 3
    transitions, rewards = RandomMDPs(states=states, actions=actions).sample_task(jax.random.key(0))
    best = -np.inf
    choices = list(itertools.product(range(actions), repeat=states))
    for policy in itertools.product(choices, repeat=horizon):  # an action for each step and state
        place, total = np.array([1.0, 0.0]), 0.0
        for taken in policy:
            total += sum(place[s] * float(rewards[s, taken[s]]) for s in range(states))
            place = sum((place[s] * np.asarray(transitions[s, taken[s]]) for s in range(states)), np.zeros(states))
        best = max(best, total)
    assert float(values(rewards, transitions, horizon)[0, 0].max()) == pytest.approx(best, abs=1e-5)


def test_posterior_means() -> None:
    tallies = {"visits": jnp.array([[3.0]]), "reward_sum": jnp.array([[5.0]]), "transitions": jnp.array([[[2.0, 0.0]]])}
    assert float(mean_rewards(tallies, "normal")[0, 0]) == pytest.approx((1.0 + 5.0) / (1.0 + 3.0))
    assert float(mean_rewards({**tallies, "reward_sum": jnp.array([[2.0]])}, "bernoulli")[0, 0]) == pytest.approx(3.0 / 5.0)
    np.testing.assert_allclose(mean_transitions(tallies)[0, 0], [0.75, 0.25])


@pytest.mark.slow
@pytest.mark.parametrize(("name", "least"), [("random_play", 4.7), ("ucb1", 6.2), ("greedy_bandit", 6.2), ("thompson", 5.5)])
def test_players_learn_within_ten_pulls(name: str, least: float) -> None:
    player = replace(recipe(name), {"rule.num_envs": 500})
    training = discover.train(player, "bandits-10", steps=10_000, seeds=1)
    assert least < training.returns[0] < least + 0.7


@pytest.mark.slow
def test_posterior_samples_of_decision_processes_learn() -> None:
    family = environment("mdps-10")
    tasks = jax.vmap(family.sample_task)(jax.random.split(jax.random.key(4), 24))
    returns = {}
    for name in ("random_play", "psrl"):
        world = recipe(name).world(family)
        _, steps = world.collect({}, world.start(jax.random.key(1), tasks), jax.random.key(3), 100)
        first, last = np.asarray(steps.reward[:10].sum(axis=0)), np.asarray(steps.reward[90:].sum(axis=0))
        returns[name] = (last - first).mean()
    assert returns["psrl"] > returns["random_play"] + 2.0
