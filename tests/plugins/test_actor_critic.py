"""A2C's update is its equation; IMPALA acts with old parameters and learns from values and ratios of the new ones."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discover_zoo.networks.mlp import MLP
from discover_zoo.optimizers.sgd import SGD
from discover_zoo.returns.monte_carlo import MonteCarlo
from discover_zoo.returns.n_step import NStep
from discover_zoo.returns.v_trace import VTrace
from discover_zoo.rules.a2c import A2C
from discover_zoo.rules.impala import IMPALA

from discover import Algorithm, Environment, Params, Registry, ReturnFunction
from discover.components.paths import check
from discover.config.build import algorithm_from
from discover.inner_loop import lifetime

GAMMA, STEPS, COLUMNS = 0.9, 5, 4
SETTINGS: dict[str, Any] = {
    "optimizer": SGD(learning_rate=0.5),
    "steps": STEPS,
    "num_envs": COLUMNS,
    "entropy_coefficient": 0.02,
    "value_coefficient": 0.5,
}


def impala(returns: ReturnFunction, lag: int) -> Algorithm:
    return Algorithm(rule=IMPALA(returns=returns, lag=lag, **SETTINGS), network=MLP(hidden=(8,)))


def parameters_over_updates(
    algorithm: Algorithm, environment: Environment, updates: int = 6
) -> tuple[list[Params], list[Params]]:
    """The parameters before each update, and those that acted."""
    life = jax.jit(lambda: lifetime.begin(algorithm, environment, jax.random.key(0)))()
    advance = jax.jit(lambda life, at: lifetime.advance(algorithm, environment, life, at, stop=at + 1, total=updates))
    learned, acted = [], []
    for update in range(updates):
        learned.append(life.params)
        acted.append(algorithm.rule.behavior(life.params, life.rule_state)[0])
        life = advance(life, jnp.int32(update))
    return learned, acted


def assert_same(a: Params, b: Params, atol: float = 0.0) -> None:
    for x, y in zip(*map(jax.tree.leaves, (a, b)), strict=True):
        np.testing.assert_allclose(x, y, atol=atol)


@pytest.mark.parametrize(
    "lag",
    [
        pytest.param(0, marks=pytest.mark.slow),
        pytest.param(1, marks=pytest.mark.slow),
        2,
        pytest.param(3, marks=pytest.mark.slow),
    ],
)
def test_actors_use_the_parameters_of_lag_updates_ago(walk: Environment, lag: int) -> None:
    learned, acted = parameters_over_updates(impala(VTrace(gamma=GAMMA), lag), walk)
    assert any(bool(jnp.any(x != y)) for x, y in zip(*map(jax.tree.leaves, (learned[0], learned[-1])), strict=True))
    for update, params in enumerate(acted):
        assert_same(params, learned[max(update - lag, 0)])


@pytest.mark.slow
def test_without_a_lag_v_trace_changes_nothing(walk: Environment) -> None:
    corrected, _ = parameters_over_updates(impala(VTrace(gamma=GAMMA), 0), walk)
    plain, _ = parameters_over_updates(impala(MonteCarlo(gamma=GAMMA), 0), walk)
    assert_same(corrected[-1], plain[-1], atol=1e-5)


@pytest.mark.parametrize("rule", ["a2c", "impala"])
def test_an_update_is_its_equation(walk: Environment, rule: str) -> None:
    """Targets and ratios are those of the parameters that learn; the actions are those of others."""
    n_step, v_trace = NStep(gamma=GAMMA, n=5), VTrace(gamma=GAMMA)
    update_rule = A2C(returns=n_step, **SETTINGS) if rule == "a2c" else IMPALA(returns=v_trace, lag=2, **SETTINGS)
    world = Algorithm(rule=update_rule, network=MLP(hidden=(8,))).world(walk)
    keys = jax.random.split(jax.random.key(1), 5)

    def prepare() -> Any:
        params, other = world.initial_params(keys[0]), world.initial_params(keys[1])
        other = jax.tree.map(lambda x: 2.0 * x, other)
        actor = world.start(keys[2], world.sample_tasks(keys[3], COLUMNS))
        trajectory = world.collect(params if rule == "a2c" else other, actor, keys[4], STEPS)[1]
        state = update_rule.init(keys[0], world, params)
        return params, trajectory, update_rule.update(keys[0], world, params, state, trajectory=trajectory)[0]

    params, trajectory, updated = jax.jit(prepare)()
    outputs, following = jax.jit(lambda p, e: (world.evaluate(p, e), world.evaluate_next(p, e)["value"]))(params, trajectory)
    value, log_p = np.asarray(outputs["value"], np.float64), np.asarray(jax.nn.log_softmax(outputs["policy"]), np.float64)
    taken = np.take_along_axis(log_p, np.asarray(trajectory.action)[..., None], axis=-1)[..., 0]
    ratio = np.minimum(1.0, np.exp(taken - np.asarray(trajectory.log_prob)))
    assert (rule == "a2c") == bool(np.allclose(ratio, 1.0, atol=1e-5))
    target, advantage = np.zeros_like(value), np.zeros_like(value)
    goes_on = ~np.asarray(trajectory.terminated | trajectory.truncated)
    for t in reversed(range(STEPS)):
        last = t == STEPS - 1
        after = np.where(goes_on[t] & (not last), target[min(t + 1, STEPS - 1)], following[t])
        beyond = np.where(goes_on[t] & (not last), after - value[min(t + 1, STEPS - 1)], 0.0)
        discount = GAMMA * ~np.asarray(trajectory.terminated[t])
        delta = ratio[t] * (trajectory.reward[t] + discount * np.asarray(following[t]) - value[t])
        target[t] = value[t] + delta + discount * ratio[t] * beyond
        advantage[t] = ratio[t] * (trajectory.reward[t] + discount * after - value[t])

    def loss(params: Params) -> jax.Array:
        outputs = world.evaluate(params, trajectory)
        log_p = jax.nn.log_softmax(outputs["policy"])
        chosen = jnp.take_along_axis(log_p, trajectory.action[..., None], axis=-1)[..., 0]
        entropy = -jnp.mean(jnp.sum(jnp.exp(log_p) * log_p, axis=-1))
        return -jnp.mean(chosen * advantage) + 0.25 * jnp.mean((outputs["value"] - target) ** 2) - 0.02 * entropy

    assert_same(updated, jax.tree.map(lambda p, g: p - 0.5 * g, params, jax.jit(jax.grad(loss))(params)), atol=1e-5)


@pytest.mark.parametrize("recipe", ["a2c", "impala"])
def test_the_recipes_are_complete(registry: Registry, recipe: str) -> None:
    check(algorithm_from(registry, recipe))
