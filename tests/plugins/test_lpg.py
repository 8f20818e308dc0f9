"""LPG's network is an independent loop, its update A2C's with targets made by hand, its gradient that of differences."""

import functools
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from contract.small import compiled
from discover_zoo.networks.linear import Linear
from discover_zoo.networks.mlp import MLP
from discover_zoo.optimizers.sgd import SGD
from discover_zoo.returns.gae import GAE
from discover_zoo.rules.a2c import A2C
from discover_zoo.rules.lpg.backward_network import BackwardNetwork, random_weights
from discover_zoo.rules.lpg.lpg import LPG
from discover_zoo.rules.lpg.meta_network import Experience, LearnedTargets, MetaNetwork
from plugins.lpg_by_hand import Arrays, doubles, log_softmax, read_backward

from discover import (
    Algorithm,
    Discrete,
    Environment,
    Head,
    Heads,
    Inputs,
    Key,
    Network,
    Outputs,
    Params,
    Registry,
    ReturnFunction,
    Segment,
    Space,
    Spec,
    Step,
    Trajectory,
    UpdateRule,
    UserError,
    WrappingRule,
    component,
    get,
    replace,
)
from discover.components.paths import check
from discover.config.build import algorithm_from
from discover.inner_loop import lifetime
from discover.inner_loop.lifetime import Lifetime
from discover.testing.failures import same_bits

Time = Literal["none", "relative", "raw"]
STEPS, COLUMNS, UPDATES = 8, 2, 3
SIZES: dict[str, Any] = {"steps": STEPS, "num_envs": COLUMNS}


@component
class Ring(Environment):
    """Four places that are seen one-hot: action 1 goes on, the last one terminates, and the third step truncates."""

    def spec(self) -> Spec:
        return Spec((4,), Discrete(2))

    def sample_task(self, key: Key) -> Any:
        return jnp.zeros(())

    def reset(self, key: Key, task: Any) -> tuple[Any, jax.Array]:
        place = jax.random.randint(key, (), 0, 3)
        return jnp.stack([place, 0]), jax.nn.one_hot(place, 4)

    def step(self, key: Key, state: Any, action: jax.Array, task: Any) -> Step:
        place, count = jnp.minimum(state[0] + action, 3), state[1] + 1
        reward = jnp.where(place == 3, 2.0, -0.1 * action)
        return Step(jnp.stack([place, count]), jax.nn.one_hot(place, 4), reward, place == 3, (count == 3) & (place != 3))


def network(cell: Literal["lstm", "gru"] = "lstm", time: Time = "none", seed: int = 0) -> BackwardNetwork:
    """A small network, whose biases are no zeros."""
    small = BackwardNetwork(predictions=3, embedding=2, units=4, cell=cell, time=time)
    drawn, keys = random_weights(small, jax.random.key(seed)), jax.random.split(jax.random.key(seed + 1), 20)
    noisy = {name: w + 0.3 * jax.random.normal(k, w.shape) for (name, w), k in zip(drawn.items(), keys, strict=False)}
    return replace(small, {"weights": noisy})


def learner(meta_network: MetaNetwork, **more: Any) -> Algorithm:
    rule = LPG(meta_network=meta_network, optimizer=SGD(learning_rate=0.7), **SIZES, **more)
    return Algorithm(rule=rule, network=Linear())


def begun(algorithm: Algorithm) -> Lifetime:
    """A lifetime whose first parameters are random ones. The generator of its key is one that compiles fast."""
    life = lifetime.begin(algorithm, Ring(), jax.random.key(0, impl="rbg"))
    leaves, structure = jax.tree.flatten(life.params)
    keys = jax.random.split(jax.random.key(1), len(leaves))
    random = [jax.random.normal(k, x.shape) for k, x in zip(keys, leaves, strict=True)]
    return life._replace(params=jax.tree.unflatten(structure, random))


@compiled
def lived(algorithm: Algorithm) -> tuple[Lifetime, Lifetime]:
    """A lifetime at its beginning and at its end; one program per structure."""
    life = begun(algorithm)
    return life, lifetime.advance(algorithm, Ring(), life, start=0, stop=UPDATES, total=UPDATES)


def trained(algorithm: Algorithm) -> Lifetime:
    return lived(algorithm)[1]


# The network, by an independent loop -------------------------------------------------------------------------------------


