"""SAC's and TD3's targets and losses are their equations; critics and policy learn apart."""

from types import SimpleNamespace
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from discover_zoo.optimizers.adam import Adam
from discover_zoo.optimizers.sgd import SGD
from discover_zoo.rules.critics import critic_loss
from discover_zoo.rules.sac import SAC
from discover_zoo.rules.soft_critics import sample_action, squashed_policy
from discover_zoo.rules.td3 import TD3
from discover_zoo.rules.twin_critics import Learner, State, TwinCritics
from numpy.typing import ArrayLike

from discover import (
    Algorithm,
    Continuous,
    Discrete,
    Params,
    Registry,
    Spec,
    TanhGaussian,
    Trajectory,
    UserError,
    World,
    component,
)
from discover.components.paths import check
from discover.config.build import algorithm_from
from discover.testing.small import Affine, Corridor

TASK = Corridor(real=True)  # actions in [0, 1]
STATES = np.asarray([[0.5, 0.1], [-1.0, 0.4], [0.2, 0.9]], np.float32)
FOLLOWING = np.asarray([[1.0, 0.2], [-2.5, 0.5], [-0.4, 1.0]], np.float32)


def rule(kind: type[TwinCritics], critics: float = 0.1, policy: float = 0.1, **settings: Any) -> TwinCritics:
    small: dict[str, Any] = {"num_envs": 4, "capacity": 8, "batch": 4, "learning_starts": 0, "gamma": 0.9}
    return kind(optimizer=SGD(learning_rate=critics), policy_optimizer=SGD(learning_rate=policy), **small | settings)


def world_of(twin: TwinCritics, **clock: Any) -> World:
    return Algorithm(rule=twin, network=Affine()).world(TASK, **clock)


def linear(shift: float = 0.0) -> Params:
    """Parameters of the affine network: ``kernel . [s, 2 a - 1] + bias`` for critics, ``kernel . s + bias`` else."""

    def head(kernel: list[float], bias: float, shape: tuple[int, ...]) -> Params:
        return {"kernel": jnp.asarray(kernel).reshape(-1, *shape), "bias": jnp.full(shape, bias)}

    return {
        "q1": head([1.0, -1.0, 2.0], 0.5 + shift, ()),
        "q2": head([-1.0, 0.5, 1.0], 0.25 + shift, ()),
        "policy": head([0.3, -0.2], 0.1 + shift, (1,)),
        "log_std": head([0.0, 0.4], -1.0, (1,)),
    }


def q_by_hand(states: np.ndarray, action: ArrayLike, shift: float) -> np.ndarray:
    inputs = np.concatenate([states, 2.0 * np.asarray(action).reshape(-1, 1) - 1.0], axis=1)
    first, second = inputs @ [1.0, -1.0, 2.0] + 0.5 + shift, inputs @ [-1.0, 0.5, 1.0] + 0.25 + shift
    assert (first < second).any()
    assert (first > second).any()
    return np.minimum(first, second)


def batch() -> Trajectory:
    """Three transitions ``[1, 3]``: one in mid-episode, one that ends it for good, one that a limit cuts."""
    return Trajectory(
        observation=jnp.asarray(STATES)[None],
        action=jnp.asarray([[[0.5], [0.0], [1.0]]]),
        log_prob=jnp.zeros((1, 3)),
        outputs={},
        reward=jnp.asarray([[1.0, 2.0, -0.25]]),
        terminated=jnp.asarray([[False, True, False]]),
        truncated=jnp.asarray([[False, False, True]]),
        next_observation=jnp.asarray(FOLLOWING)[None],
        is_first=jnp.zeros((1, 3), bool),
        context={},
        carry=(),
        task=(),
    )


def learner(twin: TwinCritics) -> Learner:
    return Learner(params=linear(), target=linear(0.5), optimizer=(), policy_optimizer=(), own=twin.init_own())


