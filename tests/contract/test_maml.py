"""MAML with PPO as its outer rule, unchanged, and any inner rule, without a case for it in the core."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from contract.small import ARMS, agent, compiled, curves, small_ppo, stacked
from discover_zoo.optimizers.sgd import SGD
from discover_zoo.returns.gae import GAE
from discover_zoo.returns.monte_carlo import MonteCarlo
from discover_zoo.rules.maml import MAML
from discover_zoo.rules.meta_gradient.held_out import PolicyImprovement
from discover_zoo.rules.meta_gradient.meta_gradient import MetaGradient
from discover_zoo.rules.policy_gradient import PolicyGradient

from discover import group_environments
from discover.inner_loop import lifetime

UPDATES = 60
SIZES: dict[str, Any] = {"tasks": 8, "num_envs": 4, "steps": 8}


def one_step(rate: float = 4.0) -> PolicyGradient:
    return PolicyGradient(returns=MonteCarlo(), optimizer=SGD(learning_rate=rate), normalize=False)


@pytest.mark.slow
def test_meta_training_finds_parameters_that_adapt_to_each_task() -> None:
    """Half of the arms never pay: meta-training rules those out, one inner step finds the one that pays in this task."""
    rules = [MAML(inner=one_step(rate), outer=small_ppo(minibatches=1), **SIZES) for rate in (1e-5, 4.0, 8.0)]
    curve = curves(stacked(*map(agent, rules)), ARMS, UPDATES)
    adapted, unadapted = np.asarray(curve.episode_return), np.asarray(curve.info["unadapted_return"])
    assert np.all(unadapted[:, -10:].mean(1) < 0.5)  # no fixed policy earns more than a third
    assert np.all(adapted[1:, -10:].mean(1) > unadapted[1:, -10:].mean(1) + 0.2)
    assert np.all(adapted[1:, -10:].mean(1) > adapted[1:, :1].mean(1) + 0.1)
    assert abs(adapted[0, -10:].mean() - unadapted[0, -10:].mean()) < 0.1  # the smallest inner step adapts nothing
    assert np.all(curve.finite)
    rollout = rules[0].rollout(ARMS.spec())
    assert rollout.by_rule
    np.testing.assert_array_equal(curve.env_steps, UPDATES * rollout.steps * rollout.num_envs)
    assert lifetime.updates_in(agent(rules[0]), ARMS, int(curve.env_steps[0])) == UPDATES


@pytest.mark.slow
def test_any_rule_adapts_and_any_rule_learns() -> None:
    """PPO as inner rule, a meta-gradient around PPO as outer one: the whole lifetime can be traced."""
    outer = MetaGradient(rule=small_ppo(), held_out=PolicyImprovement(returns=GAE()), optimizer=SGD(), adapt=("returns.gamma",))
    candidate = agent(MAML(inner=small_ppo(), outer=outer, **SIZES))
    curve = jax.eval_shape(lambda a, key: lifetime.run(a, ARMS, key, 2), candidate, jax.random.key(0))
    assert {"eta: returns.gamma", "unadapted_return", "value_loss"} <= set(curve.info)


def test_minibatches_take_what_a_task_adapts_from_along() -> None:
    rule = MAML(inner=one_step(), outer=small_ppo(), **SIZES)
    world = agent(rule).world(ARMS)
    seen = rule.adapting(world)

    def divided(key: jax.Array) -> Any:
        params = world.initial_params(key)
        tasks = jnp.repeat(world.sample_tasks(key, rule.tasks), rule.num_envs)
        before, after = (world.collect(params, world.start(k, tasks), k, 8)[1] for k in jax.random.split(key))
        after = after._replace(extra=[(jax.random.split(key, rule.tasks), group_environments(before, rule.num_envs))])
        whole = seen.evaluate(params, after)["policy"]
        parts, policy = seen.minibatches(key, 2, after, whole)
        evaluated = jax.vmap(seen.evaluate, (None, 0))(params, parts)["policy"]
        return whole, policy, evaluated, world.evaluate(params, after)["policy"]

    whole, policy, evaluated, unadapted = compiled(divided)(jax.random.key(0))
    np.testing.assert_allclose(evaluated, policy, rtol=1e-5, atol=1e-6)
    assert not np.allclose(whole, unadapted, atol=1e-2)
