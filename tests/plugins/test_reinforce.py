"""REINFORCE follows the exact policy gradient, and leaves out what it cannot know."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discover_zoo.networks.mlp import MLP
from discover_zoo.optimizers.sgd import SGD
from discover_zoo.returns.monte_carlo import MonteCarlo
from discover_zoo.rules.reinforce import Reinforce

from discover import (
    Algorithm,
    Carry,
    Discrete,
    Environment,
    EnvState,
    Heads,
    Inputs,
    Network,
    Outputs,
    Params,
    Registry,
    Spec,
    Step,
    Task,
    Trajectory,
    World,
    component,
)
from discover.components.paths import check
from discover.config.build import algorithm_from
from discover.inner_loop.lifetime import run

GAMMA = 0.9
BASELINES = ("none", "value")


@component
class Bandit(Environment):
    """Two arms, one pull per episode: arm 1 pays 1, arm 0 nothing."""

    def spec(self) -> Spec:
        return Spec((1,), Discrete(2))

    def sample_task(self, key: jax.Array) -> Task:
        return jnp.zeros(())

    def reset(self, key: jax.Array, task: Task) -> tuple[EnvState, jax.Array]:
        return (), jnp.zeros(1)

    def step(self, key: jax.Array, state: EnvState, action: jax.Array, task: Task) -> Step:
        return Step((), jnp.zeros(1), action.astype(jnp.float32), terminated=jnp.array(True), truncated=jnp.array(False))


@component
class OneParameter(Network):
    """``pi(1) = sigma(theta)`` from ``theta = 0.5``; the value is the expected reward, and is not learned."""

    def init(self, key: jax.Array, spec: Spec, heads: Heads) -> Params:
        return {"theta": jnp.float32(0.5)}

    def apply(self, params: Params, heads: Heads, inputs: Inputs, carry: Carry) -> tuple[Outputs, Carry]:
        theta, batch = params["theta"], inputs.is_first.shape
        logits = jnp.broadcast_to(jnp.stack([jnp.zeros(()), theta]), (*batch, 2))
        value = jnp.broadcast_to(jax.lax.stop_gradient(jax.nn.sigmoid(theta)), batch)
        return {"policy": logits, "value": value}, carry


def rule(baseline: str, steps: int, environments: int, rate: float = 1.0) -> Reinforce:
    return Reinforce(
        returns=MonteCarlo(gamma=GAMMA),
        optimizer=SGD(learning_rate=rate),
        steps=steps,
        num_envs=environments,
        entropy_coefficient=0.0,
        baseline=baseline,  # type: ignore[arg-type]
    )


def collect_batch(algorithm: Algorithm, environment: Environment) -> tuple[World, Params, Trajectory]:
    """The world, fresh parameters, and one batch of experience."""
    world, rollout = algorithm.world(environment), algorithm.rule.rollout(environment.spec())

    def collect(keys: jax.Array) -> tuple[Params, Trajectory]:
        params = world.initial_params(keys[0])
        actor = world.start(keys[1], world.sample_tasks(keys[2], rollout.num_envs))
        return params, world.collect(params, actor, keys[3], rollout.steps)[1]

    return world, *jax.jit(collect)(jax.random.split(jax.random.key(0), 4))


@pytest.mark.parametrize("baseline", BASELINES)
def test_the_gradient_on_a_bandit_is_exact(baseline: str) -> None:
    algorithm = Algorithm(rule=rule(baseline, 1000, 1000), network=OneParameter())
    world, params, trajectory = collect_batch(algorithm, Bandit())
    update = jax.jit(lambda p, e: algorithm.rule.update(jax.random.key(1), world, p, (), trajectory=e)[0])
    gradient = float(update(params, trajectory)["theta"] - params["theta"])
    sigma = 1.0 / (1.0 + np.exp(-0.5))
    assert sigma * (1.0 - sigma) == pytest.approx(0.235004, abs=1e-6)
    assert gradient == pytest.approx(0.235004, abs=1e-3)


def forward_returns(trajectory: Trajectory, following: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns ``[T, B]`` summed forward, and which of them run to the end of an episode."""
    reward, ends, cut = (np.asarray(x) for x in (trajectory.reward, trajectory.terminated, trajectory.truncated))
    steps, columns = reward.shape
    total, known = np.zeros((steps, columns)), np.zeros((steps, columns), bool)
    for t in range(steps):
        for b in range(columns):
            for i in range(t, steps):
                total[t, b] += GAMMA ** (i - t) * reward[i, b]
                known[t, b] = ends[i, b] | cut[i, b]
                if not ends[i, b] and (cut[i, b] or i == steps - 1):
                    total[t, b] += GAMMA ** (i - t + 1) * following[i, b]
                if known[t, b]:
                    break
    return total, known