def noise(updates: int = 0) -> Experience:
    """Random experience: one column ends inside by a termination, the other by a truncation."""
    draw = np.random.default_rng(0)
    discount, ends = np.full((6, 2), 0.9), np.zeros((6, 2), bool)
    discount[2, 0], ends[2, 0], ends[3, 1] = 0.0, True, True
    fields = (draw.normal(size=(6, 2)), discount, ends, draw.uniform(size=(6, 2)), *draw.normal(size=(2, 6, 2, 3)))
    arrays = [jnp.asarray(x, bool if x.dtype == bool else jnp.float32) for x in map(np.asarray, fields)]
    return Experience(*arrays, progress=jnp.float32(0.25), updates=jnp.int32(updates))


TIMES: dict[Time, tuple[float, ...]] = {"none": (), "relative": (0.25, float(np.log(40.0))), "raw": (10.0, 40.0)}
targets_of = compiled(lambda network, experience: network(experience))


@pytest.mark.parametrize(
    ("cell", "time"), [pytest.param("lstm", "none", marks=pytest.mark.slow), ("gru", "relative"), ("lstm", "raw")]
)
def test_the_network_is_an_independent_loop(cell: Literal["lstm", "gru"], time: Time) -> None:
    learned, seen = network(cell, time), noise(40)
    found = targets_of(learned, seen)
    expected = read_backward(doubles(learned.weights), cell, doubles(seen), np.asarray(TIMES[time]))
    np.testing.assert_allclose(found.policy, expected[0], atol=1e-5)
    np.testing.assert_allclose(found.prediction, expected[1], atol=1e-5)


def test_nothing_behind_an_end_is_seen() -> None:
    seen = noise()
    changed = seen._replace(reward=seen.reward.at[3:, 0].add(1.0).at[4:, 1].add(1.0))
    before, after = (targets_of(network(), experience).policy for experience in (seen, changed))
    np.testing.assert_array_equal(before[:3, 0], after[:3, 0])
    np.testing.assert_array_equal(before[:4, 1], after[:4, 1])
    assert jnp.all(before[3:, 0] != after[3:, 0])


# Time --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cell", ["lstm", pytest.param("gru", marks=pytest.mark.slow)])
def test_without_its_weights_of_time_ta_lpg_is_lpg_bit_for_bit(cell: Literal["lstm", "gru"]) -> None:
    plain = network(cell)
    aware = network(cell, "relative")
    zero = jnp.zeros_like(aware.weights["time"])
    same = trained(learner(replace(aware, {"weights": {**plain.weights, "time": zero}})))
    expected = trained(learner(plain))
    assert same_bits((same.params, same.rows), (expected.params, expected.rows))
    other = trained(learner(replace(aware, {"weights": {**plain.weights, "time": zero + 1.0}})))
    assert not same_bits(other.params, expected.params)


def test_ta_lpg_begins_with_the_weights_of_lpg() -> None:
    plain, aware = (random_weights(BackwardNetwork(units=4, time=time), jax.random.key(0)) for time in ("none", "relative"))
    assert same_bits(plain, {name: w for name, w in aware.items() if name != "time"})


# Plumbing ----------------------------------------------------------------------------------------------------------------

BINS = 5


def worth(logits: jax.Array) -> jax.Array:
    """The value that a prediction stands for."""
    return jax.nn.softmax(logits) @ jnp.linspace(-2.0, 2.0, BINS)


@component
class HandMade(MetaNetwork):
    """A rule that a person wrote: the policy's targets are advantages, and the prediction is right as it is."""

    returns: ReturnFunction

    def __call__(self, experience: Experience) -> LearnedTargets:
        terminated, log_prob = experience.discount == 0.0, jnp.log(experience.probability)
        segment = Segment(
            reward=experience.reward,
            value=worth(experience.prediction),
            next_value=jnp.where(terminated, 0.0, worth(experience.next_prediction)),
            terminated=terminated,
            truncated=experience.ends & ~terminated,
            behavior_log_prob=log_prob,
            target_log_prob=log_prob,
        )
        return LearnedTargets(self.returns(segment).advantage, experience.prediction)


@component
class Readout(Network):
    """A network whose value, if a rule asks for one, is that of its prediction."""

    network: Network

    def init(self, key: Key, spec: Spec, heads: Heads) -> Params:
        return self.network.init(key, spec, _predicting(heads))

    def apply(self, params: Params, heads: Heads, inputs: Inputs, carry: Any) -> tuple[Outputs, Any]:
        outputs, carry = self.network.apply(params, _predicting(heads), inputs, carry)
        return {**outputs, "value": worth(outputs["y"])}, carry


