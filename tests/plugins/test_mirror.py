"""Drifts have their published values, updates are their equations, and gradients reach the return function's numbers."""

import io
from typing import Any

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np
import pytest
from discover_mirror.dpo import DPO
from discover_mirror.lpo import LPO, ResidualLPO, random_weights, silent_weights
from discover_mirror.mirror import MirrorLearning, normalised
from discover_mirror.ppo import PPO
from discover_networks.mlp import MLP
from discover_optimisers.optimisers import SGD, Adam, ClipNorm
from discover_returns.returns import GAE
from matplotlib.figure import Figure

from discover import Algorithm, Environment, Registry, Space, UserError, World, replace
from discover.paths import check
from discover.words import algorithm_from

PARTS: dict[str, Any] = {"returns": GAE(gamma=0.9, lam=0.8), "optimiser": SGD(learning_rate=1.0)}


@jax.jit
def _drift_and_slope(rule: MirrorLearning, ratio: jax.Array, advantage: jax.Array) -> tuple[jax.Array, jax.Array]:
    def objective(ratio: jax.Array) -> jax.Array:
        return ratio * advantage - rule.drift(jnp.log(ratio), advantage)

    return rule.drift(jnp.log(ratio), advantage), jax.jvp(objective, (ratio,), (jnp.ones_like(ratio),))[1]


def drift_and_slope(rule: MirrorLearning, ratio: Any, advantage: Any) -> tuple[np.ndarray, np.ndarray]:
    """Drift, and derivative of ``ratio * A - drift`` in the ratio, per point."""
    points = np.broadcast_arrays(np.asarray(ratio, np.float32), np.asarray(advantage, np.float32))
    drift, slope = _drift_and_slope(rule, *points)
    return np.asarray(drift), np.asarray(slope)


def rule_with_random_weights(kind: str, seed: int, scale: float = 1.0) -> LPO | ResidualLPO:
    weights = jax.tree.map(lambda w: scale * w, random_weights(None, jax.random.key(seed)))
    return (LPO if kind == "lpo" else ResidualLPO)(drift_weights=weights, **PARTS)


# Drifts ---------------------------------------------------------------------------------------------------------------


def test_the_drift_of_ppo_has_its_values() -> None:
    rule = PPO(clip=0.2, **PARTS)
    good, good_slope = drift_and_slope(rule, [1.25, 2.0, 4.0, 0.5, 1.0], 1.0)
    bad, bad_slope = drift_and_slope(rule, [0.85, 0.5, 0.25, 2.0, 1.0], -1.0)
    np.testing.assert_allclose(good, [0.05, 0.8, 2.8, 0.0, 0.0], atol=1e-4)
    np.testing.assert_allclose(bad, [0.0, 0.3, 0.55, 0.0, 0.0], atol=1e-4)
    np.testing.assert_allclose(good_slope, [0.0, 0.0, 0.0, 1.0, 1.0], atol=1e-4)
    np.testing.assert_allclose(bad_slope, [-1.0, 0.0, 0.0, -1.0, -1.0], atol=1e-4)
    assert drift_and_slope(rule, 0.8, -1.0)[0] == pytest.approx(0.0, abs=1e-4)


def test_the_drift_of_dpo_has_its_values() -> None:
    rule = DPO(alpha=2.0, beta=0.6, **PARTS)
    for advantage, ratio, expected in [
        (1.0, [1.25, 2.0, 4.0, 1.0, 0.5, 0.1], [0.00129, 0.07577, 1.18970, 0.0, 0.0, 0.0]),
        (-1.0, [0.8, 0.5, 0.25, 1.0, 2.0, 8.0], [0.00975, 0.20146, 0.79799, 0.0, 0.0, 0.0]),
        (2.0, [2.0, 4.0], [0.47681, 4.00989]),
        (-2.0, [0.5, 0.25], [0.79799, 2.17270]),
    ]:
        np.testing.assert_allclose(drift_and_slope(rule, ratio, advantage)[0], expected, atol=1e-4)


def test_the_objective_of_dpo_has_its_slopes() -> None:
    rule = DPO(alpha=2.0, beta=0.6, **PARTS)
    _, good = drift_and_slope(rule, [1.0, 1.25, 2.0, 4.0], 1.0)
    _, bad = drift_and_slope(rule, [1.0, 0.8, 0.5, 0.25], -1.0)
    np.testing.assert_allclose(good, [1.0, 0.9845, 0.7864, 0.1807], atol=1e-4)
    np.testing.assert_allclose(bad, [-1.0, -0.8419, 0.3431, 2.8456], atol=1e-4)


