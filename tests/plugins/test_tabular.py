"""Tabular rules meet the tables of the random walk and the cliff, and their equations step by step."""

import functools
from collections.abc import Callable
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discover_zoo.environments.cliff import Cliff
from discover_zoo.environments.random_walk import RandomWalk
from discover_zoo.networks.linear import Linear
from discover_zoo.rules.expected_sarsa import ExpectedSarsa
from discover_zoo.rules.n_step_td import NStepTD
from discover_zoo.rules.offline_td import OfflineTD
from discover_zoo.rules.q_learning import QLearning
from discover_zoo.rules.sarsa import Sarsa
from discover_zoo.rules.td_control import Control, epsilon_greedy
from discover_zoo.rules.td_lambda import TDLambda

from discover import (
    Algorithm,
    Continuous,
    Discrete,
    Environment,
    Head,
    Heads,
    Inputs,
    Params,
    Registry,
    Spec,
    UpdateRule,
    UserError,
)
from discover.inner_loop import lifetime
from discover.inner_loop.lifetime import Lifetime
from discover.testing.small import Corridor

TRUE = np.arange(-18, 19, 2) / 20.0
TOLERANCE = 0.012

Measure: TypeAlias = Callable[[Lifetime], tuple[jax.Array, jax.Array]]
"""A function of a lifetime after an update: a number, and whether an episode has just ended."""


@functools.cache
def ongoing(environment: Environment, updates: int) -> Any:
    """``(rules[P], keys[S], measure) -> params[P, S], the measures after every update [P, S, updates]``."""

    def train(rule: UpdateRule, key: jax.Array, measure: Measure) -> tuple[Params, Any]:
        algorithm = Algorithm(rule=rule, network=Linear())

        def step(life: Lifetime, index: jax.Array) -> tuple[Lifetime, Any]:
            life = lifetime.advance(algorithm, environment, life, index, stop=index + 1, total=updates)
            return life, measure(life)

        life, measures = jax.lax.scan(step, lifetime.begin(algorithm, environment, key), jnp.arange(updates))
        return life.params, measures

    over_seeds = jax.vmap(train, (None, 0, None))
    return jax.jit(jax.vmap(over_seeds, (0, None, None)), static_argnums=2)


def stacked(*rules: UpdateRule) -> Any:
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *rules)


def error_of_values(life: Lifetime) -> tuple[jax.Array, jax.Array]:
    """Root mean squared error over the states, and whether an episode has just ended."""
    assert life.actor is not None
    return jnp.sqrt(jnp.mean((life.params["value"] - TRUE) ** 2)), life.actor.is_first[0]


def return_of_episode(life: Lifetime) -> tuple[jax.Array, jax.Array]:
    assert life.actor is not None
    return life.actor.episodes.last_return[0], life.actor.is_first[0]


def at_ends(values: jax.Array, ended: jax.Array, count: int) -> np.ndarray:
    """``[P, S, count]``: the measures when the first ``count`` episodes ended."""
    ends = np.asarray(ended)
    assert ends.sum(axis=-1).min() >= count
    order = np.argsort(~ends, axis=-1, kind="stable")[..., :count]
    return np.take_along_axis(np.asarray(values), order, axis=-1)


def mean_errors(*rules: UpdateRule) -> np.ndarray:
    """The error at the end of an episode, mean over the first 10 episodes of 100 runs; the same episodes for all rules."""
    _, measures = ongoing(RandomWalk(), 2600)(stacked(*rules), jax.random.split(jax.random.key(0), 100), error_of_values)
    return at_ends(*measures, count=10).mean(axis=(1, 2))


# The random walk of 19 states -----------------------------------------------------------------------------------------