@pytest.mark.parametrize("baseline", BASELINES)
def test_an_update_is_its_equation(walk: Environment, baseline: str) -> None:
    algorithm = Algorithm(rule=rule(baseline, 9, 4), network=MLP(hidden=(8,)))
    world, params, trajectory = collect_batch(algorithm, walk)
    update = jax.jit(lambda p, e: algorithm.rule.update(jax.random.key(1), world, p, (), trajectory=e)[0])
    updated = update(params, trajectory)
    evaluate = jax.jit(world.evaluate)
    has_value = baseline == "value"
    following = np.zeros(trajectory.reward.shape)
    if has_value:
        following = np.asarray(evaluate(params, trajectory._replace(observation=trajectory.next_observation))["value"])
    target, known = forward_returns(trajectory, following)
    assert trajectory.terminated.any()
    assert trajectory.truncated.any()
    assert not known.all()
    weight = np.ones_like(target) if has_value else known.astype(float)
    advantage = target - np.asarray(trajectory.outputs["value"]) if has_value else target

    def loss(params: Params) -> jax.Array:
        outputs = world.evaluate(params, trajectory)
        log_p = jax.nn.log_softmax(outputs["policy"])
        chosen = jnp.take_along_axis(log_p, trajectory.action[..., None], axis=-1)[..., 0]
        total = -jnp.sum(weight * chosen * advantage) / weight.sum()
        return total + 0.25 * jnp.mean((outputs["value"] - target) ** 2) if has_value else total

    expected = jax.tree.map(lambda p, g: p - g, params, jax.jit(jax.grad(loss))(params))
    for new, expected_leaf in zip(*map(jax.tree.leaves, (updated, expected)), strict=True):
        np.testing.assert_allclose(new, expected_leaf, atol=1e-5)


def test_a_batch_without_any_ended_episode_changes_nothing_without_a_baseline(walk: Environment) -> None:
    algorithm = Algorithm(rule=rule("none", 1, 2), network=MLP(hidden=(8,)))
    world, params, trajectory = collect_batch(algorithm, walk)
    trajectory = trajectory._replace(terminated=jnp.zeros((1, 2), bool), truncated=jnp.zeros((1, 2), bool))
    update = jax.jit(lambda p, e: algorithm.rule.update(jax.random.key(1), world, p, (), trajectory=e)[0])
    updated = update(params, trajectory)
    for new, old in zip(*map(jax.tree.leaves, (updated, params)), strict=True):
        np.testing.assert_array_equal(new, old)


def test_without_a_baseline_no_value_is_asked_of_the_network() -> None:
    assert set(rule("none", 1, 1).heads(Bandit().spec()).outputs) == {"policy"}
    assert set(rule("value", 1, 1).heads(Bandit().spec()).outputs) == {"policy", "value"}


@pytest.mark.slow
def test_it_learns_which_arm_pays() -> None:
    algorithm = Algorithm(rule=rule("value", 8, 8), network=MLP(hidden=(4,)))
    curve = jax.jit(lambda key: run(algorithm, Bandit(), key, 200))(jax.random.key(0))
    assert float(curve.episode_return[0]) < 0.8
    assert float(curve.episode_return[-10:].mean()) > 0.95


def test_the_recipe_is_complete(registry: Registry) -> None:
    algorithm = algorithm_from(registry, "reinforce")
    check(algorithm)
    assert isinstance(algorithm.rule, Reinforce)
