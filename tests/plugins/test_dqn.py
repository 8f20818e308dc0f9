"""DQN's targets, steps and schedules are its equations."""

import itertools
from typing import Any, Literal

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np
import pytest
from discover_zoo.optimizers.sgd import SGD
from discover_zoo.rules.dqn import DQN, Learner, State, epsilon_greedy

from discover import (
    Actor,
    Algorithm,
    Continuous,
    Environment,
    Params,
    Registry,
    Spec,
    Trajectory,
    UserError,
    World,
    named_keys,
    replace,
)
from discover.components.paths import check
from discover.config.build import algorithm_from
from discover.testing.small import Affine

ONLINE = np.asarray([[1.0, 4.0], [2.0, -1.0], [0.5, 0.0]], np.float32)
TARGET = np.asarray([[3.0, 1.0], [-2.0, 5.0], [0.25, 0.75]], np.float32)
NETWORK = Affine()


def table(values: np.ndarray) -> Params:
    """Parameters of the affine network: on one-hot observations it is this table ``[states, actions]``."""
    return {"q": {"kernel": jnp.asarray(values), "bias": jnp.zeros(2)}}


def values_of(params: Params) -> np.ndarray:
    return np.asarray(params["q"]["kernel"] + params["q"]["bias"])


def rule(**settings: Any) -> DQN:
    small: dict[str, Any] = {"num_envs": 4, "capacity": 8, "batch": 4, "learning_starts": 0}
    return DQN(optimizer=SGD(learning_rate=1.0), **small | settings)


def world_of(dqn: DQN, walk: Environment, **clock: Any) -> World:
    return Algorithm(rule=dqn, network=NETWORK).world(walk, **clock)


def batch() -> Trajectory:
    """Three transitions ``[1, 3]``: one in mid-episode, one that ends it for good, one that a limit cuts."""
    one_hot = jnp.eye(3)[None]
    return Trajectory(
        observation=one_hot,
        action=jnp.asarray([[1, 0, 0]]),
        log_prob=jnp.zeros((1, 3)),
        outputs={},
        reward=jnp.asarray([[1.0, 2.0, -0.25]]),
        terminated=jnp.asarray([[False, True, False]]),
        truncated=jnp.asarray([[False, False, True]]),
        next_observation=one_hot[:, jnp.asarray([1, 2, 0])],
        is_first=jnp.zeros((1, 3), bool),
        context={},
        carry=(),
        task=(),
    )


@pytest.mark.parametrize(
    ("double", "expected"),
    [
        (False, [1.0 + 0.9 * 5.0, 2.0, -0.25 + 0.9 * 3.0]),  # the target network's best action
        (True, [1.0 + 0.9 * -2.0, 2.0, -0.25 + 0.9 * 1.0]),  # the online network's, priced by the target network
    ],
)
def test_targets_end_at_a_termination_and_bootstrap_at_a_truncation(
    walk: Environment, double: bool, expected: list[float]
) -> None:
    dqn = rule(double=double, gamma=0.9)
    target = dqn.targets(world_of(dqn, walk), table(ONLINE), table(TARGET), batch())
    np.testing.assert_allclose(target[0], expected, atol=1e-6)


@pytest.mark.parametrize("loss", ["squared", "huber"])
def test_a_step_is_one_gradient_step_on_the_loss(walk: Environment, loss: Literal["squared", "huber"]) -> None:
    dqn = rule(gamma=0.9, loss=loss)
    learner = Learner(table(ONLINE), (), table(TARGET), jnp.zeros((), jnp.int32))
    after, info = jax.jit(lambda learner: dqn._step(world_of(dqn, walk), learner, batch()))(learner)
    error = np.asarray([4.0, 2.0, 0.5]) - np.asarray([5.5, 2.0, 2.45])
    each, slope = 0.5 * error**2, error
    if loss == "huber":
        each, slope = np.where(np.abs(error) > 1, np.abs(error) - 0.5, each), np.clip(error, -1, 1)
    assert info["loss"] == pytest.approx(each.mean(), abs=1e-6)
    change = np.zeros((3, 2))
    change[[0, 1, 2], [1, 0, 0]] = -slope / 3
    np.testing.assert_allclose(after.params["q"]["kernel"], ONLINE + change, atol=1e-6)


@jax.jit
def fresh(dqn: DQN, walk: Environment, key: jax.Array) -> tuple[Params, State, Actor]:
    """Fresh parameters, state and actor."""
    world, keys = world_of(dqn, walk), named_keys(key, "params", "start", "tasks")
    params = world.initial_params(keys[0])
    return params, dqn.init(key, world, params), world.start(keys[1], world.sample_tasks(keys[2], dqn.num_envs))