def test_online_td_of_the_random_walk() -> None:
    table = {0.0: (0.8, 0.347), 0.4: (0.6, 0.281), 0.8: (0.3, 0.266), 0.9: (0.2, 0.295), 0.95: (0.1, 0.340), 1.0: (0.02, 0.496)}
    rules = [TDLambda(step_size=step_size, lam=lam) for lam, (step_size, _) in table.items()]
    np.testing.assert_allclose(mean_errors(*rules), [error for _, error in table.values()], atol=TOLERANCE)


def test_the_offline_lambda_return_of_the_random_walk() -> None:
    table = {0.0: (0.8, 0.366), 0.4: (0.7, 0.293), 0.8: (0.4, 0.265), 0.9: (0.2, 0.291), 1.0: (0.05, 0.50)}
    rules = [OfflineTD(step_size=step_size, lam=lam) for lam, (step_size, _) in table.items()]
    np.testing.assert_allclose(mean_errors(*rules), [error for _, error in table.values()], atol=TOLERANCE)


@pytest.mark.slow
def test_n_step_td_of_the_random_walk() -> None:
    table = {1: (0.8, 0.347), 2: (0.6, 0.280), 4: (0.4, 0.267), 8: (0.2, 0.282), 16: (0.1, 0.326), 32: (0.1, 0.370)}
    rules = [NStepTD(step_size=step_size, n=n) for n, (step_size, _) in table.items()]
    np.testing.assert_allclose(mean_errors(*rules), [error for _, error in table.values()], atol=TOLERANCE)


# The cliff ------------------------------------------------------------------------------------------------------------


@functools.cache
def on_the_cliff(rule: type[Control]) -> tuple[np.ndarray, np.ndarray]:
    """Returns of 500 episodes ``[240, 500]``, and the tables at the end ``[240, 48, 4]``; settings of example 6.6."""
    rules = stacked(rule(step_size=0.5, gamma=1.0, epsilon=0.1))
    params, measures = ongoing(Cliff(), 24_000)(rules, jax.random.split(jax.random.key(0), 240), return_of_episode)
    return at_ends(*measures, count=500)[0], np.asarray(params["q"][0])


def greedy_steps(table: np.ndarray) -> int:
    """Steps of the greedy path to the goal; 100 where it goes round in circles."""
    row, column = 3, 0
    for step in range(100):
        if (row, column) == (3, 11):
            return step
        down, right = [(-1, 0), (0, 1), (1, 0), (0, -1)][int(table[row * 12 + column].argmax())]
        row, column = min(max(row + down, 0), 3), min(max(column + right, 0), 11)
        if row == 3 and 0 < column < 11:
            row, column = 3, 0
    return 100


@pytest.mark.parametrize(
    ("rule", "late", "tolerance", "steps"),
    [
        pytest.param(Sarsa, -26.3, 1.5, (15, 17), id="Sarsa", marks=pytest.mark.slow),
        pytest.param(QLearning, -49.6, 3.0, (13, 13), id="Q-learning", marks=pytest.mark.slow),
    ],
)
def test_control_on_the_cliff(rule: type[Control], late: float, tolerance: float, steps: tuple[int, int]) -> None:
    returns, tables = on_the_cliff(rule)
    assert returns[:, 400:].mean() == pytest.approx(late, abs=tolerance)
    assert steps[0] <= np.median([greedy_steps(table) for table in tables]) <= steps[1]


@pytest.mark.slow
def test_expected_sarsa_is_no_worse_than_sarsa_on_the_cliff() -> None:
    """Without the noise of the next action, the same target (Sutton & Barto 2018, figure 6.3)."""
    assert on_the_cliff(ExpectedSarsa)[0][:, 400:].mean() > on_the_cliff(Sarsa)[0][:, 400:].mean()


