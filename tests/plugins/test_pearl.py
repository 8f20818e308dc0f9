"""PEARL's beliefs are products of Gaussians; its latent variable is held, inferred, and learned by the critics alone."""

import functools
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discover_zoo.environments.navigation.half_circle import HalfCircle
from discover_zoo.networks.mlp import MLP
from discover_zoo.optimizers.sgd import SGD
from discover_zoo.rules.beliefs import Belief, product
from discover_zoo.rules.pearl import PEARL, State
from discover_zoo.rules.task_inference import Evidence, inferred, inferred_from
from discover_zoo.rules.task_memories import TaskMemories

from discover import Algorithm, Params, Registry, Trajectory, UserError, World, evaluate_adaptation, replace
from discover.components.paths import check
from discover.config.build import algorithm_from
from discover.inner_loop import lifetime

SIZES: dict[str, Any] = {"tasks": 5, "collected": 2, "posterior": 2, "steps": 4, "num_envs": 3, "meta_batch": 3, "batch": 6}
SIZES |= {"capacity": 24, "learning_starts": 0, "latent": 2}
RULE = PEARL(optimizer=SGD(learning_rate=0.01), policy_optimizer=SGD(learning_rate=0.01), **SIZES)
TASK = HalfCircle()
AGENT = Algorithm(rule=RULE, network=MLP(hidden=(8,)))
PER_UPDATE = 2 * 3 * 4 * 3


def world(env_steps: Any = 0) -> World:
    return AGENT.world(TASK, env_steps=env_steps)


@jax.jit
def new() -> tuple[Params, State]:
    key = jax.random.key(0)
    params = world().initial_params(key)
    return params, RULE.init(key, world(), params)


@jax.jit
def updated(params: Params, state: State, env_steps: Any) -> tuple[Params, State]:
    return RULE.update(jax.random.key(9), world(env_steps), params, state, None)[:2]


@functools.cache
def begun() -> tuple[Params, State]:
    """Parameters and state after one update."""
    return updated(*new(), 0)


# Beliefs --------------------------------------------------------------------------------------------------------------


def test_the_product_of_two_gaussians_and_its_divergence_are_exact() -> None:
    belief = product(jnp.asarray([[0.0], [2.0]]), jnp.ones((2, 1)))
    assert (float(belief.mean[0]), float(belief.variance[0])) == (1.0, 0.5)
    assert float(belief.divergence()) == pytest.approx(0.596574, abs=1e-6)


def test_without_evidence_a_belief_is_the_prior_and_its_gradient_is_finite() -> None:
    empty = Belief.empty(3)
    np.testing.assert_array_equal(empty.sample(jnp.asarray([1.0, -2.0, 0.5])), [1.0, -2.0, 0.5])
    assert float(empty.divergence()) == 0.0
    slope = jax.grad(lambda m, s: product(m, s, jnp.zeros(4)).sample(jnp.ones(2)).sum(), (0, 1))
    for part in slope(jnp.ones((4, 2)), jnp.ones((4, 2))):
        np.testing.assert_array_equal(part, 0.0)


def test_factors_count_in_any_order_one_after_the_other_and_by_their_weight() -> None:
    mean, variance = jax.random.normal(jax.random.key(0), (6, 2)), jnp.exp(jax.random.normal(jax.random.key(1), (6, 2)))
    whole, turned = product(mean, variance), product(mean[::-1], variance[::-1])
    parts = product(mean[:2], variance[:2]).times(product(mean[2:], variance[2:]))
    for other in (turned, parts):
        np.testing.assert_allclose(other.mean, whole.mean, rtol=1e-5)
        np.testing.assert_allclose(other.variance, whole.variance, rtol=1e-5)
    masked = product(mean, variance, jnp.asarray([1.0, 1.0, 0.0, 0.0, 0.0, 0.0]))
    np.testing.assert_allclose(masked.mean, product(mean[:2], variance[:2]).mean, rtol=1e-6)


# Inference ------------------------------------------------------------------------------------------------------------


def context_of(state: State) -> Trajectory:
    return jax.tree.map(lambda x: x[:2], state.memories.recent)


