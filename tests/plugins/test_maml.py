"""MAML's derivative through its inner step, the curvature of each surrogate, ProMP's penalty, and adaptation at test time."""

from pathlib import Path
from typing import Any, Literal, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from contract.small import ARMS, agent, compiled, curves, stacked
from discover_zoo.optimizers.adam import Adam
from discover_zoo.optimizers.sgd import SGD
from discover_zoo.returns.gae import GAE
from discover_zoo.returns.monte_carlo import MonteCarlo
from discover_zoo.rules.linear_baseline import LinearBaseline
from discover_zoo.rules.maml import MAML
from discover_zoo.rules.policy_gradient import PolicyGradient, within_episode
from discover_zoo.rules.promp import ProMP
from discover_zoo.rules.trpo import TRPO
from plugins.bandits import Arm, Logits, pulls, trajectories

from discover import AUXILIARY_LOSS, Info, Outputs, Trajectory, evaluate_adaptation, get, trained_agent
from discover.outer_loop.search import search
from discover.plugin.loader import Plugins

Surrogate: TypeAlias = Literal["likelihood ratio", "dice", "log likelihood"]


def one_step(rate: float = 1.0, **changes: Any) -> PolicyGradient:
    settings = {"returns": MonteCarlo(), "optimizer": SGD(learning_rate=rate), "normalize": False}
    return PolicyGradient(**(settings | changes))


def odds(theta: jax.Array) -> jax.Array:
    return jnp.stack([jnp.zeros_like(theta), theta])


def promp(rate: float = 0.01, **changes: Any) -> ProMP:
    return ProMP(returns=MonteCarlo(), optimizer=Adam(learning_rate=rate), **changes)


@pytest.mark.parametrize(
    ("surrogate", "first_order", "expected"),
    [("likelihood ratio", False, 0.206450), ("likelihood ratio", True, 0.219058), ("log likelihood", False, 0.187014)],
)
def test_the_exact_meta_gradient_of_a_bandit(surrogate: Surrogate, first_order: bool, expected: float) -> None:
    """Full, first-order, and with the second derivative of the log-likelihood surrogate, each by hand to six digits."""
    rule = MAML(inner=one_step(surrogate=surrogate), outer=promp(), tasks=1, num_envs=2, steps=1, first_order=first_order)
    world = agent(rule, Logits(odds=True)).world(Arm())

    def loss(outputs: Outputs, batch: Trajectory) -> tuple[jax.Array, Info]:
        ratio = jnp.exp(world.policy(outputs).log_prob(batch.action) - batch.log_prob)
        return -jnp.mean(ratio * batch.reward), {}

    def meta_gradient(theta: jax.Array) -> tuple[jax.Array, jax.Array]:
        key, before = jax.random.key(0), pulls(odds(theta), (0.0, 1.0))
        adapted, _ = rule.adapt_to_task(key, world, theta, (), trajectory=before)
        extra = jax.tree.map(lambda x: x[None], [(key, before)])
        after = pulls(odds(adapted), (0.0, 1.0))._replace(extra=extra)
        return adapted, -rule.adapting(world).gradient(loss)(theta, after)[0]

    adapted, gradient = compiled(meta_gradient)(jnp.float32(0.5))
    np.testing.assert_allclose(adapted, 0.735004, atol=1e-6)
    np.testing.assert_allclose(jax.nn.sigmoid(adapted), 0.675902, atol=1e-6)
    np.testing.assert_allclose(gradient, expected, atol=1e-6)


def curvature(surrogate: Surrogate, theta: float, action: list[list[int]], reward: list[float]) -> float:
    """``J''`` as the surrogate has it, J the sum over an episode: an inner step of size 1 has the slope ``1 + J''``."""
    actions, paid = jnp.asarray(action), jnp.zeros((len(action), len(reward))).at[-1].set(jnp.asarray(reward))
    rule = one_step(rate=float(len(action)), surrogate=surrogate, returns=MonteCarlo(gamma=1.0))
    world = agent(rule, Logits(odds=True)).world(Arm())

    def step(theta: jax.Array) -> jax.Array:
        batch = trajectories(odds(theta), actions, paid)
        return rule.update(jax.random.key(0), world, theta, (), trajectory=batch)[0]

    return float(compiled(jax.grad(step))(jnp.float32(theta))) - 1.0


