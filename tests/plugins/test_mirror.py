"""Drifts have their published values, updates are their equations, and gradients reach the return function's numbers."""

import io
from typing import Any

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np
import pytest
from discover_zoo.networks.mlp import MLP
from discover_zoo.optimizers.adam import Adam
from discover_zoo.optimizers.clip_norm import ClipNorm
from discover_zoo.optimizers.sgd import SGD
from discover_zoo.returns.gae import GAE
from discover_zoo.rules.dpo import DPO
from discover_zoo.rules.drift_network import random_weights, silent_weights
from discover_zoo.rules.lpo import LPO
from discover_zoo.rules.mirror import MirrorLearning, normalize
from discover_zoo.rules.ppo import PPO
from discover_zoo.rules.residual_lpo import ResidualLPO
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from discover import Algorithm, Environment, Params, Registry, Space, Trajectory, UserError, World, replace
from discover.components.paths import check
from discover.config.build import algorithm_from

PARTS: dict[str, Any] = {"returns": GAE(gamma=0.9, lam=0.8), "optimizer": SGD(learning_rate=1.0)}


@jax.jit
def _drift_and_slope(rule: MirrorLearning, ratio: jax.Array, advantage: jax.Array) -> tuple[jax.Array, jax.Array]:
    def objective(ratio: jax.Array) -> jax.Array:
        return ratio * advantage - rule.drift(jnp.log(ratio), advantage)

    return rule.drift(jnp.log(ratio), advantage), jax.jvp(objective, (ratio,), (jnp.ones_like(ratio),))[1]


