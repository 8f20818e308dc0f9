"""MAESN's latent variables are held for an episode and moved by their score function; without them it is MAML."""

import functools
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from contract.small import agent, compiled
from discover_zoo.environments.navigation.half_circle import HalfCircle
from discover_zoo.optimizers.adam import Adam
from discover_zoo.optimizers.sgd import SGD
from discover_zoo.returns.monte_carlo import MonteCarlo
from discover_zoo.rules.maesn import LATENT, LOG_STD, MAESN, MEAN, NOISE, Learned, State
from discover_zoo.rules.maml import MAML
from discover_zoo.rules.policy_gradient import PolicyGradient
from discover_zoo.rules.promp import ProMP
from plugins.bandits import Arm, Logits

from discover import AUXILIARY_LOSS, Gaussian, Info, Outputs, Params, Registry, Trajectory, UserError, World, component, replace
from discover.components.paths import check
from discover.config.build import algorithm_from
from discover.evaluation.episodes import Player
from discover.inner_loop.agents import Learned as Trained


@component
class Recording(ProMP):
    """ProMP, which reports the batch that it learns from."""

    def update(
        self, key: jax.Array, world: World, params: Params, state: Any, trajectory: Trajectory
    ) -> tuple[Params, Any, Any]:
        return *super().update(key, world, params, state, trajectory)[:2], {"batch": trajectory}


INNER = PolicyGradient(returns=MonteCarlo(), optimizer=SGD(learning_rate=0.5), normalize=False)
OUTER = ProMP(returns=MonteCarlo(), optimizer=Adam(learning_rate=0.01), epochs=2)
TASK = HalfCircle(horizon=3)
RULE = MAESN(
    inner=INNER,
    outer=Recording(returns=MonteCarlo(), optimizer=Adam(learning_rate=0.01), epochs=2),
    returns=MonteCarlo(gamma=1.0),
    tasks=2,
    train_tasks=4,
    num_envs=3,
    steps=3,
    rate=0.5,
    latent_kl=0.25,
    latents_only=True,
    shaped="all",
)
AGENT = agent(RULE)


def world() -> World:
    return AGENT.world(TASK)


class Seen(NamedTuple):
    """What the agent learns from, and what comes of it."""

    params: Params
    state: State
    learned: Learned
    joined: Trajectory
    outputs: Outputs
    gradient: Learned
    slope: Gaussian
    adapted: State
    two: tuple[Trajectory, Trajectory]
    updated: tuple[Params, State]


@functools.cache
def seen() -> Seen:
    return compiled(_seen)(jax.random.key(0))


def names() -> list[int]:
    """The tasks of the update."""
    return seen().joined.extra[0][1].extra.tolist()


def _seen(key: jax.Array) -> Seen:
    here = world()
    params = here.initial_params(key)
    state = RULE.init(key, here, params)
    latents = Gaussian(jnp.full((4, 2), 0.5), jnp.full((4, 2), jnp.log(0.5)))
    learned, state = Learned(params, latents, state.rates), state._replace(latents=latents)
    *updated, info = RULE.update(key, here, params, state, None)
    joined, adapting = cast(Any, info)["batch"], RULE.adapting(here)

    def loss(outputs: Outputs, batch: Trajectory) -> tuple[jax.Array, Info]:
        return jnp.sum(here.policy(outputs).log_prob(batch.action) * jnp.arange(9.0).reshape(3, 3).repeat(2, 1)), {}

    held = state._replace(latent=Gaussian(jnp.asarray([1.0, -1.0]), jnp.log(jnp.asarray([0.5, 2.0]))))
    actor = here.start(key, here.sample_tasks(key, 2))
    actor, first = here.collect(params, actor, key, 4, RULE.behavior(params, held)[1])
    _, second = here.collect(params, actor, jax.random.key(1), 4, RULE.behavior(params, held)[1])
    first = first._replace(reward=first.dense_reward)
    return Seen(
        params=params,
        state=state,
        learned=learned,
        joined=joined,
        outputs=adapting.evaluate(learned, joined),
        gradient=adapting.gradient(loss)(learned, joined)[0],
        slope=RULE.latent_slope(here, params, held.latent, trajectory=first),
        adapted=RULE.adapt_to_task(key, here, params, held, first)[1],
        two=(first, second),
        updated=(updated[0], updated[1]),
    )


def test_a_latent_variable_is_held_for_an_episode_and_drawn_anew_for_the_next() -> None:
    """Episodes of three steps, in two batches of four: the second one begins in the middle of an episode."""
    both = {name: np.concatenate([part.context[name] for part in seen().two]) for name in (LATENT, NOISE, MEAN, LOG_STD)}
    latent = both[LATENT]  # [8, 2, d]
    for begin, end in ((0, 3), (3, 6), (6, 8)):
        np.testing.assert_array_equal(latent[begin:end], np.broadcast_to(latent[begin], (end - begin, 2, 2)))
    assert len(np.unique(latent)) == 3 * 2 * 2
    np.testing.assert_allclose(latent, both[MEAN] + np.exp(both[LOG_STD]) * both[NOISE], rtol=1e-6)
    np.testing.assert_array_equal(both[MEAN][0, 0], [1.0, -1.0])


