"""Mix & Match: the mixture's probabilities and loss, who learns when, and searches over how the mixture moves."""

import json
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import yaml
from contract.small import CATCH, agent, compiled, curves, small_ppo, stacked
from discover_zoo.curricula.mix_and_match.growing_actions import GrowingActions
from discover_zoo.curricula.mix_and_match.mix_and_match import MixAndMatch
from discover_zoo.curricula.mix_and_match.mixing import NEVER, mixture, weights
from discover_zoo.curricula.mix_and_match.shares import Held, Ramp
from discover_zoo.curricula.mix_and_match.specialists import Specialists
from discover_zoo.networks.mlp import MLP
from typer.testing import CliRunner

from discover import AUXILIARY_LOSS, Categorical, Continuous, Head, Heads, Inputs, Spec, UserError, get
from discover.cli import app
from discover.config.build import algorithm_from, environment_from
from discover.config.candidate_file import load_candidate
from discover.inner_loop.population import describe_shapes
from discover.plugin.loader import load_plugins

POLICY = {"policy": Head((3,), mix="distribution")}


def logits(*probabilities: float) -> dict[str, jax.Array]:
    return {"policy": jnp.log(jnp.asarray(probabilities))}


def divergence(one: dict[str, jax.Array], other: dict[str, jax.Array]) -> jax.Array:
    return Categorical(one["policy"]).kl(Categorical(other["policy"]))


# The mixture ----------------------------------------------------------------------------------------------------------


def test_the_example_whose_numbers_are_known() -> None:
    simple, target = logits(0.7, 0.2, 0.1), logits(0.2, 0.3, 0.5)
    made = mixture(POLICY, [simple, target], jnp.float32(0.3), 1.0)
    np.testing.assert_allclose(jnp.exp(made["policy"]), [0.55, 0.23, 0.22], rtol=1e-6)
    np.testing.assert_allclose(divergence(made, target), 0.314653, rtol=1e-5)
    np.testing.assert_allclose(made[AUXILIARY_LOSS], 0.444428, rtol=1e-5)
    np.testing.assert_allclose(divergence(simple, target), 0.634897, rtol=1e-5)