@pytest.mark.parametrize("kind", ["lpo", "residual_lpo"])
@pytest.mark.parametrize("scale", [1.0, 10.0])
def test_a_learned_drift_is_valid_whatever_its_weights(kind: str, scale: float) -> None:
    ratio, advantage = np.meshgrid(np.geomspace(1e-3, 1e2, 41), np.linspace(-4.0, 4.0, 17))
    positive = 0
    for seed in range(5):
        rule = rule_with_random_weights(kind, seed, scale)
        drift, slope = drift_and_slope(rule, ratio, advantage)
        assert np.all(np.isfinite(drift))
        assert np.all(np.isfinite(slope))
        assert np.all(drift >= 0.0)
        positive += int((drift > 0.0).sum())
        unmoved, unmoved_slope = drift_and_slope(rule, 1.0, advantage[:, 0])
        np.testing.assert_array_equal(unmoved, 0.0)
        np.testing.assert_array_equal(unmoved_slope, advantage[:, 0].astype(np.float32))
    assert positive > ratio.size  # of 5 * ratio.size points: not the trivial drift


def test_the_drift_of_lpo_is_its_equation() -> None:
    rule = rule_with_random_weights("lpo", 3)
    hidden, output = (np.asarray(rule.drift_weights[name], np.float64) for name in ("hidden", "output"))
    assert hidden.shape == (8, 128)
    assert output.shape == (128,)
    ratio, advantage = np.meshgrid([0.3, 0.9, 1.4, 3.0], [-2.0, -0.1, 0.7])
    drift, _ = drift_and_slope(rule, ratio, advantage)
    for r, a, got in zip(ratio.ravel(), advantage.ravel(), drift.ravel(), strict=True):
        f = np.asarray([np.log(r), np.log(r) ** 2, 1 - r, (1 - r) ** 2])
        expected = max(0.0, float(output @ np.tanh(hidden.T @ np.concatenate([f, f * a]))) - 1e-4)
        assert got == pytest.approx(expected, abs=1e-5)


def test_a_search_begins_without_drift_or_at_ppo() -> None:
    ratio, advantage = np.meshgrid(np.geomspace(0.1, 10.0, 21), np.linspace(-3.0, 3.0, 13))
    silent = silent_weights(None, jax.random.key(0))
    np.testing.assert_array_equal(drift_and_slope(LPO(drift_weights=silent, **PARTS), ratio, advantage)[0], 0.0)
    residual = drift_and_slope(ResidualLPO(drift_weights=silent, clip=0.2, **PARTS), ratio, advantage)[0]
    np.testing.assert_allclose(residual, drift_and_slope(PPO(clip=0.2, **PARTS), ratio, advantage)[0], atol=1.1e-4)


# Recipes --------------------------------------------------------------------------------------------------------------


def test_recipes_are_candidates_or_spaces(registry: Registry) -> None:
    for name, rule in [("ppo", PPO), ("dpo", DPO)]:
        algorithm = algorithm_from(registry, name)
        check(algorithm)
        assert type(algorithm.rule) is rule
    for name in ("lpo", "residual_lpo"):
        with pytest.raises(UserError, match=r"^rule\.drift_weights of \w+ is open \(free\(\)\): set it, or search over it\.$"):
            check(algorithm_from(registry, name))


@pytest.mark.parametrize("name", ["lpo", "residual_lpo"])
def test_the_space_of_a_recipe_begins_silent_and_samples_are_loud(registry: Registry, name: str) -> None:
    space = Space(algorithm_from(registry, name))
    assert space.dimension == 8 * 128 + 128
    started, sampled = (space.decode(g) for g in (space.start(jax.random.key(0)), space.sample(jax.random.key(0))))
    check(sampled)
    np.testing.assert_array_equal(started.rule.drift_weights["output"], 0.0)
    assert np.std(started.rule.drift_weights["hidden"]) == pytest.approx(8**-0.5, rel=0.1)
    assert np.std(sampled.rule.drift_weights["output"]) == pytest.approx(128**-0.5, rel=0.3)


# Figures --------------------------------------------------------------------------------------------------------------


def picture(rule: MirrorLearning) -> tuple[Figure, bytes]:
    figure, file = rule.figures()["drift"], io.BytesIO()
    assert isinstance(figure, Figure)
    figure.savefig(file, format="png", dpi=50)
    return figure, file.getvalue()


def test_the_figure_shows_the_drift_beside_ppo_and_dpo_and_is_the_same_each_time() -> None:
    rule = rule_with_random_weights("lpo", 0)
    figure, first = picture(rule)
    assert [axes.get_title() for axes in figure.axes[:3]] == ["LPO", "PPO", "DPO"]
    assert picture(rule)[1] == first
    assert picture(rule_with_random_weights("lpo", 1))[1] != first