def _predicting(heads: Heads) -> Heads:
    """The heads with a prediction in the place of a value."""
    rest = {name: head for name, head in heads.outputs.items() if name != "value"}
    return heads._replace(outputs={**rest, "y": Head((BINS,))})


@pytest.mark.slow
def test_with_targets_made_by_hand_lpg_is_a2c_without_a_value_loss() -> None:
    returns, settings = GAE(gamma=0.9, lam=0.8), {"optimizer": SGD(learning_rate=0.5), **SIZES}
    lpg = LPG(meta_network=HandMade(returns=returns, predictions=BINS), **settings)
    a2c = A2C(returns=returns, value_coefficient=0.0, entropy_coefficient=0.0, **settings)
    body = Readout(network=MLP(hidden=(8,), shared=True))
    (start, ours), (_, theirs) = (lived(Algorithm(rule=rule, network=body)) for rule in (lpg, a2c))
    assert same_bits(ours.params, theirs.params)
    moved = jax.tree.map(lambda a, b: float(jnp.abs(a - b).max()), start.params, ours.params)
    assert moved["torso"][0]["kernel"] > 0.01
    assert moved["heads"]["policy"]["output"]["kernel"] > 0.01
    assert moved["heads"]["y"]["output"]["kernel"] == 0.0


# The gradient of the weights ---------------------------------------------------------------------------------------------


HEALTH = (0.1, 0.07, 0.05, 0.03)
"""Weights of the regularizer, larger than those of the publication."""
NAMES = ("policy_entropy", "prediction_entropy", "policy_target_square", "prediction_target_square")


@functools.cache
def weighting() -> dict[str, np.ndarray]:
    """What makes a number of the last parameters."""
    draw = np.random.default_rng(2)
    return {"policy": draw.normal(size=(4, 2)), "y": draw.normal(size=(4, 3))}


def outcome(algorithm: Algorithm, life: Lifetime) -> jax.Array:
    """A number of the last parameters, and what keeps the rule healthy, as a strategy would take it from the curve."""
    after = lifetime.advance(algorithm, Ring(), life, start=0, stop=UPDATES, total=UPDATES)
    healthy = algorithm.rule.regularizer({name: jnp.sum(rows) / UPDATES for name, rows in after.rows.items()})
    return healthy + sum(jnp.sum(w * after.params[name]) for name, w in weighting().items())


def batches(algorithm: Algorithm, life: Lifetime) -> list[tuple[Trajectory, Experience]]:
    """What the updates of a lifetime learn from."""
    found = []
    for k in range(UPDATES):
        world = algorithm.world(Ring(), k / UPDATES, k * STEPS * COLUMNS, lifetime_steps=UPDATES * STEPS * COLUMNS)
        key = jax.random.split(jax.random.fold_in(life.key, k), 3)[1]
        assert life.actor is not None
        trajectory = world.collect(life.params, life.actor, key, STEPS)[1]
        assert isinstance(algorithm.rule, LPG)
        found.append((trajectory, algorithm.rule.experience(world, life.params, trajectory)))
        life = lifetime.advance(algorithm, Ring(), life, start=k, stop=k + 1, total=UPDATES)
    return found


def outcome_by_hand(w: Arrays, start: Params, seen: list[tuple[Trajectory, Experience]]) -> float:
    """The outcome in double precision, with what was seen held as it was: linear softmax agents on one-hot observations."""
    policy, y, healthy = start["policy"].copy(), start["y"].copy(), 0.0
    for k, (batch, experience) in enumerate(seen):
        targets = read_backward(w, "lstm", experience, np.array([k / UPDATES, np.log(UPDATES)]))
        slopes = np.zeros_like(policy), np.zeros_like(y)
        for t, b in np.ndindex(STEPS, COLUMNS):
            place, action = batch.observation[t, b].argmax(), int(batch.action[t, b])
            slopes[0][place] -= targets[0][t, b] * (np.eye(2)[action] - np.exp(log_softmax(policy[place])))
            log_p = log_softmax(y[place])
            p, gap = np.exp(log_p), log_p - log_softmax(targets[1][t, b])
            slopes[1][place] += 0.5 * p * (gap - p @ gap)
        policy, y = (x - 0.7 * slope / (STEPS * COLUMNS) for x, slope in zip((policy, y), slopes, strict=True))
        for t, b in np.ndindex(STEPS, COLUMNS):
            log_p, log_y = (log_softmax(x[batch.observation[t, b].argmax()]) for x in (policy, y))
            sizes = targets[0][t, b] ** 2, np.sum(np.exp(2.0 * log_softmax(targets[1][t, b])))
            healthy += np.dot(HEALTH, (-np.exp(log_p) @ log_p, -np.exp(log_y) @ log_y, -sizes[0], -sizes[1]))
    return float(healthy / (UPDATES * STEPS * COLUMNS) + np.sum(weighting()["policy"] * policy) + np.sum(weighting()["y"] * y))


