"""A share of replayed experience for rules that learn from fresh batches."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discover_zoo.networks.gru import GRU
from discover_zoo.networks.mlp import MLP
from discover_zoo.normalizers.observations import Observations
from discover_zoo.optimizers.adam import Adam
from discover_zoo.returns.gae import GAE
from discover_zoo.returns.lambda_return import LambdaReturn
from discover_zoo.returns.leaky_v_trace import LeakyVTrace
from discover_zoo.returns.monte_carlo import MonteCarlo
from discover_zoo.returns.n_step import NStep
from discover_zoo.returns.one_of_returns import OneOfReturns
from discover_zoo.returns.retrace import Retrace
from discover_zoo.returns.scaled_values import ScaledValues
from discover_zoo.returns.v_trace import VTrace
from discover_zoo.rules.dqn import DQN
from discover_zoo.rules.replayed import Replayed, corrects
from plugins.conftest import Walk
from plugins.levers import CORRECTED, SMALL, lived, usual

from discover import (
    Algorithm,
    Discrete,
    Info,
    Key,
    OnPolicy,
    Params,
    RuleState,
    Spec,
    Trajectory,
    UpdateRule,
    UserError,
    World,
    component,
    effective,
    replace,
)

SPEC = Spec((3,), Discrete(2))


@component
class Told(OnPolicy):
    """Tells in its state what it is given, and moves all parameters a little."""

    def init(self, key: Key, world: World, params: Params) -> Any:
        return ()

    def update(
        self, key: Key, world: World, params: Params, state: RuleState, trajectory: Trajectory
    ) -> tuple[Params, RuleState, Info]:
        state = trajectory._replace(task=()), world.segment(params, trajectory)
        return jax.tree.map(lambda p: p + 0.3 * jnp.sin(jnp.arange(float(p.size))).reshape(p.shape), params), state, {}


def test_without_columns_it_comes_down_to_the_wrapped_rule() -> None:
    assert repr(effective(Replayed(rule=SMALL))) == repr(SMALL)


RECURRENT = pytest.param(GRU(encoder=(4,), memory=4, hidden=(4,)), id="gru", marks=pytest.mark.slow)


@pytest.mark.parametrize("network", [pytest.param(MLP(hidden=(4,)), id="mlp"), RECURRENT])
def test_replayed_columns_stand_beside_fresh_ones_with_what_a_correction_needs(network: Any) -> None:
    rule = Replayed(rule=Told(returns=VTrace(), optimizer=Adam(), steps=6, num_envs=2), columns=3, capacity=2)
    world = Algorithm(rule=rule, network=network).world(Walk())

    def run(key: Key) -> Any:
        old = world.initial_params(key)
        actor = world.start(key, world.sample_tasks(key, 2))
        params, state = old, rule.init(key, world, old)
        actor, _ = world.collect(params, actor, key, 6)
        actor, second = world.collect(params, actor, key, 6)
        before, (params, state, _) = params, rule.update(key, world, params, state, trajectory=second)
        mixed, segment = state.rule
        evaluated = world.evaluate(before, mixed._replace(outputs=()))
        chosen = world.policy(evaluated).log_prob(mixed.action)
        late = rule.update(key, world, params, state._replace(rule=()), trajectory=second)[1].rule  # by parameters of later
        now = world.policy(world.evaluate(params, late[0])).log_prob(late[0].action)
        return second, mixed, segment, evaluated, chosen, late, now

    fresh, mixed, segment, evaluated, chosen, (later, corrected), now = jax.jit(run)(jax.random.key(0))
    assert mixed.reward.shape == segment.reward.shape == (6, 5)
    for name in ("observation", "action", "reward", "terminated", "truncated", "is_first", "next_observation", "log_prob"):
        np.testing.assert_array_equal(getattr(mixed, name)[:, :2], getattr(fresh, name), err_msg=name)
        columns = {np.asarray(getattr(fresh, name)[:, b]).tobytes() for b in range(2)}
        if name != "log_prob":
            assert {np.asarray(getattr(mixed, name)[:, b]).tobytes() for b in range(2, 5)} <= columns
    np.testing.assert_allclose(mixed.outputs["value"], evaluated["value"], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(mixed.log_prob, chosen, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(segment.behavior_log_prob, segment.target_log_prob, rtol=1e-5, atol=1e-6)

    replayed = np.s_[:, 2:]  # of the update after the parameters changed
    np.testing.assert_allclose(corrected.target_log_prob[replayed], now[replayed], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(later.log_prob[replayed], corrected.target_log_prob[replayed])
    recorded = {np.asarray(fresh.log_prob[:, b]).tobytes() for b in range(2)}
    assert {np.asarray(corrected.behavior_log_prob[:, b]).tobytes() for b in range(2, 5)} <= recorded
    assert np.abs(corrected.behavior_log_prob - corrected.target_log_prob)[replayed].max() > 0.01
    np.testing.assert_array_equal(corrected.value, later.outputs["value"])


@pytest.mark.slow
def test_the_clock_counts_fresh_steps_alone_and_old_windows_change_what_is_learned() -> None:
    life = lived(Replayed(rule=CORRECTED, columns=2, capacity=4))
    assert int(life.env_steps) == int(usual(corrected=True).env_steps) == 3 * 16
    assert int(life.rule_state.buffer.added) == 6
    changed = zip(jax.tree.leaves(life.params), jax.tree.leaves(usual(corrected=True).params), strict=True)
    assert all(np.all(np.isfinite(a)) for a in jax.tree.leaves(life.params))
    assert not all(np.array_equal(a, b) for a, b in changed)


def test_windows_are_rescaled_by_what_the_normalizer_knows_now() -> None:
    rule = Replayed(rule=CORRECTED, columns=2, capacity=4)
    algorithm = Algorithm(rule=rule, network=MLP(hidden=(4,)), normalizer=Observations())
    world = algorithm.world(Walk())
    state = jax.eval_shape(lambda key: rule.init(key, world, world.initial_params(key)), jax.random.key(0))
    assert len(state.buffer.scale) == 2


@pytest.mark.parametrize(
    ("returns", "expected"),
    [
        (GAE(), False),
        (LambdaReturn(), False),
        (MonteCarlo(), False),
        (NStep(), False),
        (VTrace(), True),
        (LeakyVTrace(), True),
        (Retrace(), True),
        (OneOfReturns(options=(VTrace(), Retrace())), True),
        (OneOfReturns(options=(VTrace(), GAE())), False),
        (ScaledValues(returns=VTrace()), True),
        (ScaledValues(returns=GAE()), False),
    ],
    ids=repr,
)
def test_a_return_function_corrects_or_not(returns: Any, expected: bool) -> None:
    assert corrects(returns) is expected


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        (
            replace(SMALL, {"returns": ScaledValues(returns=GAE())}),
            "Replayed needs a return function that corrects for old actions, which ScaledValues does not: use v_trace, "
            "leaky_v_trace or retrace.",
        ),
        (
            DQN(optimizer=Adam()),
            "Replayed finds no return function in DQN to correct: wrap a rule that has one, such as ppo.",
        ),
    ],
)
def test_a_rule_that_would_learn_uncorrected_is_refused(rule: UpdateRule, sentence: str) -> None:
    with pytest.raises(UserError) as told:
        Replayed(rule=rule, columns=2).rollout(SPEC)
    assert str(told.value) == sentence