@pytest.mark.slow
def test_the_order_of_the_context_is_of_no_matter_and_its_contents_are() -> None:
    params, state = begun()
    context = context_of(state)
    turned = jax.tree.map(lambda x: x[:, ::-1], context)
    belief, other = inferred(world(), params, context), inferred(world(), params, turned)
    np.testing.assert_allclose(belief.mean, other.mean, atol=1e-5)
    np.testing.assert_allclose(belief.variance, other.variance, rtol=1e-5)
    paid = inferred(world(), params, context._replace(reward=context.reward + 1.0))
    assert np.abs(paid.mean - belief.mean).min() > 1e-3


@pytest.mark.slow
def test_only_the_known_part_of_the_context_counts() -> None:
    params, state = begun()
    context = context_of(state)
    belief = inferred(world(), params, context, jnp.asarray([12, 24]))
    for index, known in enumerate((12, 24)):
        alone = inferred(world(), params, jax.tree.map(lambda x, i=index, n=known: x[i : i + 1, :n], context))
        np.testing.assert_allclose(belief.mean[index], alone.mean[0], atol=1e-5)


def test_a_trajectory_at_a_time_gives_the_belief_of_both() -> None:
    params, state = begun()
    keys = list(jax.random.split(jax.random.key(3)))

    @jax.jit
    def adapted() -> tuple[State, Belief]:
        actor = world().start(jax.random.key(1), state.tasks[:2])
        _, trajectory = world().collect(params, actor, jax.random.key(2), 4, context={"latent": jnp.zeros(2)})
        after = state
        for key, column in zip(keys, (0, 1), strict=True):
            half = jax.tree.map(lambda x, c=column: x[:, c : c + 1], trajectory._replace(task=()))
            after = RULE.adapt_to_task(key, world(), params, after, half)[1]
        return after, inferred_from(world(), params, trajectory)

    after, whole = adapted()
    np.testing.assert_allclose(after.belief.mean, whole.mean, atol=1e-5)
    np.testing.assert_allclose(after.latent, whole.sample(jax.random.normal(keys[1], (2,))), atol=1e-5)
    np.testing.assert_array_equal(RULE.behavior(params, after)[1]["latent"], after.latent)


# Learning -------------------------------------------------------------------------------------------------------------


class Learning(NamedTuple):
    """A batch, and gradients on it: of the critics with two weights of the divergence, of the policy, of the divergence."""

    batch: Trajectory
    belief: Belief
    target: jax.Array
    by_critics: tuple[Params, Params]
    by_policy: Params
    by_divergence: Params


@functools.cache
def learning() -> Learning:
    return jax.jit(_learning)(*begun())


def _learning(params: Params, state: State) -> Learning:
    batch, here = RULE.draw(jax.random.key(5), world(), params, state.memories), world()
    learner, evidence = state.learner._replace(params=params), cast(Evidence, batch.extra)
    target = RULE.targets(jax.random.key(6), here, learner, batch)

    def divergence(params: Params) -> jax.Array:
        return jnp.sum(inferred(here, params, evidence.transitions, evidence.known).divergence())

    return Learning(
        batch=batch,
        belief=inferred(here, params, evidence.transitions, evidence.known),
        target=target,
        by_critics=tuple(replace(RULE, {"kl": kl}).critic_gradient(here, params, batch, target)[0] for kl in (1e-6, 1.0)),
        by_policy=here.gradient(RULE.policy_loss(jax.random.key(7), here, learner))(params, batch)[0],
        by_divergence=jax.grad(divergence)(params),
    )


def moved(gradient: Params) -> set[str]:
    return {name for name, part in gradient["heads"].items() if any(np.any(leaf) for leaf in jax.tree.leaves(part))}


def test_critics_teach_the_encoder_and_the_policy_does_not() -> None:
    assert learning().target.shape == (1, 18)
    assert moved(learning().by_critics[0]) == {"q1", "q2", "encoder"}
    assert moved(learning().by_policy) == {"policy", "log_std"}
    weight = np.abs(learning().by_critics[0]["heads"]["encoder"]["output"]["bias"]).max()
    assert weight > 1e-3  # of the critics: the divergence has a weight of one in a million


