"""Critic updates apart from the actor's."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discover_zoo.bonuses.counts import CountBonus
from discover_zoo.networks.mlp import MLP
from discover_zoo.optimizers.sgd import SGD
from discover_zoo.returns.gae import GAE
from discover_zoo.rules.a2c import A2C
from discover_zoo.rules.auxiliary_phase import AuxiliaryPhase, _inside
from discover_zoo.rules.explore.explore import Explore
from discover_zoo.rules.reinforce import Reinforce
from discover_zoo.rules.scheduled.scheduled import Scheduled
from discover_zoo.rules.shaped_reward import ShapedReward
from plugins.conftest import Walk
from plugins.levers import SMALL, assert_same_agent, lived, usual

from discover import (
    Algorithm,
    Discrete,
    Params,
    Segment,
    Spec,
    UserError,
    World,
    WrappingRule,
    component,
    effective,
)

SPEC = Spec((3,), Discrete(2))


def phased(rule: Any = SMALL, **settings: Any) -> AuxiliaryPhase:
    return AuxiliaryPhase(**{"rule": rule, "optimizer": SGD(learning_rate=0.5), "minibatches": 1, **settings})


def test_without_epochs_it_comes_down_to_the_wrapped_rule() -> None:
    assert repr(effective(phased())) == repr(SMALL)


def test_a_phase_is_gradient_steps_on_the_published_loss() -> None:
    """Independent of the rule: value error and divergence written out, on the batch of the update."""
    a2c = A2C(returns=GAE(gamma=0.9, lam=0.8), optimizer=SGD(learning_rate=1.0), steps=8, num_envs=2)
    rule = phased(a2c, epochs=2, clone_coefficient=10.0, value_coefficient=2.0)
    world = Algorithm(rule=rule, network=MLP(hidden=(4,), shared=True)).world(Walk())

    def run(key: jax.Array) -> Any:
        params = world.initial_params(key)
        trajectory = world.collect(params, world.start(key, world.sample_tasks(key, 2)), key, 8)[1]
        state = rule.init(key, world, params)
        inner = a2c.update(key, world, params, state.rule, trajectory=trajectory)[0]
        whole, _, info = rule.update(key, world, params, state, trajectory=trajectory)
        return inner, whole, info, a2c.returns(world.segment(params, trajectory)).value, trajectory

    inner, whole, info, target, trajectory = jax.jit(run)(jax.random.key(2))

    def loss(params: Params) -> tuple[jax.Array, Any]:
        outputs, old = world.evaluate(params, trajectory), world.evaluate(inner, trajectory)
        log_p, log_old = jax.nn.log_softmax(outputs["policy"]), jax.nn.log_softmax(old["policy"])
        divergence = (jnp.exp(log_old) * (log_old - log_p)).sum(-1).mean()
        error = ((outputs["value"] - target) ** 2).mean()
        return error + 10.0 * divergence, jnp.stack([0.5 * error, divergence])

    slope, params, parts = jax.jit(jax.grad(loss, has_aux=True)), inner, []
    for _ in range(2):
        change, part = slope(params)
        params, parts = jax.tree.map(lambda p, c: p - 0.5 * c, params, change), [*parts, part]
    for found, expected in zip(*map(jax.tree.leaves, (whole, params)), strict=True):
        np.testing.assert_allclose(found, expected, atol=3e-5)
    assert float(parts[1][1]) > 2e-4  # the second step is held back
    told = [float(info[name]) for name in ("auxiliary_value_loss", "auxiliary_kl")]
    np.testing.assert_allclose(told, np.mean(parts, axis=0), rtol=1e-4)


@pytest.mark.slow
def test_a_phase_comes_after_its_number_of_updates_over_all_batches_since() -> None:
    rare = phased(epochs=2, every=3)
    assert_same_agent(lived(rare, 2), lived(phased(), 2))
    life, waiting = lived(rare), usual()
    assert not same(life.params, waiting.params, "value")
    kept = life.rule_state.batches
    assert kept.targets.shape == (3, 8, 2)
    assert len({float(np.sum(target)) for target in kept.targets}) == 3


def same(one: Params, other: Params, head: str) -> bool:
    pairs = zip(jax.tree.leaves(one["heads"][head]), jax.tree.leaves(other["heads"][head]), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)


def test_a_rule_without_a_critic_is_refused() -> None:
    with pytest.raises(UserError) as told:
        phased(Reinforce(returns=GAE(), optimizer=SGD(), baseline="none"), epochs=1).rollout(SPEC)
    sentence = "AuxiliaryPhase finds no critic in Reinforce to train: wrap an on-policy rule with one, such as ppo."
    assert str(told.value) == sentence


def test_columns_that_a_rule_around_it_adds_need_a_phase_at_every_update() -> None:
    rule = phased(epochs=1, every=2)
    world: World = Algorithm(rule=rule, network=MLP(hidden=(4,))).world(Walk())
    params = jax.eval_shape(world.initial_params, jax.random.key(0))
    wide = world.template(params, 8, 3)
    with pytest.raises(UserError, match="hands it 3 environments instead of 2: set every to 1"):
        jax.eval_shape(
            lambda key, params, wide: rule.update(key, world, params, rule.init(key, world, params), trajectory=wide),
            jax.random.key(0),
            params,
            wide,
        )


def test_rewards_that_a_rule_inside_changes_are_refused() -> None:
    """The value targets of the phase would leave out the bonus that those of the update have."""
    explore, shaped = Explore(rule=SMALL, bonus=CountBonus()), ShapedReward(rule=SMALL)
    for inner, name in ((explore, "Explore"), (Scheduled(rule=shaped), "ShapedReward")):
        with pytest.raises(UserError, match=f"cannot wrap {name}, which changes the rewards: put it inside that rule"):
            phased(inner, epochs=1).rollout(SPEC)
        assert phased(inner).rollout(SPEC) == SMALL.rollout(SPEC)
    assert Explore(rule=phased(epochs=1), bonus=CountBonus()).rollout(SPEC) == SMALL.rollout(SPEC)


def test_targets_are_those_of_the_world_that_the_wrapped_rule_sees() -> None:
    @component
    class Tripled(WrappingRule):
        def inner_world(self, world: World) -> World:
            return world.view(segment_with=lambda params, batch: tripled(world.segment(params, batch)))

    def tripled(segment: Segment) -> Segment:
        return segment._replace(reward=3.0 * segment.reward)

    a2c = A2C(returns=GAE(), optimizer=SGD(), steps=8, num_envs=2)
    world = Algorithm(rule=a2c, network=MLP(hidden=(4,))).world(Walk())
    learning, inside = _inside(Scheduled(rule=Tripled(rule=a2c)), world)
    assert type(learning) is A2C
    params = world.initial_params(jax.random.key(0))
    batch = jax.tree.map(lambda x: jnp.ones(x.shape, x.dtype), world.template(params, 8, 2))
    np.testing.assert_allclose(inside.segment(params, batch).reward, 3.0)