@pytest.mark.parametrize("alpha", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_the_loss_bounds_how_far_the_mixture_is_from_the_target(alpha: float) -> None:
    for seed in range(5):
        simple, target = ({"policy": 2.0 * jax.random.normal(k, (3,))} for k in jax.random.split(jax.random.key(seed)))
        made = mixture(POLICY, [simple, target], jnp.float32(alpha), 1.0)
        assert made[AUXILIARY_LOSS] >= divergence(made, target) - 1e-6
        np.testing.assert_allclose(jnp.sum(jnp.exp(made["policy"])), 1.0, rtol=1e-5)


def test_in_the_end_the_target_is_left_alone() -> None:
    target = logits(0.2, 0.3, 0.5)
    made = mixture(POLICY, [logits(0.7, 0.2, 0.1), target], jnp.float32(1.0), 1.0)
    assert made[AUXILIARY_LOSS] == 0.0
    np.testing.assert_allclose(made["policy"], target["policy"], rtol=1e-6)


def test_of_many_agents_two_neighbors_share() -> None:
    shares = np.asarray([weights(jnp.float32(alpha), 3) for alpha in (0.0, 0.25, 0.5, 0.875, 1.0)])
    expected = [[1, 0, 0], [0.5, 0.5, 0], [0, 1, 0], [0, 0.25, 0.75], [0, 0, 1]]
    np.testing.assert_allclose(shares, expected, atol=1e-7)


def test_an_agent_without_weight_learns_nothing_and_gradients_are_finite_with_impossible_actions() -> None:
    target = logits(0.2, 0.3, 0.5)["policy"]

    def loss(simple: jax.Array, alpha: jax.Array) -> jax.Array:
        masked = {"policy": jnp.full(3, NEVER).at[:2].set(simple)}
        made = mixture(POLICY, [masked, {"policy": target}], alpha, 1.0)
        return made["policy"][0] + made[AUXILIARY_LOSS]

    slopes = jax.vmap(jax.grad(loss, argnums=(0, 1)), in_axes=(None, 0))(jnp.zeros(2), jnp.array([0.0, 0.5, 1.0]))
    assert all(np.all(np.isfinite(slope)) for slope in slopes)
    assert np.all(np.abs(slopes[0][:2]).sum(axis=1) > 0.0)
    np.testing.assert_array_equal(slopes[0][2], 0.0)


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
def test_what_no_agent_may_do_the_mixture_may_not_do_either(alpha: float) -> None:
    """Logits of -inf in all agents: the mixture of the policies over the other actions, with finite slopes."""
    simple, target = jnp.asarray([0.3, -jnp.inf, -0.2]), jnp.asarray([-0.5, -jnp.inf, 0.4])

    def made(simple: jax.Array, target: jax.Array, others: Any) -> tuple[jax.Array, jax.Array]:
        said = [{"policy": logits[others]} for logits in (simple, target)]
        outputs = mixture(POLICY, said, jnp.float32(alpha), 1.0)
        return outputs["policy"], outputs[AUXILIARY_LOSS]

    policy, loss = made(simple, target, slice(None))
    expected, expected_loss = made(simple, target, jnp.asarray([0, 2]))
    np.testing.assert_allclose(policy, jnp.stack([expected[0], -jnp.inf, expected[1]]), rtol=1e-6)
    np.testing.assert_allclose(loss, expected_loss, rtol=1e-6)

    def total(simple: jax.Array, target: jax.Array) -> jax.Array:
        policy, loss = made(simple, target, slice(None))
        return Categorical(policy).entropy() + Categorical(policy).log_prob(jnp.int32(2)) + loss

    for slope in jax.jit(jax.grad(total, argnums=(0, 1)))(simple, target):
        assert np.all(np.isfinite(slope))
        assert slope[1] == 0.0


# Alpha ----------------------------------------------------------------------------------------------------------------


def test_a_ramp_goes_from_start_to_stop_between_begin_and_end() -> None:
    progress = jnp.array([0.0, 0.2, 0.3, 0.4, 0.6, 1.0])
    linear = jax.vmap(Ramp(start=0.1, stop=0.9, begin=0.2, end=0.6))(progress)
    smooth = jax.vmap(Ramp(begin=0.2, end=0.6, shape="smooth"))(progress)
    np.testing.assert_allclose(linear, [0.1, 0.1, 0.3, 0.5, 0.9, 0.9], rtol=1e-5)
    np.testing.assert_allclose(smooth, [0.0, 0.0, 0.15625, 0.5, 1.0, 1.0], rtol=1e-5, atol=1e-6)
    assert Ramp().figures().keys() == {"alpha"}


# Agents ---------------------------------------------------------------------------------------------------------------


def acted(alpha: float) -> np.ndarray:
    """What an agent does on Catch that at first knows but the last two actions."""
    curriculum = GrowingActions(known=((1, 2),), share=Held(alpha=alpha))
    world, key = agent(small_ppo(), MLP(hidden=(4,), shared=True), curriculum=curriculum).world(CATCH), jax.random.key(0)
    params = world.initial_params(key)
    return np.asarray(world.collect(params, world.start(key, world.sample_tasks(key, 8)), key, 16)[1].action)


@pytest.mark.slow
def test_a_simple_agent_does_what_it_knows_alone() -> None:
    assert set(acted(0.0).ravel()) == {1, 2}
    assert set(acted(0.5).ravel()) == set(acted(1.0).ravel()) == {0, 1, 2}


def test_actions_that_the_policy_has_not_are_refused_in_one_sentence() -> None:
    for curriculum, spec in (
        (GrowingActions(known=((0, 3),)), CATCH.spec()),
        (GrowingActions(), Spec((2,), Continuous((0,), (1,)))),
    ):
        network = curriculum.wrap_network(MLP(hidden=()))
        with pytest.raises(UserError, match=r"^growing_actions needs a policy over discrete actions"):
            network.init(jax.random.key(0), spec, small_ppo().heads(spec))


@pytest.mark.parametrize(("recipe", "task"), [("ppo_pendulum", "Pendulum-v1"), ("dqn", "CartPole-v1")])
def test_agents_without_distributions_over_actions_are_mixed_too(recipe: str, task: str) -> None:
    registry = load_plugins().registry
    words = {"recipe": recipe, "curriculum": {"mix_and_match": {"simple": [{"mlp": {"hidden": [8]}}]}}}
    describe_shapes(environment_from(registry, task), algorithm_from(registry, words), 20_480)


def test_growing_actions_without_a_policy_are_refused_in_one_sentence() -> None:
    registry = load_plugins().registry
    words = {"recipe": "dqn", "curriculum": "growing_actions"}
    with pytest.raises(UserError, match=r"^growing_actions needs a head called 'policy', but the rule asks for q: choose"):
        describe_shapes(environment_from(registry, "CartPole-v1"), algorithm_from(registry, words), 20_000)


@pytest.mark.slow
def test_growing_actions_learn_under_a_rule_that_knows_nothing_of_them() -> None:
    made = agent(small_ppo(), MLP(hidden=(16,), shared=True), curriculum=GrowingActions(known=((0, 2),)))
    curve = curves(stacked(made), CATCH, 120)
    assert np.all(curve.finite)
    assert curve.episode_return[0, -5:].mean() > curve.episode_return[0, :5].mean() + 0.3


def test_a_specialist_sees_and_learns_its_own_task_alone() -> None:
    network, heads, spec = Specialists(network=MLP(hidden=()), tasks=2), Heads(POLICY), Spec((4,), None)  # type: ignore[arg-type]
    params = network.init(jax.random.key(0), spec, heads)
    seen = jnp.array([[0.3, -0.2, 1.0, 0.0], [0.1, 0.4, 1.0, 0.0]])
    inputs = Inputs(seen, jnp.zeros(2, bool), {}, jnp.zeros(()))

    def said(params: Any) -> jax.Array:
        return network.apply(params, heads, inputs, network.carry(heads))[0]["policy"]

    alone = MLP(hidden=()).apply(params[0], heads, inputs, ())[0]["policy"]
    np.testing.assert_allclose(said(params), alone, rtol=1e-6)
    first, second = jax.grad(lambda p: jnp.sum(said(p) ** 2))(params)
    assert any(np.any(x) for x in jax.tree.leaves(first))
    assert not any(np.any(x) for x in jax.tree.leaves(second))


def test_specialists_are_mixed_into_one_agent_for_all() -> None:
    simple = Specialists(network=MLP(hidden=()), tasks=2)
    world = agent(small_ppo(), curriculum=MixAndMatch(simple=(simple,))).world(CATCH)
    params = compiled(world.initial_params)(jax.random.key(0))
    assert len(params) == 2
    assert len(params[0]) == 2


# Through a search -----------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("strategy", "share"),
    [
        pytest.param("random_search", {"ramp": {"start": "free", "end": "free"}}, id="its schedule"),
        pytest.param({"pbt": {"share": 0.5}}, {"held": {"alpha": "free"}}, id="itself, while agents learn"),
    ],
)
def test_alpha_is_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, strategy: Any, share: Any) -> None:
    words = {
        "candidate": {
            "rule": {"reinforce": {"returns": "monte_carlo", "optimizer": "sgd", "steps": 8, "num_envs": 4}},
            "network": {"mlp": {"hidden": []}},
            "curriculum": {"mix_and_match": {"simple": [{"mlp": {"hidden": []}}], "share": share}},
        },
        "strategy": strategy,
        "population": 4,
        "generations": 2,
        "seeds": 1,
        "finalists": 1,
        "selection_seeds": 1,
        "tasks": [{"task": "catch", "steps": 640}],
    }
    monkeypatch.chdir(tmp_path)
    (tmp_path / "alpha.yaml").write_text(yaml.safe_dump(words))
    made = CliRunner().invoke(app, ["search", "alpha.yaml", "--directory", "found", "--no-tracking", "--json"])
    assert made.exit_code == 0, made.stderr
    summary = json.loads(made.stdout)
    assert summary["generations"] == 2
    assert summary["broken"] == {}
    champion = load_candidate(Path(summary["champion"]), load_plugins().registry)
    assert 0.0 <= float(get(champion, "curriculum.share")(jnp.float32(0.5))) <= 1.0