def test_the_distribution_moves_along_the_score_function_weighted_with_returns() -> None:
    """By hand, over the two episodes that end within the batch of four steps; of the third, nothing is known."""
    trajectory, deviation = seen().two[0], np.asarray([0.5, 2.0])
    returns = np.asarray(trajectory.reward)[:3].sum(axis=0)
    advantage = (returns - returns.mean()) / returns.std()
    z = (np.asarray(trajectory.context[LATENT])[0] - [1.0, -1.0]) / deviation
    mean = (advantage[:, None] * z / deviation).mean(axis=0)
    log_std = (advantage[:, None] * (z**2 - 1.0)).mean(axis=0)
    np.testing.assert_allclose(seen().slope.mean, mean, rtol=1e-4)
    np.testing.assert_allclose(seen().slope.log_std, log_std, rtol=1e-4)
    np.testing.assert_allclose(seen().adapted.latent.mean, [1.0, -1.0] + 0.5 * mean, rtol=1e-4)
    np.testing.assert_allclose(seen().adapted.latent.log_std, np.log(deviation) + 0.5 * log_std, rtol=1e-4)


def test_the_divergence_is_that_of_the_distributions_before_adapting() -> None:
    divergence = 2 * 0.5 * (0.5**2 + 0.5**2 - 1.0 - 2.0 * np.log(0.5))
    np.testing.assert_allclose(seen().outputs[AUXILIARY_LOSS], np.full((3, 6), 0.25 * divergence), rtol=1e-5)


def test_the_outer_gradient_reaches_step_sizes_and_the_distributions_of_the_tasks_at_hand() -> None:
    slope, which = seen().gradient, np.asarray(names())
    for part in map(np.asarray, slope.latents):
        assert (np.abs(part[which]) > 1e-6).all()
        np.testing.assert_array_equal(np.delete(part, which, axis=0), 0.0)
    for part in slope.rates:
        assert (np.abs(part) > 1e-6).all()


def test_training_learns_from_the_shaped_reward_with_the_noise_of_each_episode_used_again() -> None:
    joined, (key, before) = seen().joined, seen().joined.extra[0]
    assert (joined.reward < 0.0).all()
    assert (before.reward < 0.0).all()
    assert len(set(names())) == 2
    np.testing.assert_allclose(seen().outputs["policy"], joined.outputs["policy"], atol=1e-5)
    assert key.shape[0] == 2


def test_a_new_task_begins_with_the_prior() -> None:
    params, state = seen().updated
    for part in state.latent:
        np.testing.assert_array_equal(part, 0.0)
    assert np.abs(state.latents.mean - 0.5).max() > 0.0
    assert np.abs(state.rates.mean - 0.5).max() > 0.0
    assert any(np.any(a != b) for a, b in zip(*map(jax.tree.leaves, (params, seen().params)), strict=True))


def test_without_influence_and_without_steps_of_the_latent_variables_it_is_maml() -> None:
    sizes: dict[str, Any] = {"tasks": 2, "num_envs": 4, "steps": 2, "inner_kl": 0.1}
    settings = {"inner": INNER, "outer": OUTER, **sizes}

    def updated(rule: MAML) -> Params:
        here, key, logits = agent(rule, Logits()).world(Arm()), jax.random.key(3), jnp.asarray([0.2, -0.1])
        return rule.update(key, here, logits, rule.init(key, here, logits), None)[0]

    plain = compiled(updated)(MAML(**settings))
    with_latents = compiled(updated)(MAESN(returns=MonteCarlo(), rate=0.0, train_tasks=3, **settings))
    np.testing.assert_array_equal(with_latents, plain)  # bit for bit
    assert np.abs(plain - np.asarray([0.2, -0.1])).min() > 1e-3


def test_evaluation_draws_a_latent_variable_for_each_episode() -> None:
    params, state = seen().params, seen().state
    player = Player(AGENT, TASK, Trained(params, RULE.behavior(params, state)[1], ()), jnp.int32(0))

    def moments(key: jax.Array) -> tuple[jax.Array, jax.Array]:
        moment = player.start(key, 4)
        return moment.context[LATENT], player.step(key, moment, sample=False)[0].context[LATENT]

    before, after = compiled(moments)(jax.random.key(0))
    assert len(np.unique(before)) == 8
    np.testing.assert_array_equal(before, after)


def test_more_tasks_in_an_update_than_there_are_is_refused() -> None:
    rule = replace(RULE, {"train_tasks": 1})
    with pytest.raises(UserError, match=r"^maesn cannot take 2 of 1 tasks"):
        rule.init(jax.random.key(0), world(), seen().params)


def test_the_recipe_is_complete(registry: Registry) -> None:
    algorithm = algorithm_from(registry, "maesn")
    check(algorithm)
    assert isinstance(algorithm.rule, MAESN)


@pytest.mark.slow
@pytest.mark.parametrize(("shaped", "dense"), [("none", (False, False)), ("outer", (False, True))])
def test_the_outer_rule_alone_may_learn_from_the_shaped_reward(shaped: str, dense: tuple[bool, bool]) -> None:
    rule, here = replace(RULE, {"shaped": shaped}), world()
    params = here.initial_params(jax.random.key(0))
    info: Any = rule.update(jax.random.key(1), here, params, rule.init(jax.random.key(2), here, params), None)[2]
    last = info["batch"]
    earlier = last.extra[0][1]
    assert ((earlier.reward < 0.0).all(), (last.reward < 0.0).all()) == dense
    assert (earlier.shaped < 0.0).all()
