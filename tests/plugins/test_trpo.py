"""TRPO's step, its line search, and the value by least squares."""

import jax
import jax.numpy as jnp
import numpy as np
from contract.small import ARMS, agent, compiled, curves, stacked
from discover_zoo.networks.mlp import MLP
from discover_zoo.returns.gae import GAE
from discover_zoo.returns.monte_carlo import MonteCarlo
from discover_zoo.rules.linear_baseline import LinearBaseline, features, fit_values
from discover_zoo.rules.trpo import TRPO, conjugate_gradients
from plugins.bandits import Arm, Logits, pulls

from discover import Info, Segment


def stepped(rule: TRPO, reward: tuple[float, float]) -> tuple[jax.Array, Info]:
    """Parameters after one update from even logits on a bandit whose every arm was pulled once, and what was reported."""

    def update(rule: TRPO) -> tuple[jax.Array, Info]:
        world, logits = agent(rule, Logits()).world(Arm()), jnp.zeros(2)
        after, _, info = rule.update(jax.random.key(0), world, logits, (), trajectory=pulls(logits, reward))
        return after, info

    return compiled(update)(rule)


PLAIN = TRPO(returns=MonteCarlo(), normalize=False)


def test_the_step_on_a_bandit_with_two_arms() -> None:
    """By hand: ``g = (1/4, -1/4)``, and the full step is within the radius."""
    after, info = stepped(PLAIN, (1.0, 0.0))
    np.testing.assert_allclose(after, [0.141421, -0.141421], atol=1e-5)
    np.testing.assert_allclose(jax.nn.softmax(after), [0.57024, 0.42976], atol=1e-5)
    np.testing.assert_allclose(info["kl"], 0.009967, atol=1e-6)
    assert info["moved"] == 1.0


def test_a_step_out_of_the_radius_is_shrunk_until_it_is_within() -> None:
    """Where the quadratic model of the KL is too small, which it is for steps away from even odds."""

    def update(rule: TRPO, logits: jax.Array) -> tuple[jax.Array, Info]:
        world = agent(rule, Logits()).world(Arm())
        after, _, info = rule.update(jax.random.key(0), world, logits, (), trajectory=pulls(logits, (1.0, 0.0)))
        return after - logits, info

    steps = {
        n: compiled(update)(TRPO(returns=MonteCarlo(), normalize=False, backtracks=n), jnp.asarray([-4.0, 0.0]))
        for n in (1, 15)
    }
    assert steps[1][1]["moved"] == 0.0
    np.testing.assert_array_equal(steps[1][0], 0.0)  # none was acceptable: the parameters stay
    assert steps[15][1]["moved"] == 1.0
    assert 0.0 < steps[15][1]["kl"] <= 0.01
    assert steps[15][1]["policy_gain"] > 0.0


def test_nothing_to_learn_leaves_the_parameters() -> None:
    after, info = stepped(PLAIN, (1.0, 1.0))
    np.testing.assert_array_equal(after, 0.0)
    assert info["moved"] == 0.0


def test_the_kl_is_of_the_old_policy_from_the_new_one() -> None:
    after, info = stepped(TRPO(returns=MonteCarlo(), normalize=False, radius=0.2), (1.0, 0.0))
    old, new = np.full(2, 0.5), np.asarray(jax.nn.softmax(after))
    np.testing.assert_allclose(info["kl"], np.sum(old * np.log(old / new)), rtol=1e-4)
    assert abs(np.sum(new * np.log(new / old)) - info["kl"]) > 1e-3


def test_conjugate_gradients_solve_and_stay_solved() -> None:
    root = np.random.default_rng(0).normal(size=(6, 6)).astype(np.float32)
    matrix, b = root @ root.T + np.eye(6, dtype=np.float32), np.arange(6, dtype=np.float32)
    solve = compiled(lambda b, n=20: conjugate_gradients(lambda v: jnp.asarray(matrix) @ v, b, n))
    np.testing.assert_allclose(solve(b), np.linalg.solve(matrix, b), rtol=1e-3, atol=1e-4)
    np.testing.assert_array_equal(solve(np.zeros(6, np.float32)), 0.0)


