"""A meta-gradient around PPO, and around itself, without a case for it in the core."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from contract.small import CATCH, agent, compiled, curves, small_ppo, stacked
from discover_zoo.optimizers.adam import Adam
from discover_zoo.returns.gae import GAE
from discover_zoo.rules.meta_gradient.held_out import PolicyImprovement
from discover_zoo.rules.meta_gradient.meta_gradient import MetaGradient

from discover import UpdateRule, replace
from discover.inner_loop import lifetime

ETA = ("returns.gamma", "returns.lam")
UPDATES = 40


def adapting(rule: UpdateRule, rate: float = 0.05, adapt: tuple[str, ...] = ETA) -> MetaGradient:
    return MetaGradient(rule=rule, held_out=PolicyImprovement(returns=GAE()), optimizer=Adam(learning_rate=rate), adapt=adapt)


@pytest.mark.slow
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


@pytest.mark.slow
def test_meta_gradients_nest() -> None:
    """The outer one adapts the step size with which the inner one adapts gamma and lambda."""
    inner = adapting(small_ppo(gamma=0.9))
    outer = adapting(inner, adapt=("optimizer.learning_rate",))
    curve = curves(stacked(agent(outer), agent(replace(outer, {"optimizer.learning_rate": 1e-5}))), CATCH, UPDATES)
    rate = np.asarray(curve.info["eta of eta: optimizer.learning_rate"])
    assert np.abs(rate[0, -1] - 0.05) > 1e-4
    np.testing.assert_allclose(rate[1], 0.05, rtol=1e-3)
    assert np.all(np.abs(curve.info["eta: returns.gamma"][:, -1] - 0.9) > 1e-3)
    assert np.all(curve.finite)


def test_policy_and_value_see_eta() -> None:
    rule = adapting(small_ppo())
    world = agent(rule).world(CATCH)
    assert all(head.reads == ("eta",) for head in world.heads.outputs.values())
    assert world.heads.context == {"eta": 2}