def test_the_returns_of_the_task_are_exact(registry: Registry) -> None:
    """Random: the linear equations of the values, from the steps that the environment makes."""
    environment = Cliff()
    cells, actions = jnp.divmod(jnp.arange(192, dtype=jnp.int32), 4)
    state = jnp.stack(jnp.divmod(cells, 12), axis=-1).astype(jnp.int32)
    steps = jax.vmap(lambda s, a: environment.step(jax.random.key(0), s, a, None))(state, actions)
    follows = np.asarray(steps.observation) * ~np.asarray(steps.terminated)[:, None]
    follows, reward = follows.reshape(48, 4, 48).mean(axis=1), np.asarray(steps.reward).reshape(48, 4).mean(axis=1)
    value = np.linalg.solve(np.eye(48) - follows, reward)
    facts = registry.get("task", "cliff").facts
    assert facts["random"] == pytest.approx(value[36], rel=1e-5)
    assert facts["reference"] == -13.0


# Equations ------------------------------------------------------------------------------------------------------------

STEP, GAMMA, LAM = 0.05, 0.9, 0.7


def trail(rule: UpdateRule, steps: int = 60) -> tuple[Any, Any, Any]:
    """Trajectory ``[steps, ...]`` on a corridor whose episodes terminate and are truncated, and the parameters after each."""
    algorithm, environment = Algorithm(rule=rule, network=Linear()), Corridor()
    world = algorithm.world(environment)

    def step(carry: Any, key: jax.Array) -> tuple[Any, Any]:
        params, state, actor = carry
        actor, trajectory = world.collect(params, actor, key, 1)
        params, state, _ = rule.update(key, world, params, state, trajectory=trajectory)
        return (params, state, actor), (jax.tree.map(lambda x: x[0, 0], trajectory._replace(task=())), params)

    def run(keys: jax.Array) -> Any:
        params = world.initial_params(keys[0])
        first = (params, rule.init(keys[1], world, params), world.start(keys[2], world.sample_tasks(keys[3], 1)))
        return jax.lax.scan(step, first, keys[4:])[1]

    trajectory, params = jax.tree.map(np.asarray, jax.jit(run)(jax.random.split(jax.random.key(0), 4 + steps)))
    assert trajectory.terminated.any()
    assert trajectory.truncated.any()
    return trajectory, params, environment


@pytest.mark.parametrize("traces", ["accumulating", "replacing", "dutch"])
def test_td_lambda_is_its_equation(traces: Any) -> None:
    e, params, _ = trail(TDLambda(step_size=STEP, gamma=GAMMA, lam=LAM, traces=traces))
    w, z, old = np.zeros(2), np.zeros(2), 0.0
    for t, x in enumerate(e.observation.astype(np.float64)):
        z, old = (np.zeros(2), 0.0) if e.is_first[t] else (z, old)
        value, following = w @ x, 0.0 if e.terminated[t] else w @ e.next_observation[t]
        delta = e.reward[t] + GAMMA * following - value
        fade = GAMMA * LAM
        if traces == "accumulating":
            z = fade * z + x
        elif traces == "replacing":
            z = np.where(x != 0, x, fade * z)
        else:
            z = fade * z + (1 - STEP * fade * (z @ x)) * x
        gap = value - old if traces == "dutch" else 0.0
        w = w + STEP * (delta + gap) * z - STEP * gap * x
        old = following
        np.testing.assert_allclose(params["value"][t], w, rtol=1e-3, atol=1e-5)


def test_the_offline_lambda_return_is_its_equation() -> None:
    e, params, _ = trail(OfflineTD(step_size=STEP, gamma=GAMMA, lam=LAM))
    x, x_next, w, start = e.observation.astype(np.float64), e.next_observation.astype(np.float64), np.zeros(2), 0
    for end in np.flatnonzero(e.terminated | e.truncated):
        value = (1.0 - e.terminated) * (x_next @ w)
        target, targets = value[end], {}
        for t in range(end, start - 1, -1):
            target = e.reward[t] + GAMMA * ((1 - LAM) * value[t] + LAM * target)
            targets[t] = target
        for t in range(start, end + 1):
            w = w + STEP * (targets[t] - w @ x[t]) * x[t]
        np.testing.assert_allclose(params["value"][end], w, rtol=1e-3, atol=1e-5)
        start = end + 1