def test_it_learns_which_arms_pay() -> None:
    rules = [TRPO(returns=MonteCarlo(), steps=8, num_envs=4, radius=radius) for radius in (1e-4, 0.05)]
    curve = curves(stacked(*(agent(rule, MLP(hidden=())) for rule in rules)), ARMS, 40)
    late = np.asarray(curve.episode_return)[:, -20:].mean(1)
    assert late[1] > late[0] + 0.08  # three of six arms pay, by turns: knowing them is worth a third in place of a sixth
    assert np.all(curve.finite)


def test_the_baseline_is_the_regression_of_returns_on_features() -> None:
    """Against numpy's least squares, in each group of columns apart; unfinished episodes do not count."""
    random = np.random.default_rng(0)
    x = random.normal(size=(12, 6, 4)).astype(np.float32)
    target, known = random.normal(size=(12, 6)).astype(np.float32), random.integers(0, 2, (12, 6)).astype(np.float32)
    values = compiled(lambda x, y, w: fit_values(x, y, w, 3))(x, target, known)
    for columns in (slice(0, 3), slice(3, 6)):
        rows, targets, counts = x[:, columns].reshape(-1, 4), target[:, columns].ravel(), known[:, columns].ravel() > 0
        weights = np.linalg.lstsq(rows[counts], targets[counts], rcond=None)[0]
        np.testing.assert_allclose(values[:, columns].ravel(), rows @ weights, atol=1e-3)


def test_time_runs_from_the_start_of_each_episode() -> None:
    first = np.zeros((5, 1), bool)
    first[[0, 3]] = True
    rows = features(
        pulls(jnp.zeros(2), (0.0, 0.0))._replace(
            observation=jnp.zeros((5, 1, 2)), is_first=jnp.asarray(first), reward=jnp.zeros((5, 1))
        )
    )
    np.testing.assert_allclose(rows[:, 0, 4] * 100.0, [0, 1, 2, 0, 1], atol=1e-5)
    np.testing.assert_allclose(rows[..., -1], 1.0)


def test_no_value_is_carried_over_the_end_of_an_episode() -> None:
    """Be it terminated, cut off, or the end of the batch; within an episode the next value is the value of the row below."""
    rule = LinearBaseline(rule=TRPO(returns=GAE()), returns=MonteCarlo())

    def segment(rule: LinearBaseline) -> Segment:
        world, logits = agent(rule, Logits()).world(Arm()), jnp.zeros(2)
        rows = jnp.arange(7)[:, None]
        zeros = jnp.zeros((7, 1))
        batch = pulls(logits, (0.0, 0.0))._replace(
            observation=rows[..., None] + 1.0,
            action=jnp.zeros((7, 1), jnp.int32),
            log_prob=zeros,
            outputs={"policy": jnp.zeros((7, 1, 2))},
            reward=rows + 1.0,
            terminated=rows == 1,
            truncated=rows == 4,
            next_observation=rows[..., None] + 2.0,
            is_first=(rows == 0) | (rows == 2) | (rows == 5),
        )
        return rule.inner_world(world).segment(logits, batch)

    segment_of_rule = compiled(segment)(rule)
    value = np.asarray(segment_of_rule.value[:, 0])
    assert np.all(np.abs(value[:-1]) > 0.1)
    np.testing.assert_array_equal(segment_of_rule.next_value[:, 0], [value[1], 0.0, value[3], value[4], 0.0, value[6], 0.0])


def test_a_baseline_that_explains_all_leaves_no_advantage() -> None:
    """One-step episodes that pay by their observation alone."""
    rule = LinearBaseline(rule=TRPO(returns=GAE()), returns=MonteCarlo())

    def advantage(rule: LinearBaseline) -> jax.Array:
        world, logits = agent(rule, Logits()).world(Arm()), jnp.zeros(2)
        batch = pulls(logits, (3.0, -1.0))._replace(observation=jnp.asarray([[[1.0], [2.0]]]))
        return GAE(lam=1.0)(rule.inner_world(world).segment(logits, batch)).advantage

    np.testing.assert_allclose(compiled(advantage)(rule), 0.0, atol=1e-2)
