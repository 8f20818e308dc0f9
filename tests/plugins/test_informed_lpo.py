"""A small learned drift with more inputs, on top of PPO."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from discover_zoo.networks.mlp import MLP
from discover_zoo.rules.drifts import clip_drift
from discover_zoo.rules.informed_lpo import InformedLPO
from discover_zoo.rules.informed_network import Features, random_weights, silent_weights
from discover_zoo.rules.novelty import novelty_of, with_novelty
from plugins.conftest import Walk
from plugins.levers import SIZES, SMALL

from discover import Algorithm, Space, Trajectory, WrappingRule, free, replace

PARTS: dict[str, Any] = {"returns": SMALL.returns, "optimizer": SMALL.optimizer, **SIZES}


def rule_with(weights: Any) -> InformedLPO:
    return InformedLPO(drift_weights=weights, **PARTS)


def test_the_drift_is_its_equation_and_valid_for_any_weights() -> None:
    ratio, advantage = jnp.meshgrid(jnp.geomspace(0.05, 20.0, 21), jnp.linspace(-3.0, 3.0, 9))
    log_ratio, features = jnp.log(ratio), Features(advantage, novelty=0.3, value_error=-1.2, entropy=0.9, progress=0.4)
    for seed in range(3):
        weights = jax.tree.map(lambda w: 5.0 * w, random_weights(6, jax.random.key(seed)))
        rule = rule_with(weights)
        inputs = np.stack([np.broadcast_to(x, ratio.shape) for x in (log_ratio, advantage, 0.3, -1.2, 0.9, 0.4, 1.0)], axis=-1)
        learned = np.tanh(inputs @ np.asarray(weights["hidden"], np.float64)) @ np.asarray(weights["output"], np.float64)
        expected = np.maximum(clip_drift(log_ratio, advantage, 0.2) + np.asarray(log_ratio) ** 2 * learned, 0.0)
        np.testing.assert_allclose(rule.informed_drift(log_ratio, features), expected, atol=1e-4)
        assert expected.max() > 1.0
        zero = jnp.zeros(ratio.shape)
        drift, slope = jax.jvp(lambda x, r=rule: r.informed_drift(x, features), (zero,), (zero + 1.0,))
        np.testing.assert_array_equal(drift, 0.0)
        np.testing.assert_array_equal(slope, 0.0)


def test_every_input_reaches_the_drift() -> None:
    rule, x = rule_with(random_weights(6, jax.random.key(1))), jnp.full(3, 0.5)
    base = rule.informed_drift(x, Features())
    for name in Features._fields:
        assert not np.allclose(rule.informed_drift(x, Features()._replace(**{name: 1.0})), base), name


def test_an_exploration_bonus_of_a_rule_around_it_is_its_novelty() -> None:
    rule = rule_with(random_weights(6, jax.random.key(1)))
    world = Algorithm(rule=rule, network=MLP(hidden=(4,))).world(Walk())

    def run(key: jax.Array, scale: jax.Array) -> Any:
        params = world.initial_params(key)
        seen = world.collect(params, world.start(key, world.sample_tasks(key, 2)), key, 8)[1]
        seen = seen._replace(log_prob=seen.log_prob - 0.3)  # so that the drift counts
        bonus = scale * jnp.arange(16.0).reshape(8, 2) ** 2
        state = rule.init(key, world, params)
        return rule.update(key, world, params, state, trajectory=seen._replace(extra={"bonus": bonus, "other": bonus}))[0]

    runs = [jax.tree.leaves(jax.jit(run)(jax.random.key(0), jnp.float32(scale))) for scale in (0.0, 1.0, 10.0)]
    assert not all(np.array_equal(a, b) for a, b in zip(runs[0], runs[1], strict=True))
    for one, ten in zip(runs[1], runs[2], strict=True):  # in units of its own spread
        np.testing.assert_allclose(one, ten, atol=2e-3)


def test_a_rule_that_pays_a_bonus_hands_it_on_to_one_that_reads_it() -> None:
    fields: dict[str, Any] = dict.fromkeys(Trajectory._fields[:9], jnp.zeros((8, 2)))
    bonus, batch = jnp.ones((8, 2)), Trajectory(**fields, context={}, carry=(), task=())
    informed = WrappingRule(rule=rule_with(silent_weights(6, jax.random.key(0))))
    np.testing.assert_array_equal(novelty_of(with_novelty(batch, bonus, informed)), 1.0)
    np.testing.assert_array_equal(novelty_of(batch), 0.0)
    assert with_novelty(batch, bonus, SMALL).extra == ()


def test_a_search_over_its_weights_begins_at_ppo() -> None:
    space = Space(replace(rule_with(silent_weights(6, jax.random.key(0))), {"drift_weights": free()}))
    assert space.dimension == 48
    start, other = (space.decode(g) for g in (space.start(jax.random.key(0)), space.sample(jax.random.key(0))))
    np.testing.assert_array_equal(start.drift_weights["output"], 0.0)
    assert np.std(other.drift_weights["output"]) > 0.1