@pytest.mark.parametrize("n", [1, 3])
def test_n_step_td_is_its_equation(n: int) -> None:
    e, params, _ = trail(NStepTD(step_size=STEP, gamma=GAMMA, n=n))
    w, start = np.zeros(2), 0
    for t in range(len(e.reward)):
        start = t if e.is_first[t] else start
        ended = e.terminated[t] or e.truncated[t]
        bootstrap = 0.0 if e.terminated[t] else w @ e.next_observation[t]
        for i in range(max(start, t - n + 1), t + 1 if ended else max(start, t - n + 2)):
            if i == t - n + 1 or ended:
                target = sum(GAMMA ** (k - i) * e.reward[k] for k in range(i, t + 1))
                target += GAMMA ** (t + 1 - i) * bootstrap
                w = w + STEP * (target - w @ e.observation[i]) * e.observation[i]
        np.testing.assert_allclose(params["value"][t], w, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("rule", [QLearning, ExpectedSarsa, Sarsa])
def test_control_is_its_equation(rule: type[Control]) -> None:
    more: dict[str, Any] = {"lam": LAM} if rule is Sarsa else {}
    e, params, _ = trail(rule(step_size=STEP, gamma=GAMMA, epsilon=0.3, **more))
    w, z, late = np.zeros((2, 2)), np.zeros((2, 2)), rule is Sarsa
    for t in range(len(e.reward) - late):
        q = e.next_observation[t] @ w
        expected = float(np.asarray(epsilon_greedy(jnp.asarray(q), 0.3)) @ q)
        following = {QLearning: q.max(), ExpectedSarsa: expected}.get(rule)
        if following is None:
            following = expected if e.truncated[t] else q[e.action[t + 1]]
        delta = e.reward[t] + GAMMA * (not e.terminated[t]) * following - e.observation[t] @ w[:, e.action[t]]
        z = z * (0.0 if e.is_first[t] else GAMMA * more.get("lam", 0.0))
        z[:, e.action[t]] += e.observation[t]
        w = w + STEP * delta * z
        np.testing.assert_allclose(params["q"][t + late], w, rtol=1e-3, atol=1e-5)


def test_acting_is_epsilon_greedy_and_ties_are_shared() -> None:
    probabilities = epsilon_greedy(jnp.array([[1.0, 3.0, 3.0, 0.0], [2.0, 1.0, 0.0, 0.0]]), 0.2)
    np.testing.assert_allclose(probabilities, [[0.05, 0.45, 0.45, 0.05], [0.85, 0.05, 0.05, 0.05]], atol=1e-6)
    e, _, _ = trail(QLearning(step_size=STEP, gamma=GAMMA, epsilon=0.3))
    probability = np.exp(e.log_prob)
    assert np.isclose(probability[:, None], [0.15, 0.5, 0.85], atol=1e-5).any(axis=1).all()


def test_an_output_that_depends_on_nothing_is_the_same_everywhere_and_reads_nothing() -> None:
    heads = Heads({"log_std": Head((2,), form="constant"), "q": Head((3,), reads=("goal",))}, {"goal": 4})
    params = Linear().init(jax.random.key(0), Spec((5,), Discrete(3)), heads)
    assert {name: leaf.shape for name, leaf in params.items()} == {"log_std": (2,), "q": (9, 3)}
    seen = Inputs(jnp.ones((6, 5)), jnp.zeros(6, bool), {}, jnp.float32(0.0))
    outputs, _ = Linear().apply({**params, "log_std": jnp.array([1.0, 2.0])}, heads, seen, ())
    np.testing.assert_array_equal(outputs["log_std"], [[1.0, 2.0]] * 6)
    assert set(outputs) == {"log_std"}


def test_real_actions_are_refused_in_a_sentence() -> None:
    with pytest.raises(UserError, match="QLearning needs discrete actions"):
        QLearning().heads(Spec((2,), Continuous((-1.0,), (1.0,))))