def test_the_figure_paints_drifts_and_the_slopes_that_they_leave_to_the_objective() -> None:
    rules = [rule_with_random_weights("lpo", 0), PPO(**PARTS), DPO(**PARTS)]
    *axes, _, _ = picture(rules[0])[0].axes
    assert len(axes) == 2 * len(rules)
    ratio, advantage = np.exp(np.linspace(-1.0, 1.0, 161)), np.linspace(-3.0, 3.0, 121)[:, None]
    for rule, above, below in zip(rules, axes[:3], axes[3:], strict=True):
        for one, expected in zip((above, below), drift_and_slope(rule, ratio, advantage), strict=True):
            np.testing.assert_allclose(np.asarray(one.collections[0].get_array()), expected, atol=1e-4)


def test_the_figures_of_ppo_and_dpo_show_each_beside_the_other() -> None:
    assert [axes.get_title() for axes in picture(PPO(**PARTS))[0].axes[:2]] == ["PPO", "DPO"]
    assert [axes.get_title() for axes in picture(DPO(**PARTS))[0].axes[:2]] == ["DPO", "PPO"]


# Updates --------------------------------------------------------------------------------------------------------------


def test_normalised_advantages_have_mean_zero_and_deviation_one_and_no_infinite_slope() -> None:
    advantage = jnp.asarray(np.random.default_rng(0).normal(3.0, 5.0, 200), jnp.float32)
    assert float(normalised(advantage).mean()) == pytest.approx(0.0, abs=1e-5)
    assert float(normalised(advantage).std()) == pytest.approx(1.0, abs=1e-5)
    equal = jnp.full(8, 2.0)
    np.testing.assert_array_equal(normalised(equal), 0.0)
    assert np.all(np.isfinite(jax.jacobian(normalised)(equal)))


def experience_of(algorithm: Algorithm, environment: Environment, steps: int, columns: int) -> tuple[World, Any, Any]:
    """The world, fresh parameters and experience that they collected."""
    world = World(algorithm, environment)

    def collect(keys: jax.Array) -> tuple[Any, Any]:
        params = world.initial_params(keys[0])
        actor = world.start(keys[1], world.sample_tasks(keys[2], columns))
        return params, world.collect(params, actor, keys[3], steps)[1]

    return world, *jax.jit(collect)(jax.random.split(jax.random.key(1), 4))


def test_one_update_is_one_gradient_step_on_the_published_loss(walk: Environment) -> None:
    """Independent of the rule: GAE by hand in numpy, the minimum and the clipped value loss as PPO's paper writes them."""
    network = MLP(hidden=(8,))
    rule = PPO(**PARTS, steps=16, environments=3, epochs=1, minibatches=1, clip=0.05, value_clip=0.01)
    world, old, experience = experience_of(Algorithm(rule=rule, network=network), walk, 16, 3)
    assert experience.terminated.any()
    assert experience.truncated.any()
    params = jax.tree.map(lambda p: p + 0.1 * jnp.cos(jnp.arange(p.size)).reshape(p.shape), old)  # so that ratios leave 1
    updated, _, info = jax.jit(lambda p, e: rule.update(jax.random.key(5), world, p, (), e))(params, experience)

    r, v = np.asarray(experience.reward, np.float64), np.asarray(experience.outputs["value"], np.float64)
    ends, cut = np.asarray(experience.terminated), np.asarray(experience.terminated | experience.truncated)
    ahead = experience._replace(observation=experience.next_observation)
    known, evaluated = (np.asarray(world.evaluate(p, ahead)["value"]) for p in (old, params))
    unknown = np.asarray(experience.truncated) | (np.arange(16) == 15)[:, None]  # no row below holds the next state's value
    following = np.where(unknown, evaluated, known)
    delta = r + 0.9 * np.where(ends, 0.0, following) - v
    advantage = np.zeros_like(delta)
    for t in reversed(range(16)):
        advantage[t] = delta[t] + (0.72 * ~cut[t] * advantage[t + 1] if t < 15 else 0.0)
    target = advantage + v
    standard = (advantage - advantage.mean()) / advantage.std()

    def loss(params: Any) -> jax.Array:
        outputs = world.evaluate(params, experience)
        log_p = jax.nn.log_softmax(outputs["policy"])
        chosen = jnp.take_along_axis(log_p, experience.action[..., None], axis=-1)[..., 0]
        ratio = jnp.exp(chosen - experience.log_prob)
        gain = jnp.minimum(ratio * standard, jnp.clip(ratio, 0.95, 1.05) * standard).mean()
        near = v + jnp.clip(outputs["value"] - v, -0.01, 0.01)
        value_loss = 0.5 * jnp.maximum((outputs["value"] - target) ** 2, (near - target) ** 2).mean()
        entropy = -(jnp.exp(log_p) * log_p).sum(-1).mean()
        return -gain + 0.5 * value_loss - 0.01 * entropy

    value, gradient = jax.jit(jax.value_and_grad(loss))(params)
    for new, before, slope in zip(*map(jax.tree.leaves, (updated, params, gradient)), strict=True):
        np.testing.assert_allclose(new, before - slope, atol=2e-5)
    total = -info["policy_gain"] + 0.5 * info["value_loss"] - 0.01 * info["entropy"]
    assert float(total) == pytest.approx(float(value), abs=1e-5)