def test_the_targets_of_td3_take_the_lower_critic_at_the_target_policy() -> None:
    twin = rule(TD3, smoothing=0.0)
    target = twin.targets(jax.random.key(0), world_of(twin), learner(twin), batch())
    action = 0.5 + 0.5 * np.tanh(FOLLOWING @ [0.3, -0.2] + 0.6)
    expected = [1.0, 2.0, -0.25] + 0.9 * np.asarray([1.0, 0.0, 1.0]) * q_by_hand(FOLLOWING, action, 0.5)
    np.testing.assert_allclose(target[0], expected, atol=1e-5)


def test_the_smoothing_of_td3_is_clipped_and_stays_within_bounds() -> None:
    """Critics see no further than the clipped noise: here the target is linear in the action where critic one is lower."""
    twin = rule(TD3, smoothing=1.0, smoothing_clip=0.2)
    targets_of = jax.jit(jax.vmap(lambda key: twin.targets(key, world_of(twin), learner(twin), batch())[0]))
    targets = np.asarray(targets_of(jax.random.split(jax.random.key(0), 200)))
    action = 0.5 + 0.5 * np.tanh(FOLLOWING @ [0.3, -0.2] + 0.6)
    near = [np.clip(action + 0.1 * side, 0.0, 1.0) for side in (-1, 1)]
    low, high = (np.asarray([1.0, 2.0, -0.25]) + 0.9 * np.asarray([1, 0, 1]) * q_by_hand(FOLLOWING, a, 0.5) for a in near)
    np.testing.assert_allclose(targets.min(axis=0), low, atol=1e-5)
    np.testing.assert_allclose(targets.max(axis=0), high, atol=1e-5)


def test_the_targets_of_sac_take_the_lower_critic_and_the_entropy_at_the_present_policy() -> None:
    twin, key = rule(SAC), jax.random.key(4)
    own = twin.init_own()._replace(log=jnp.log(0.3))
    target = twin.targets(key, world_of(twin), learner(twin)._replace(own=own), batch())
    mean = jnp.asarray(FOLLOWING @ [0.3, -0.2] + 0.1)[None, :, None]
    log_std = jnp.asarray(FOLLOWING @ [0.0, 0.4] - 1.0)[None, :, None]
    policy = TanhGaussian(mean, log_std, jnp.zeros(1), jnp.ones(1))
    action = policy.sample(key)
    following = q_by_hand(FOLLOWING, action, 0.5) - 0.3 * (np.asarray(policy.log_prob(action)[0]) + np.log(0.5))
    expected = [1.0, 2.0, -0.25] + 0.9 * np.asarray([1.0, 0.0, 1.0]) * following
    np.testing.assert_allclose(target[0], expected, atol=1e-4)


def test_the_gradient_of_td3s_policy_is_the_chain_rule() -> None:
    twin = rule(TD3)
    gradient, _ = world_of(twin).gradient(twin.policy_loss(jax.random.key(0), world_of(twin), learner(twin)))(linear(), batch())
    through = -2.0 / np.cosh(STATES @ [0.3, -0.2] + 0.1) ** 2 / 3  # dQ1/da = 2 / reach, da/du = reach / cosh^2
    np.testing.assert_allclose(gradient["policy"]["kernel"][:, 0], through @ STATES, atol=1e-6)
    for name in ("q1", "q2"):
        assert all(not leaf.any() for leaf in jax.tree.leaves(gradient[name]))


@component
class Unit(Corridor):
    """A corridor with actions in [-1, 1]."""

    def spec(self) -> Spec:
        return super().spec()._replace(action=Continuous((-1.0,), (1.0,)))


def test_the_policy_loss_of_sac_weighs_log_probability_against_the_lower_critic() -> None:
    twin, key = rule(SAC), jax.random.key(4)
    world = Algorithm(rule=twin, network=Affine()).world(Unit(real=True))
    own = twin.init_own()._replace(log=jnp.log(0.3))
    loss = twin.policy_loss(key, world, learner(twin)._replace(own=own))
    value, info = world.objective(loss)(linear(), batch())
    mean, log_std = (jnp.asarray(STATES @ k + b)[None, :, None] for k, b in (([0.3, -0.2], 0.1), ([0.0, 0.4], -1.0)))
    action, log_prob = TanhGaussian(mean, log_std, -jnp.ones(1), jnp.ones(1)).sample_and_log_prob(key)
    inputs = np.concatenate([STATES, np.asarray(action[0])], axis=1)
    critics = inputs @ [1.0, -1.0, 2.0] + 0.5, inputs @ [-1.0, 0.5, 1.0] + 0.25
    assert (critics[0] < critics[1]).any()
    assert (critics[0] > critics[1]).any()
    assert float(value) == pytest.approx(np.mean(0.3 * np.asarray(log_prob[0]) - np.minimum(*critics)), abs=1e-5)
    assert float(info["entropy"]) == pytest.approx(-float(log_prob.mean()), abs=1e-5)