@pytest.mark.slow
def test_the_gradient_of_the_weights_over_a_lifetime_is_that_of_differences() -> None:
    aware, health = network(time="relative"), dict(zip(NAMES, HEALTH, strict=True))

    @compiled
    def differentiated(learned: BackwardNetwork) -> Any:
        life = begun(learner(learned, **health))
        gradient = jax.grad(lambda n: outcome(learner(n, **health), life))(learned)
        return gradient.weights, life.params, batches(learner(learned, **health), life)

    gradient, start, seen = doubles(differentiated(aware))
    ends = np.stack([experience.ends[:-1] for _, experience in seen])
    assert np.any(ends & (np.stack([e.discount[:-1] for _, e in seen]) == 0.0))
    assert np.any(np.stack([batch.truncated[:-1] for batch, _ in seen]))
    draw, weights, step = np.random.default_rng(3), doubles(aware.weights), 1e-5
    for name, weight in weights.items():
        assert np.abs(gradient[name]).max() > 1e-4, name
        direction = draw.normal(size=weight.shape)
        ahead, behind = ({**weights, name: weight + sign * step * direction} for sign in (1.0, -1.0))
        slope = (outcome_by_hand(ahead, start, seen) - outcome_by_hand(behind, start, seen)) / (2.0 * step)
        assert np.sum(gradient[name] * direction) == pytest.approx(slope, rel=1e-3, abs=1e-6), name


# What keeps it healthy ---------------------------------------------------------------------------------------------------


def test_the_regularizer_is_the_published_sum() -> None:
    rule = learner(network()).rule
    info = {"entropy": 2.0, "prediction_entropy": 3.0, "policy_target_square": 5.0, "prediction_target_square": 7.0}
    expected = 0.01 * 2.0 + 0.001 * 3.0 - 0.001 * 5.0 - 0.001 * 7.0
    for one in (rule, WrappingRule(rule=rule)):
        assert float(one.regularizer(jax.tree.map(jnp.float32, info))) == pytest.approx(expected, rel=1e-5)
    assert float(UpdateRule().regularizer({name: jnp.float32(value) for name, value in info.items()})) == 0.0


# Recipes -----------------------------------------------------------------------------------------------------------------


def test_the_recipes_are_spaces_with_published_sizes(registry: Registry) -> None:
    for name, sizes in (("lpg", ("lstm", 30, "none")), ("ta_lpg", ("gru", 8, "relative"))):
        algorithm = algorithm_from(registry, name)
        with pytest.raises(UserError, match=r"^rule\.meta_network\.weights of BackwardNetwork is open"):
            check(algorithm)
        found = tuple(get(algorithm, f"rule.meta_network.{field}") for field in ("cell", "predictions", "time"))
        assert found == sizes
        assert [gene.path for gene in Space(algorithm).genes] == ["rule.meta_network.weights"]
        assert algorithm.rule.rollout(Ring().spec()) == (20, 64, False)


def test_its_figure_shows_what_a_reward_of_the_step_and_a_later_one_are_worth() -> None:
    shape = BackwardNetwork(predictions=3, embedding=2, units=4)
    network = replace(shape, {"weights": random_weights(shape, jax.random.key(1))})
    figure = LPG(meta_network=network, optimizer=SGD(), gamma=0.9).figures()["targets"]
    of_reward, of_later, of_next, _ = figure.axes[:4]
    goes_on, ends = (np.asarray(line.get_ydata()) for line in of_reward.lines[:2])
    later, discounted = (np.asarray(line.get_ydata()) for line in of_later.lines[:2])
    assert not np.allclose(goes_on, ends)
    np.testing.assert_allclose(later[0], (goes_on[-1] - goes_on[0]) / 2.0, rtol=1e-4)
    np.testing.assert_allclose(discounted[1], 0.9 * later[0], rtol=1e-4)
    assert len(of_next.patches) == 3