@pytest.mark.parametrize(("surrogate", "expected"), [("dice", 0.125), ("likelihood ratio", 0.0), ("log likelihood", -0.125)])
def test_the_curvature_of_two_pulls_that_must_both_succeed(surrogate: Surrogate, expected: float) -> None:
    """One policy for both pulls, reward 1 at the end if both were of the second arm, even odds: the truth is 0.125."""
    value = curvature(surrogate, 0.0, [[0, 0, 1, 1], [0, 1, 0, 1]], [0.0, 0.0, 0.0, 1.0])
    assert value == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("theta", [-1.0, 0.7])
def test_the_curvature_of_two_pulls_away_from_even_odds(theta: float) -> None:
    s = 1.0 / (1.0 + np.exp(-theta))
    expected: dict[Surrogate, float] = {
        "dice": 2 * s**2 * (1 - s) * (2 - 3 * s),
        "likelihood ratio": 2 * s**2 * (1 - s) * (1 - 2 * s),
        "log likelihood": -2 * s**3 * (1 - s),
    }
    for surrogate, number in expected.items():
        value = curvature(surrogate, theta, [[0, 0, 1, 1], [0, 1, 0, 1]], [0.0, 0.0, 0.0, 1.0])
        assert value == pytest.approx(number, abs=1e-5)


@pytest.mark.parametrize(
    ("surrogate", "expected"), [("dice", -0.057557), ("likelihood ratio", -0.057557), ("log likelihood", -0.146280)]
)
def test_the_curvature_of_one_pull(surrogate: Surrogate, expected: float) -> None:
    """Where an episode has one step, the likelihood ratio is exact."""
    assert curvature(surrogate, 0.5, [[0, 1]], [0.0, 1.0]) == pytest.approx(expected, abs=1e-6)


def test_ratios_run_within_an_episode() -> None:
    first = jnp.asarray([[False], [False], [True], [False]])
    np.testing.assert_array_equal(within_episode(jnp.ones((4, 1)), first)[:, 0], [1, 2, 1, 2])


def test_the_penalty_is_the_divergence_before_adapting() -> None:
    """Away from the policy that collected, the adapting world adds its KL, weighted, to the auxiliary loss."""
    rule = MAML(inner=one_step(), outer=promp(), tasks=1, num_envs=2, steps=1, inner_kl=0.5)
    world = agent(rule, Logits()).world(Arm())

    def penalty(logits: jax.Array) -> jax.Array:
        key, before = jax.random.key(0), pulls(jnp.zeros(2), (0.0, 1.0))
        batch = before._replace(extra=jax.tree.map(lambda x: x[None], [(key, before)]))
        return rule.adapting(world).evaluate(logits, batch)[AUXILIARY_LOSS]

    p = np.asarray(jax.nn.softmax(jnp.asarray([1.0, 0.0])))
    np.testing.assert_allclose(compiled(penalty)(jnp.asarray([1.0, 0.0])), 0.5 * np.sum(0.5 * np.log(0.5 / p)), rtol=1e-4)
    np.testing.assert_allclose(compiled(penalty)(jnp.zeros(2)), 0.0, atol=1e-6)


def test_ratios_are_clipped() -> None:
    """Where each arm's ratio has left the clip on the side that its advantage favors, nothing more is to be gained."""
    rule = promp(rate=0.01, epochs=1)
    world = agent(rule, Logits()).world(Arm())

    def moved(logits: jax.Array) -> jax.Array:
        state = rule.init(jax.random.key(0), world, logits)
        batch = pulls(jnp.zeros(2), (0.0, 1.0))
        return rule.update(jax.random.key(0), world, logits, state, trajectory=batch)[0] - logits

    far, near = compiled(moved)(jnp.asarray([0.0, 1.0])), compiled(moved)(jnp.asarray([0.0, 0.1]))
    np.testing.assert_allclose(far, 0.0, atol=1e-6)
    assert near[1] > 0.005 > near[0]