@jax.jit
def advanced(
    dqn: DQN, walk: Environment, env_steps: jax.Array, key: jax.Array, *, params: Params, state: State, actor: Actor
) -> tuple[Params, State, Actor]:
    """Parameters, state and actor after an update on fresh experience."""
    world = world_of(dqn, walk, progress=0.5, env_steps=env_steps)
    actor, trajectory = world.collect(params, actor, key, dqn.steps)
    return *dqn.update(key, world, params, state, trajectory=trajectory)[:2], actor


def train(dqn: DQN, walk: Environment, updates: int, env_steps: int = 0) -> list[tuple[np.ndarray, np.ndarray, State]]:
    """Parameters, target and state before and after each update."""
    params, state, actor = fresh(dqn, walk, jax.random.key(0))
    history = [(values_of(params), values_of(state.target), state)]
    for key in jax.random.split(jax.random.key(1), updates):
        params, state, actor = advanced(dqn, walk, env_steps, key, params=params, state=state, actor=actor)
        history.append((values_of(params), values_of(state.target), state))
    return history


@pytest.mark.parametrize("polyak", [1.0, 0.25])
def test_the_target_moves_every_few_gradient_steps(walk: Environment, polyak: float) -> None:
    dqn = replace(rule(target_period=3, polyak=polyak), {"optimizer.learning_rate": 0.1})
    history = train(dqn, walk, 7)
    for step, (before, after) in enumerate(itertools.pairwise(history), start=1):
        assert (after[0] != before[0]).any()
        expected = before[1] if step % 3 else (1.0 - polyak) * before[1] + polyak * after[0]
        np.testing.assert_allclose(after[1], expected, rtol=1e-6)
        assert after[2].updates == step


def test_the_memory_is_filled_but_nothing_learned_before_learning_starts(walk: Environment) -> None:
    dqn = rule(learning_starts=100)
    early, late = train(dqn, walk, 1, env_steps=99), train(dqn, walk, 1, env_steps=100)
    np.testing.assert_array_equal(early[0][0], early[1][0])
    assert (early[1][2].updates, late[1][2].updates) == (0, 1)
    assert early[1][2].buffer.added == 4
    assert (late[0][0] != late[1][0]).any()


def test_the_gradient_of_an_update_in_gamma_is_that_of_a_difference(walk: Environment) -> None:
    dqn = rule()
    learner = Learner(table(ONLINE), (), table(TARGET), jnp.zeros((), jnp.int32))

    @jax.jit
    def score(gamma: jax.Array) -> jax.Array:
        changed = replace(dqn, {"gamma": gamma, "loss": "squared"})
        params = changed._step(world_of(changed, walk), learner, batch())[0].params
        return jnp.sum(params["q"]["kernel"] ** 2)

    slope = float(jax.jit(jax.grad(score))(jnp.float32(0.9)))
    assert abs(slope) > 0.1
    assert slope == pytest.approx(float(score(0.91) - score(0.89)) / 0.02, rel=1e-2)


def test_exploration_falls_over_its_share_of_the_lifetime_and_tells_its_log_probability(walk: Environment) -> None:
    dqn = rule(epsilon_start=1.0, epsilon_end=0.1, exploration=0.5)
    q = {"q": jnp.tile(jnp.asarray([0.0, 1.0]), (20_000, 1))}
    act = jax.jit(lambda progress: dqn.act(jax.random.key(0), world_of(dqn, walk, progress=progress), q, {}))
    for progress, epsilon in [(0.0, 1.0), (0.25, 0.55), (0.5, 0.1), (0.9, 0.1)]:
        action, log_prob = act(progress)
        share = 1.0 - epsilon / 2
        assert float(action.mean()) == pytest.approx(share, abs=0.02)
        expected = np.where(np.asarray(action) == 1, share, epsilon / 2)
        np.testing.assert_allclose(np.exp(log_prob), expected, rtol=1e-4)


def test_without_exploration_it_is_greedy() -> None:
    action, log_prob = epsilon_greedy(jax.random.key(0), jnp.asarray([[1.0, 3.0, 2.0]]), jnp.zeros(()))
    assert action.tolist() == [1]
    assert log_prob.tolist() == [0.0]


def test_a_target_that_moves_every_no_steps_is_refused() -> None:
    check(rule(target_period=1))
    with pytest.raises(UserError, match=r"^target_period of DQN must lie in \[1, 100000\]; got 0\.$"):
        check(rule(target_period=0))


def test_real_actions_are_refused() -> None:
    with pytest.raises(UserError, match=r"^DQN needs discrete actions, but this task has real ones: choose"):
        rule().heads(Spec((3,), Continuous((0.0,), (1.0,))))


def test_the_recipe_is_complete(registry: Registry) -> None:
    algorithm = algorithm_from(registry, "dqn")
    check(algorithm)
    assert isinstance(algorithm.rule, DQN)
