"""A meta-gradient around PPO, and around itself, without a case for it in the core."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from contract.components.meta_gradient import MetaGradient
from contract.small import CATCH, agent, compiled, curves, small_ppo, stacked
from discover_networks.mlp import MLP
from discover_optimisers.optimisers import SGD, Adam
from discover_returns.returns import GAE

from discover import Segment, UpdateRule, World, domain_at, lifetime, replace

ETA = ("returns.gamma", "returns.lam")
UPDATES = 40


def adapting(rule: UpdateRule, rate: float = 0.05, adapt: tuple[str, ...] = ETA) -> MetaGradient:
    return MetaGradient(rule=rule, reference=GAE(), optimiser=Adam(learning_rate=rate), adapt=adapt)


def test_eta_moves_from_where_each_candidate_starts() -> None:
    starts = ((0.9, 0.05), (0.95, 0.05), (0.9, 1e-5))
    population = stacked(*(agent(adapting(small_ppo(gamma=gamma), rate)) for gamma, rate in starts))
    curve = curves(population, CATCH, UPDATES)
    gamma = np.asarray(curve.info["eta: returns.gamma"])
    np.testing.assert_allclose(gamma[:, 0], [0.9, 0.95, 0.9], rtol=1e-5)  # nothing is known before the second update
    lam = np.asarray(curve.info["eta: returns.lam"])
    assert np.all(np.ptp(gamma[:2], axis=1) > 1e-3)
    assert np.all(np.ptp(lam[:2], axis=1) > 1e-3)
    np.testing.assert_allclose(gamma[2], 0.9, rtol=1e-3)  # the smallest step size hardly moves anything
    assert np.all(curve.finite)


def test_a_population_has_the_curves_of_its_members() -> None:
    """Mapping over candidates is the caller's, and changes nothing but the rounding."""
    members = [agent(adapting(small_ppo(gamma=gamma))) for gamma in (0.9, 0.95, 0.97)]
    together, key = curves(stacked(*members), CATCH, 3), jax.random.key(0, impl="rbg")
    alone = compiled(lambda member: lifetime.run(member, CATCH, key, 3))
    for index, member in enumerate(members):
        expected = alone(jax.tree.map(jnp.asarray, member))
        for name, values in expected.info.items():
            np.testing.assert_allclose(together.info[name][index], values, rtol=1e-3, atol=1e-4, err_msg=name)


def test_the_meta_gradient_is_the_slope_of_the_next_loss() -> None:
    """Finite differences: other eta, same key and experience, the wrapped rule's own update, the loss on what came next."""
    inner = replace(small_ppo(gamma=0.9), {"optimiser": SGD(learning_rate=0.1), "clip": 1.0, "value_clip": 2.0})  # few kinks
    rule = MetaGradient(rule=inner, reference=GAE(gamma=0.95, lam=0.9), optimiser=SGD(learning_rate=10.0), adapt=ETA)
    world = World(agent(rule, MLP(hidden=(8,))), CATCH)
    keys = jax.random.split(jax.random.key(3), 4)

    def lived() -> Any:
        params = world.initial_params(keys[0])
        state = rule.init(keys[0], world, params)
        acting, context = rule.behaviour(params, state)
        actor, first = world.collect(acting, world.start(keys[1], world.sample_tasks(keys[1], 4)), keys[1], 8, context)
        learnt, adapting, _ = rule.update(keys[2], world, params, state, first)
        _, second = world.collect(learnt, actor, keys[3], 8, context)
        moved = rule.update(keys[3], world, learnt, adapting, second)[1].eta
        values = world.evaluate(learnt, second)["value"], world.evaluate_next(learnt, second)["value"]
        ends = second.terminated, second.truncated
        weight = rule.reference(Segment(second.reward, *values, *ends, second.log_prob, second.log_prob)).advantage
        return params, state, first, second, weight, (state.eta - moved) / 10.0

    params, state, first, second, weight, gradient = compiled(lived)()

    def next_loss(eta: jax.Array) -> jax.Array:
        values = {path: domain_at(inner, path).decode(eta[i : i + 1]) for i, path in enumerate(ETA)}
        learnt = replace(inner, values).update(keys[2], world, params, state.rule, first)[0]
        return -jnp.mean(weight * world.policy(world.evaluate(learnt, second)).log_prob(second.action))

    step = 0.05 * np.eye(2, dtype=np.float32)
    losses = compiled(jax.vmap(next_loss))(np.concatenate([state.eta + step, state.eta - step]))
    slope = (losses[:2] - losses[2:]) / 0.1
    assert np.linalg.norm(slope) > 1e-4
    np.testing.assert_allclose(gradient, slope, rtol=0.01, atol=2e-6)


def test_meta_gradients_nest() -> None:
    """The outer one adapts the step size with which the inner one adapts gamma and lambda."""
    inner = adapting(small_ppo(gamma=0.9))
    outer = adapting(inner, adapt=("optimiser.learning_rate",))
    curve = curves(stacked(agent(outer), agent(replace(outer, {"optimiser.learning_rate": 1e-5}))), CATCH, UPDATES)
    rate = np.asarray(curve.info["eta of eta: optimiser.learning_rate"])
    assert np.abs(rate[0, -1] - 0.05) > 1e-4
    np.testing.assert_allclose(rate[1], 0.05, rtol=1e-3)
    assert np.all(np.abs(curve.info["eta: returns.gamma"][:, -1] - 0.9) > 1e-3)
    assert np.all(curve.finite)


def test_policy_and_value_see_eta() -> None:
    rule = adapting(small_ppo())
    world = World(agent(rule), CATCH)
    assert all(head.reads == ("eta",) for head in world.heads.outputs.values())
    assert world.heads.context == {"eta": 2}
