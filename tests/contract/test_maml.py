"""MAML with PPO as its outer rule, unchanged, and any inner rule, without a case for it in the core."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from contract.components.maml import MAML
from contract.components.policy_gradient import PolicyGradient
from contract.small import ARMS, Arms, agent, compiled, curves, small_ppo, stacked
from discover_meta_gradient.held_out import PolicyImprovement
from discover_meta_gradient.meta_gradient import MetaGradient
from discover_optimisers.optimisers import SGD
from discover_returns.returns import GAE, MonteCarlo

from discover import (
    Experience,
    Heads,
    Info,
    Inputs,
    Network,
    Outputs,
    Rollout,
    Spec,
    UpdateRule,
    World,
    component,
    group_columns,
    lifetime,
)

UPDATES = 60


def one_step(rate: float = 4.0, surrogate: Any = "likelihood ratio") -> PolicyGradient:
    return PolicyGradient(returns=MonteCarlo(), optimiser=SGD(learning_rate=rate), surrogate=surrogate)


def test_meta_training_finds_parameters_that_adapt_to_each_task() -> None:
    """Half of the arms never pay: meta-training rules those out, one inner step finds the one that pays in this task."""
    rules = [MAML(inner=one_step(rate), outer=small_ppo(minibatches=1)) for rate in (1e-5, 4.0, 8.0)]
    curve = curves(stacked(*map(agent, rules)), ARMS, UPDATES)
    adapted, unadapted = np.asarray(curve.episode_return), np.asarray(curve.info["unadapted_return"])
    assert np.all(unadapted[:, -10:].mean(1) < 0.5)  # no fixed policy earns more than a third
    assert np.all(adapted[1:, -10:].mean(1) > unadapted[1:, -10:].mean(1) + 0.2)
    assert np.all(adapted[1:, -10:].mean(1) > adapted[1:, :1].mean(1) + 0.1)
    assert abs(adapted[0, -10:].mean() - unadapted[0, -10:].mean()) < 0.1  # the smallest inner step adapts nothing
    assert np.all(curve.finite)
    rollout = rules[0].rollout(ARMS.spec())
    np.testing.assert_array_equal(curve.env_steps, UPDATES * rollout.steps * rollout.environments)
    assert lifetime.updates_in(agent(rules[0]), ARMS, int(curve.env_steps[0])) == UPDATES


def test_any_rule_adapts_and_any_rule_learns() -> None:
    """PPO as inner rule, a meta-gradient around PPO as outer one: the whole lifetime can be traced."""
    outer = MetaGradient(rule=small_ppo(), held_out=PolicyImprovement(returns=GAE()), optimiser=SGD(), adapt=("returns.gamma",))
    candidate = agent(MAML(inner=small_ppo(), outer=outer))
    curve = jax.eval_shape(lambda a, key: lifetime.run(a, ARMS, key, 2), candidate, jax.random.key(0))
    assert {"eta: returns.gamma", "unadapted_return", "value_loss"} <= set(curve.info)


def test_minibatches_take_what_a_task_adapts_from_along() -> None:
    rule = MAML(inner=one_step(), outer=small_ppo())
    world = World(agent(rule), ARMS)
    seen = rule.adapting(world)

    def divided(key: jax.Array) -> Any:
        params = world.initial_params(key)
        tasks = jnp.repeat(world.sample_tasks(key, rule.tasks), rule.environments)
        before, after = (world.collect(params, world.start(k, tasks), k, 8)[1] for k in jax.random.split(key))
        after = after._replace(extra=(jax.random.split(key, rule.tasks), group_columns(before, rule.environments)))
        whole = seen.evaluate(params, after)["policy"]
        parts, policy = seen.minibatches(key, 2, after, whole)
        evaluated = jax.vmap(seen.evaluate, (None, 0))(params, parts)["policy"]
        return whole, policy, evaluated, world.evaluate(params, after)["policy"]

    whole, policy, evaluated, unadapted = compiled(divided)(jax.random.key(0))
    np.testing.assert_allclose(evaluated, policy, rtol=1e-5, atol=1e-6)
    assert not np.allclose(whole, unadapted, atol=1e-2)


@component
class Odds(Network):
    """A two-armed policy with one parameter: ``pi(1) = sigmoid(theta)``."""

    def init(self, key: jax.Array, spec: Spec, heads: Heads) -> Any:
        return jnp.float32(0.5)

    def apply(self, params: Any, heads: Heads, inputs: Inputs, carry: Any) -> tuple[Outputs, Any]:
        logits = jnp.stack([jnp.zeros_like(params), params])
        return {"policy": jnp.broadcast_to(logits, (*inputs.first.shape, 2)), "value": jnp.zeros(inputs.first.shape)}, carry


@component
class FirstOrder(UpdateRule):
    """A rule whose update counts as a constant step."""

    rule: UpdateRule

    def rollout(self, spec: Spec) -> Rollout:
        return self.rule.rollout(spec)

    def heads(self, spec: Spec) -> Heads:
        return self.rule.heads(spec)

    def init(self, key: jax.Array, world: World, params: Any) -> Any:
        return self.rule.init(key, world, params)

    def update(self, key: jax.Array, world: World, params: Any, state: Any, experience: Experience) -> tuple[Any, Any, Info]:
        learnt, state, info = self.rule.update(key, world, params, state, experience)
        return jax.tree.map(lambda p, new: p + jax.lax.stop_gradient(new - p), params, learnt), state, info


def every_action(theta: jax.Array) -> Experience:
    """One pull of each arm, each reward (1 for arm 1) weighted with the arm's probability: means are expectations."""
    action, yes, no = jnp.array([[0, 1]]), jnp.ones((1, 2), bool), jnp.zeros((1, 2), bool)
    log_prob = jax.nn.log_softmax(jnp.stack([jnp.zeros_like(theta), theta]))[action]
    ones, reward = jnp.ones((1, 2, 1)), 2.0 * jnp.exp(log_prob) * action
    return Experience(ones, action, log_prob, {}, reward, yes, no, ones, yes, {}, (), ())


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        (one_step(1.0), 0.206450),
        (FirstOrder(rule=one_step(1.0)), 0.219058),
        (one_step(1.0, "log likelihood"), 0.187014),
    ],
)
def test_the_exact_meta_gradient_of_a_bandit(inner: UpdateRule, expected: float) -> None:
    """Full, first-order, and with the second derivative of the log-likelihood surrogate, each by hand to six digits."""
    rule = MAML(inner=inner, outer=small_ppo(), tasks=1, environments=2, steps=1)
    world = World(agent(rule, Odds()), Arms(arms=2, paying=1))

    def loss(outputs: Outputs, batch: Experience) -> tuple[jax.Array, Info]:
        ratio = jnp.exp(world.policy(outputs).log_prob(batch.action) - batch.log_prob)
        return -jnp.mean(ratio * batch.reward), {}

    def meta_gradient(theta: jax.Array) -> tuple[jax.Array, jax.Array]:
        key, before = jax.random.key(0), every_action(theta)
        adapted, _ = rule.adapt_to_task(key, world, theta, (), before)
        extra = jax.tree.map(lambda x: x[None], (key, before))
        after = jax.lax.stop_gradient(every_action(adapted)._replace(extra=extra))
        return adapted, -rule.adapting(world).gradient(loss)(theta, after)[0]

    adapted, gradient = compiled(meta_gradient)(jnp.float32(0.5))
    np.testing.assert_allclose(adapted, 0.735004, atol=1e-6)
    np.testing.assert_allclose(gradient, expected, atol=1e-6)