def test_each_epoch_shuffles_anew_and_sees_every_step_once(walk: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    rule = PPO(**PARTS, steps=8, environments=2, epochs=3, minibatches=2)
    world, params, experience = experience_of(Algorithm(rule=rule, network=MLP(hidden=())), walk, 8, 2)
    experience = experience._replace(log_prob=jnp.arange(16.0).reshape(8, 2))  # by which a step is known again
    orders: list[list[list[float]]] = []
    honest = World.minibatches

    def noted(self: World, *arguments: Any) -> Any:
        parts = honest(self, *arguments)
        jax.debug.callback(lambda order: orders.append(np.asarray(order).reshape(2, 8).tolist()), parts[0].log_prob)
        return parts

    monkeypatch.setattr(World, "minibatches", noted)
    jax.block_until_ready(jax.jit(lambda p, e: rule.update(jax.random.key(5), world, p, (), e))(params, experience))
    jax.effects_barrier()
    assert len(orders) == 3
    assert [sorted(order[0] + order[1]) for order in orders] == [list(range(16))] * 3
    assert len({str([sorted(part) for part in order]) for order in orders}) == 3


@pytest.fixture(scope="module")
def whole_update(walk: Environment) -> tuple[Any, Any, Any]:
    """A rectified network's parameters, experience, and the gradients of a whole update in gamma and lambda.

    The update is the recipe's at a tiny size; the gradients, ``(params, experience) -> (backward, forward)``, are those of a
    fixed projection of the parameters that it gives.
    """
    optimiser = ClipNorm(optimiser=Adam(learning_rate=2.5e-4, eps=1e-5, anneal=1.0))
    rule = PPO(returns=GAE(), optimiser=optimiser, steps=16, environments=2)
    algorithm = Algorithm(rule=rule, network=MLP(hidden=(8,), activation="relu"))
    _, params, experience = experience_of(algorithm, walk, 16, 2)

    def score(numbers: dict[str, jax.Array], params: Any, experience: Any) -> jax.Array:
        changed = replace(algorithm, {f"rule.returns.{name}": value for name, value in numbers.items()})
        rule, world = changed.rule, World(changed, walk)
        state = rule.init(jax.random.key(6), world, params)
        updated = rule.update(jax.random.key(7), world, params, state, experience)[0]
        flat = jax.flatten_util.ravel_pytree(updated)[0]
        return jnp.sum(jnp.sin(jnp.arange(flat.size)) * flat)

    numbers = {"gamma": jnp.float32(0.95), "lam": jnp.float32(0.8)}
    slopes = jax.jit(lambda *args: (jax.grad(score)(numbers, *args), jax.jacfwd(score)(numbers, *args)))
    return params, experience, slopes


def kill_unit(params: Any) -> Any:
    """Parameters whose first hidden unit is never active, in either torso."""

    def kill(path: Any, leaf: jax.Array) -> jax.Array:
        names = [getattr(p, "key", None) for p in path]
        return leaf.at[0].set(-100.0) if "torso" in names and names[-1] == "bias" else leaf

    return jax.tree_util.tree_map_with_path(kill, params)


@pytest.mark.parametrize("dead", [False, True], ids=["all alive", "a dead unit"])
def test_the_gradient_of_a_whole_update_in_gamma_and_lambda_is_finite_and_not_zero(whole_update: Any, dead: bool) -> None:
    params, experience, slopes = whole_update
    params = kill_unit(params) if dead else params
    for head in ("policy", "value"):
        hidden = params["heads"][head]["torso"][0]
        active = np.asarray(experience.observation @ hidden["kernel"] + hidden["bias"]) > 0.0
        assert active.any(axis=(0, 1)).sum() > 1
        assert not dead or not active[..., 0].any()
    backward, forward = slopes(params, experience)
    for name in ("gamma", "lam"):
        assert np.isfinite(backward[name])
        assert abs(float(backward[name])) > 1e-6
        assert float(forward[name]) == pytest.approx(float(backward[name]), rel=1e-3)