def test_the_log_deviation_of_sac_is_held_in_its_range() -> None:
    outputs = {"policy": jnp.zeros((1, 1)), "log_std": jnp.asarray([[-30.0], [5.0]])}
    np.testing.assert_array_equal(squashed_policy(world_of(rule(SAC)), outputs).log_std, [[-20.0], [2.0]])


@pytest.mark.parametrize("kind", [pytest.param(SAC, marks=pytest.mark.slow), TD3])
def test_at_first_actions_of_either_sign_are_drawn_and_policies_begin_in_the_middle(kind: type[TwinCritics]) -> None:
    twin = rule(kind, learning_starts=100)
    world = Algorithm(rule=twin, network=Affine()).world(Unit(real=True))
    outputs = {"policy": jnp.zeros((5000, 1)), "log_std": jnp.zeros((5000, 1))}
    action, log_prob = twin.act(jax.random.key(0), world, outputs, {})
    assert np.histogram(action, bins=5, range=(-1.0, 1.0))[0].min() > 850
    np.testing.assert_allclose(log_prob, -np.log(2.0), atol=1e-6)
    assert {head.gain for name, head in world.heads.outputs.items() if name in ("policy", "log_std")} == {0.01}


def test_the_loss_of_the_critics_is_half_the_mean_square_of_either() -> None:
    outputs = {"q1": jnp.asarray([[1.0, 3.0]]), "q2": jnp.asarray([[0.0, -2.0]])}
    loss, info = critic_loss(outputs, batch(), jnp.asarray([[2.0, 0.0]]))
    assert float(loss) == 0.5 * (1.0 + 9.0) / 2 + 0.5 * (4.0 + 4.0) / 2
    assert (float(info["critic_loss"]), float(info["q"])) == (float(loss), 2.0)


def test_the_density_of_an_action_of_several_dimensions_is_in_units_of_the_reach_of_each() -> None:
    low, high, mean = jnp.asarray([-1.0, -2.0]), jnp.asarray([3.0, 4.0]), jnp.asarray([[0.2, -0.4]])
    world = cast(World, SimpleNamespace(spec=Spec((2,), Continuous((-1.0, -2.0), (3.0, 4.0)))))
    action, log_prob = sample_action(jax.random.key(0), world, TanhGaussian(mean, jnp.zeros((1, 2)), low, high))
    unit = TanhGaussian(mean, jnp.zeros((1, 2)), -jnp.ones(2), jnp.ones(2))
    np.testing.assert_allclose(log_prob, unit.log_prob((action - 0.5 * (low + high)) / (0.5 * (high - low))), rtol=1e-4)


def test_td3_explores_by_noise_in_units_of_the_reach() -> None:
    twin = rule(TD3, noise=0.05)
    outputs = {"policy": jnp.zeros((20_000, 1))}
    action, log_prob = twin.explore(jax.random.key(0), world_of(twin), outputs)
    assert float(action.mean()) == pytest.approx(0.5, abs=0.002)
    assert float(action.std()) == pytest.approx(0.025, rel=0.03)
    z = (np.asarray(action) - 0.5)[:, 0] / 0.025
    np.testing.assert_allclose(log_prob, -0.5 * z**2 - np.log(0.025 * np.sqrt(2 * np.pi)), atol=1e-3)


def test_critics_take_delay_steps_for_each_of_the_policy() -> None:
    small: dict[str, Any] = {"num_envs": 4, "capacity": 8, "batch": 4, "learning_starts": 0}
    state = updated(TD3(optimizer=Adam(), policy_optimizer=Adam(), rounds=2, delay=3, **small))[2]
    states = [state.learner.optimizer, state.learner.policy_optimizer]
    assert [int(optax.tree.get(one, "count")) for one in states] == [6, 2]