def test_the_divergence_is_summed_over_the_tasks_and_weighed() -> None:
    small, large, slope = (
        np.asarray(gradient["heads"]["encoder"]["output"]["bias"])
        for gradient in (*learning().by_critics, learning().by_divergence)
    )
    np.testing.assert_allclose(large - small, slope, rtol=1e-3, atol=1e-3)
    assert np.abs(slope).max() > 0.1


def test_a_batch_holds_the_latent_variable_of_each_task_and_the_scaled_shaped_reward() -> None:
    _, state = begun()
    batch = learning().batch
    latent = np.asarray(batch.context["latent"]).reshape(3, 6, 2)
    np.testing.assert_array_equal(latent, np.repeat(latent[:, :1], 6, axis=1))
    np.testing.assert_allclose(latent[:, 0], learning().belief.sample(batch.extra.noise), atol=1e-5)
    assert set(np.asarray(batch.extra.known).tolist()) <= {12, 24, 36}
    shaped = state.memories.replay.rows.shaped
    assert np.isin(np.asarray(batch.reward), 10.0 * np.asarray(shaped[:2])).all()  # of the tasks with experience
    assert (np.asarray(batch.reward) < 0.0).all()
    assert (np.asarray(state.memories.recent.reward) >= 0.0).all()  # the encoder's is the real one


def test_a_latent_variable_is_held_for_a_trajectory_and_drawn_anew_for_the_next() -> None:
    """The memory is replaced by one that keeps what was collected, with the latent variables that acted."""
    params, state = begun()
    kept = SimpleNamespace(add=lambda rounds: rounds)
    rounds, actors = RULE.collect(world(), params, jax.random.key(8), state.tasks[0], cast(TaskMemories, kept))
    latent = np.asarray(cast(Trajectory, rounds).context["latent"])  # [rounds, T, B, d]
    assert latent.shape == (3, 4, 3, 2)
    np.testing.assert_array_equal(latent, np.repeat(latent[:, :1], 4, axis=1))
    assert len(np.unique(latent[:, 0, :, 0])) == 9
    assert actors.env_steps.tolist() == [12, 12, 12]


def test_tasks_take_turns_and_only_those_with_experience_are_learned_from() -> None:
    params, state = begun()
    assert state.memories.replay.added.tolist() == [36, 36, 0, 0, 0]
    _, state = updated(params, state, 2 * PER_UPDATE)
    assert state.memories.replay.added.tolist() == [72, 36, 0, 0, 36]
    assert set(np.asarray(state.memories.draw_tasks(jax.random.key(0), 200)).tolist()) == {0, 1, 4}


@pytest.mark.slow
def test_at_test_time_the_agent_acts_by_its_own_clock() -> None:
    """With a clock at zero it would act at random, as before it begins to learn."""
    late = replace(AGENT, {"rule.learning_starts": PER_UPDATE})
    agent = jax.jit(lambda key: lifetime.begin(late, TASK, key))(jax.random.key(0))
    sure = jax.tree.map(jnp.zeros_like, agent.params)
    sure["heads"]["policy"]["output"]["bias"] = jnp.arctanh(jnp.asarray([0.0, 0.9]))
    sure["heads"]["log_std"]["output"]["bias"] = jnp.asarray([-20.0, -20.0])
    agent = agent._replace(params=sure, env_steps=jnp.int32(PER_UPDATE))
    goals = jnp.asarray([[0.0, 1.0], [1.0, 0.0]])
    found = evaluate_adaptation(late, TASK, agent, goals, key=jax.random.key(1), episodes=1, horizon=10, steps=1)
    np.testing.assert_allclose(found.returns, [[0.81 + 0.9, 0.0]] * 2, atol=0.001)


def test_fewer_tasks_than_an_update_collects_in_are_refused() -> None:
    rule = replace(RULE, {"tasks": 1})
    with pytest.raises(UserError, match=r"^pearl cannot collect in 2 of 1 tasks"):
        rule.init(jax.random.key(0), world(), begun()[0])


def test_the_recipe_is_complete(registry: Registry) -> None:
    algorithm = algorithm_from(registry, "pearl")
    check(algorithm)
    assert isinstance(algorithm.rule, PEARL)