def drift_and_slope(rule: MirrorLearning, ratio: ArrayLike, advantage: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
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
    for r, a, value in zip(ratio.ravel(), advantage.ravel(), drift.ravel(), strict=True):
        f = np.asarray([np.log(r), np.log(r) ** 2, 1 - r, (1 - r) ** 2])
        expected = max(0.0, float(output @ np.tanh(hidden.T @ np.concatenate([f, f * a]))) - 1e-4)
        assert value == pytest.approx(expected, abs=1e-5)


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
    start, sample = (space.decode(g) for g in (space.start(jax.random.key(0)), space.sample(jax.random.key(0))))
    check(sample)
    np.testing.assert_array_equal(start.rule.drift_weights["output"], 0.0)
    assert np.std(start.rule.drift_weights["hidden"]) == pytest.approx(8**-0.5, rel=0.1)
    assert np.std(sample.rule.drift_weights["output"]) == pytest.approx(128**-0.5, rel=0.3)


# Figures --------------------------------------------------------------------------------------------------------------


def picture(rule: MirrorLearning) -> tuple[Figure, bytes]:
    figure, file = rule.figures()["drift"], io.BytesIO()
    assert isinstance(figure, Figure)
    figure.savefig(file, format="png", dpi=50)
    return figure, file.getvalue()


@pytest.mark.slow
def test_the_figure_shows_the_drift_beside_ppo_and_dpo_and_is_the_same_each_time() -> None:
    rule = rule_with_random_weights("lpo", 0)
    figure, first = picture(rule)
    assert [axes.get_title() for axes in figure.axes[:3]] == ["LPO", "PPO", "DPO"]
    assert picture(rule)[1] == first
    assert picture(rule_with_random_weights("lpo", 1))[1] != first


@pytest.mark.slow
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


def test_normalized_advantages_have_mean_zero_and_deviation_one_and_no_infinite_slope() -> None:
    advantage = jnp.asarray(np.random.default_rng(0).normal(3.0, 5.0, 200), jnp.float32)
    assert float(normalize(advantage).mean()) == pytest.approx(0.0, abs=1e-5)
    assert float(normalize(advantage).std()) == pytest.approx(1.0, abs=1e-5)
    equal = jnp.full(8, 2.0)
    np.testing.assert_array_equal(normalize(equal), 0.0)
    assert np.all(np.isfinite(jax.jacobian(normalize)(equal)))


def experience_of(algorithm: Algorithm, environment: Environment, steps: int, columns: int) -> tuple[World, Params, Trajectory]:
    """The world, fresh parameters and experience that they collected."""
    world = algorithm.world(environment)

    def collect(keys: jax.Array) -> tuple[Params, Trajectory]:
        params = world.initial_params(keys[0])
        actor = world.start(keys[1], world.sample_tasks(keys[2], columns))
        return params, world.collect(params, actor, keys[3], steps)[1]

    return world, *jax.jit(collect)(jax.random.split(jax.random.key(1), 4))


def test_one_update_is_one_gradient_step_on_the_published_loss(walk: Environment) -> None:
    """Independent of the rule: GAE by hand in numpy, the minimum and the clipped value loss as PPO's paper writes them."""
    network = MLP(hidden=(8,))
    rule = PPO(**PARTS, steps=16, num_envs=3, epochs=1, minibatches=1, clip=0.05, value_clip=0.01)
    world, old, trajectory = experience_of(Algorithm(rule=rule, network=network), walk, 16, 3)
    assert trajectory.terminated.any()
    assert trajectory.truncated.any()
    params = jax.tree.map(lambda p: p + 0.1 * jnp.cos(jnp.arange(p.size)).reshape(p.shape), old)  # so that ratios leave 1
    updated, _, info = jax.jit(lambda p, e: rule.update(jax.random.key(5), world, p, (), trajectory=e))(params, trajectory)

    r, v = np.asarray(trajectory.reward, np.float64), np.asarray(trajectory.outputs["value"], np.float64)
    ends, cut = np.asarray(trajectory.terminated), np.asarray(trajectory.terminated | trajectory.truncated)
    ahead = trajectory._replace(observation=trajectory.next_observation)
    known, evaluated = (np.asarray(world.evaluate(p, ahead)["value"]) for p in (old, params))
    unknown = np.asarray(trajectory.truncated) | (np.arange(16) == 15)[:, None]  # no row below holds the next state's value
    following = np.where(unknown, evaluated, known)
    delta = r + 0.9 * np.where(ends, 0.0, following) - v
    advantage = np.zeros_like(delta)
    for t in reversed(range(16)):
        advantage[t] = delta[t] + (0.72 * ~cut[t] * advantage[t + 1] if t < 15 else 0.0)
    target = advantage + v
    standard = (advantage - advantage.mean()) / advantage.std()

    def loss(params: Params) -> jax.Array:
        outputs = world.evaluate(params, trajectory)
        log_p = jax.nn.log_softmax(outputs["policy"])
        chosen = jnp.take_along_axis(log_p, trajectory.action[..., None], axis=-1)[..., 0]
        ratio = jnp.exp(chosen - trajectory.log_prob)
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
    rule = PPO(**PARTS, steps=8, num_envs=2, epochs=3, minibatches=2)
    world, params, trajectory = experience_of(Algorithm(rule=rule, network=MLP(hidden=())), walk, 8, 2)
    trajectory = trajectory._replace(log_prob=jnp.arange(16.0).reshape(8, 2))  # by which a step is known again
    orders: list[list[list[float]]] = []
    original = World.minibatches

    def recorded(self: World, *arguments: Any) -> Any:
        parts = original(self, *arguments)
        jax.debug.callback(lambda order: orders.append(np.asarray(order).reshape(2, 8).tolist()), parts[0].log_prob)
        return parts

    monkeypatch.setattr(World, "minibatches", recorded)
    jax.block_until_ready(jax.jit(lambda p, e: rule.update(jax.random.key(5), world, p, (), trajectory=e))(params, trajectory))
    jax.effects_barrier()
    assert len(orders) == 3
    assert [sorted(order[0] + order[1]) for order in orders] == [list(range(16))] * 3
    assert len({str([sorted(part) for part in order]) for order in orders}) == 3


@pytest.fixture(scope="module")
def whole_update(walk: Environment) -> tuple[Any, Any, Any]:
    """A rectified network's parameters, experience, and the gradients of a whole update in gamma and lambda.

    The update is the recipe's at a tiny size; the gradients, ``(params, trajectory) -> (backward, forward)``, are those of a
    fixed projection of the parameters that it gives.
    """
    optimizer = ClipNorm(optimizer=Adam(learning_rate=2.5e-4, eps=1e-5, anneal=1.0))
    rule = PPO(returns=GAE(), optimizer=optimizer, steps=16, num_envs=2)
    algorithm = Algorithm(rule=rule, network=MLP(hidden=(8,), activation="relu"))
    _, params, trajectory = experience_of(algorithm, walk, 16, 2)

    def score(numbers: dict[str, jax.Array], params: Params, trajectory: Trajectory) -> jax.Array:
        changed = replace(algorithm, {f"rule.returns.{name}": value for name, value in numbers.items()})
        rule, world = changed.rule, changed.world(walk)
        state = rule.init(jax.random.key(6), world, params)
        updated = rule.update(jax.random.key(7), world, params, state, trajectory=trajectory)[0]
        flat = jax.flatten_util.ravel_pytree(updated)[0]
        return jnp.sum(jnp.sin(jnp.arange(flat.size)) * flat)

    numbers = {"gamma": jnp.float32(0.95), "lam": jnp.float32(0.8)}
    slopes = jax.jit(lambda *args: (jax.grad(score)(numbers, *args), jax.jacfwd(score)(numbers, *args)))
    return params, trajectory, slopes


def kill_unit(params: Params) -> Params:
    """Parameters whose first hidden unit is never active, in either torso."""

    def kill(path: Any, leaf: jax.Array) -> jax.Array:
        names = [getattr(p, "key", None) for p in path]
        return leaf.at[0].set(-100.0) if "torso" in names and names[-1] == "bias" else leaf

    return jax.tree_util.tree_map_with_path(kill, params)


@pytest.mark.parametrize("dead", [False, True], ids=["all alive", "a dead unit"])
def test_the_gradient_of_a_whole_update_in_gamma_and_lambda_is_finite_and_not_zero(whole_update: Any, dead: bool) -> None:
    params, trajectory, slopes = whole_update
    params = kill_unit(params) if dead else params
    for head in ("policy", "value"):
        hidden = params["heads"][head]["torso"][0]
        active = np.asarray(trajectory.observation @ hidden["kernel"] + hidden["bias"]) > 0.0
        assert active.any(axis=(0, 1)).sum() > 1
        assert not dead or not active[..., 0].any()
    backward, forward = slopes(params, trajectory)
    for name in ("gamma", "lam"):
        assert np.isfinite(backward[name])
        assert abs(float(backward[name])) > 1e-6
        assert float(forward[name]) == pytest.approx(float(backward[name]), rel=1e-3)