@pytest.mark.parametrize(("entropy", "rises"), [(-1.5, True), (-0.5, False)])
def test_the_temperature_of_sac_rises_where_entropy_falls_below_its_target(entropy: float, rises: bool) -> None:
    twin = rule(SAC, entropy_scale=1.0)
    own = twin.update_own(world_of(twin), learner(twin), {"entropy": jnp.float32(entropy)})
    assert float(own.log) == pytest.approx(-0.1 * (entropy + 1.0), abs=1e-6)
    assert (float(own.log) > 0.0) == rises
    warm = learner(twin)._replace(own=own._replace(log=jnp.log(2.0)))
    own = twin.update_own(world_of(twin, progress=0.5), warm, {"entropy": jnp.float32(entropy)})
    assert float(own.log) == pytest.approx(np.log(2.0) - 0.2 * (entropy + 1.0), abs=1e-6)


@jax.jit
def updated(twin: TwinCritics) -> tuple[Params, Params, State]:
    """Parameters before and after one update, and the state after it."""
    world, key = world_of(twin), jax.random.key(0)
    params = world.initial_params(key)
    actor = world.start(key, world.sample_tasks(key, twin.num_envs))
    _, trajectory = world.collect(params, actor, key, twin.steps)
    state = twin.init(key, world, params)
    return params, *twin.update(key, world, params, state, trajectory=trajectory)[:2]


@pytest.mark.parametrize("kind", [pytest.param(SAC, marks=pytest.mark.slow), TD3])
@pytest.mark.parametrize("which", ["critics", "policy"])
def test_either_optimizer_moves_its_own_parameters_alone(kind: type[TwinCritics], which: str) -> None:
    rates: dict[str, Any] = {"critics": 0.0, "policy": 0.0} | {which: 0.1}
    before, after, state = updated(rule(kind, **rates, polyak=0.25))
    assert state.learner.params == ()  # a lifetime keeps them once
    for name, old in before.items():
        is_own = (name in ("q1", "q2")) == (which == "critics")
        new, target = after[name], state.learner.target[name]
        for x, y, z in zip(*map(jax.tree.leaves, (old, new, target)), strict=True):
            assert (x != y).any() == is_own
            np.testing.assert_allclose(z, 0.75 * x + 0.25 * y, rtol=1e-6)


@pytest.mark.parametrize("kind", [SAC, TD3])
def test_actions_are_drawn_anywhere_until_learning_starts(kind: type[TwinCritics]) -> None:
    twin = rule(kind, learning_starts=100)
    outputs = {"policy": jnp.full((5000, 1), 0.8), "log_std": jnp.full((5000, 1), -3.0)}
    act = jax.jit(lambda steps: twin.act(jax.random.key(0), world_of(twin, env_steps=steps), outputs, {}))
    early, log_prob = act(99)
    np.testing.assert_allclose(log_prob, 0.0, atol=1e-6)
    assert np.histogram(early, bins=5, range=(0.0, 1.0))[0].min() > 850
    late, _ = act(100)
    assert float(jnp.median(late)) == pytest.approx(0.5 + 0.5 * np.tanh(0.8), abs=0.01)
    assert 0.0 < float(late.std()) < 0.1


@pytest.mark.parametrize(
    ("action", "sentence"),
    [(Discrete(2), "real actions, but this task has discrete ones"), (Continuous((0.0,), (np.inf,)), "with bounds")],
)
def test_actions_that_are_not_real_or_not_bounded_are_refused(action: Discrete | Continuous, sentence: str) -> None:
    with pytest.raises(UserError, match=f"^SAC needs .*{sentence}"):
        rule(SAC).heads(Spec((2,), action))


@pytest.mark.parametrize(("name", "kind"), [("sac", SAC), ("td3", TD3)])
def test_the_recipes_are_complete(registry: Registry, name: str, kind: type[TwinCritics]) -> None:
    algorithm = algorithm_from(registry, name)
    check(algorithm)
    assert isinstance(algorithm.rule, kind)