def test_an_update_within_the_clip_is_the_gradient_of_the_ratios_with_advantages_of_unit_deviation() -> None:
    """At odds p of the second arm: ``2 p (1 - p)`` more for it, and as much less for the first one."""
    settings: dict[str, Any] = {"returns": MonteCarlo(), "optimizer": SGD(learning_rate=1.0)}
    for rule, logit in (
        (ProMP(epochs=1, **settings), 0.1),
        (PolicyGradient(**settings), 0.1),
        (PolicyGradient(**settings), 2.0),
    ):
        world, logits = agent(rule, Logits()).world(Arm()), jnp.asarray([0.0, logit])
        for reward in (1.0, 10.0):
            batch, state = pulls(jnp.zeros(2), (0.0, reward)), rule.init(jax.random.key(0), world, logits)
            moved = rule.update(jax.random.key(0), world, logits, state, batch)[0] - logits
            odds = 1.0 / (1.0 + np.exp(-logit))
            np.testing.assert_allclose(moved, 2.0 * odds * (1.0 - odds) * np.array([-1.0, 1.0]), rtol=1e-4)


INNER = LinearBaseline(rule=one_step(rate=4.0), returns=MonteCarlo())
SIZES: dict[str, Any] = {"tasks": 8, "num_envs": 4, "steps": 8}


@pytest.mark.slow
def test_adaptation_after_two_steps_with_trpo_outside() -> None:
    """Half of the arms never pay: meta-training rules those out; inner steps find the one that pays in this task."""
    outer = LinearBaseline(rule=TRPO(returns=GAE(lam=1.0)), returns=MonteCarlo())
    rule = MAML(inner=INNER, outer=outer, adaptations=2, **SIZES)
    curve = curves(stacked(agent(rule)), ARMS, 40)
    adapted, unadapted = np.asarray(curve.episode_return)[0], np.asarray(curve.info["unadapted_return"])[0]
    assert np.all(curve.finite)
    assert curve.env_steps[0] == 40 * 3 * 8 * 4 * 8
    assert adapted[-20:].mean() > unadapted[-20:].mean() + 0.2
    assert unadapted[-20:].mean() < 0.5  # no fixed policy earns more than a third


def test_adaptation_at_test_time_is_recorded_step_by_step() -> None:
    """With ProMP outside; from the second step on, another step size may be taken."""
    rule = MAML(inner=one_step(rate=4.0), outer=promp(), **SIZES)
    candidate, key = agent(rule), jax.random.key(0)
    trained = trained_agent(candidate, ARMS, key, 40 * 512)
    result = evaluate_adaptation(candidate, ARMS, trained, jnp.arange(3), key, episodes=64, horizon=1, steps=4)
    assert result.returns.shape == (5, 3)
    rows = result.intervals()
    assert all(row.low <= row.estimate <= row.high for row in rows)
    assert rows[0].estimate < 0.5  # no fixed policy earns more than a third
    assert rows[4].estimate > rows[0].estimate + 0.2
    later = evaluate_adaptation(
        candidate,
        ARMS,
        trained,
        jnp.arange(3),
        key,
        episodes=64,
        horizon=1,
        steps=4,
        later=agent(MAML(inner=one_step(rate=1e-5), outer=promp(), **SIZES)),
    )
    np.testing.assert_array_equal(later.returns[:2], result.returns[:2])
    assert abs(later.returns[1:].mean(1) - later.returns[1].mean()).max() < 0.15  # steps of no size change nothing


@pytest.mark.slow
def test_a_search_over_the_inner_learning_rate(plugins: Plugins, tmp_path: Path) -> None:
    fit = {"returns": {"gae": {"gamma": 0.99, "lam": 1.0}}}
    inner = {"policy_gradient": {**fit, "optimizer": {"sgd": {"learning_rate": {"free": {"low": 0.01, "high": 2.0}}}}}}
    outer = {"promp": {**fit, "optimizer": {"adam": {"learning_rate": 0.002}}, "epochs": 1}}
    config = {
        "name": "inner rate",
        "candidate": {
            "rule": {"maml": {"inner": inner, "outer": outer, "tasks": 2, "num_envs": 2, "steps": 100}},
            "network": {"mlp": {"hidden": [4]}},
        },
        "strategy": "random_search",
        "objective": "area_under_curve",
        "population": 2,
        "generations": 1,
        "seeds": 1,
        "tasks": [{"task": "navigation-square", "steps": 1600}],
        "finalists": 1,
        "selection_seeds": 1,
    }
    result = search(plugins, config, tmp_path / "run")
    rate = float(get(result.champion, "rule.inner.optimizer.learning_rate"))
    assert 0.01 <= rate <= 2.0
    assert rate not in (np.float32(0.01), np.float32(2.0))
    assert np.isfinite(result.champion_fitness)
    assert result.generations == 1
