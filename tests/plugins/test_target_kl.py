"""A step size that follows a target divergence."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discover_zoo.optimizers.adam import Adam
from discover_zoo.optimizers.clip_norm import ClipNorm
from discover_zoo.optimizers.one_of_optimizers import OneOfOptimizers
from discover_zoo.optimizers.sgd import SGD
from discover_zoo.returns.gae import GAE
from discover_zoo.rules.dqn import DQN
from discover_zoo.rules.ppo import PPO
from discover_zoo.rules.scheduled.scheduled import Scheduled
from discover_zoo.rules.scheduled.schedules import Schedule
from discover_zoo.rules.target_kl import TargetKL, learning_rates
from plugins.levers import SMALL, lived

from discover import Discrete, Spec, UpdateRule, UserError, effective, replace

SPEC = Spec((3,), Discrete(2))


def test_without_a_gain_it_comes_down_to_the_wrapped_rule() -> None:
    assert repr(effective(TargetKL(rule=SMALL))) == repr(SMALL)
    assert float(TargetKL(rule=SMALL).followed(jnp.float32(1.0), jnp.float32(7.0))) == 1.0


@pytest.mark.parametrize(
    ("divergence", "gain", "expected"),
    [
        (0.02, 1.0, 2.0),
        (0.04, 1.0, 2.0),
        (0.015, 1.0, 8 / 3),
        (0.002, 0.5, 4.0 * 2.0**0.5),
        (1.0, 1.0, 2.0),
        (0.0, 1.0, 8.0),
        (0.012, 1.0, 10 / 3),
    ],
)
def test_the_factor_is_its_equation(divergence: float, gain: float, expected: float) -> None:
    rule = TargetKL(rule=SMALL, target=0.01, gain=gain, bound=100.0)
    assert float(rule.followed(jnp.float32(4.0), jnp.float32(divergence))) == pytest.approx(expected, rel=1e-5)


def test_the_factor_stays_within_its_bound() -> None:
    rule = TargetKL(rule=SMALL, target=0.01, gain=1.0, bound=5.0)
    assert float(rule.followed(jnp.float32(4.0), jnp.float32(0.0))) == 5.0
    assert float(rule.followed(jnp.float32(0.25), jnp.float32(9.0))) == pytest.approx(0.2)


@pytest.mark.slow
def test_the_divergence_comes_nearer_to_the_target_whatever_the_learning_rate() -> None:
    far, target = replace(SMALL, {"optimizer": SGD(learning_rate=0.03)}), 0.003
    alone, followed = (lived(TargetKL(rule=far, target=target, gain=gain, bound=1000.0), 12) for gain in (0.0, 1.0))
    last = [np.asarray(life.rows["kl"])[np.asarray(life.counts) > 0][-1] for life in (alone, followed)]
    assert last[0] < 0.01 * target
    assert target / 4 < last[1] < 4 * target


def test_all_learning_rates_are_multiplied_and_nothing_else() -> None:
    optimizer = OneOfOptimizers(options=(ClipNorm(optimizer=Adam(learning_rate=0.1)), SGD(learning_rate=0.2)))
    inside = Scheduled(rule=PPO(returns=GAE(), optimizer=optimizer), schedules=(Schedule(path="clip"),))
    rule = TargetKL(rule=inside, gain=1.0)
    assert learning_rates(inside) == [f"rule.optimizer.options.{p}" for p in ("0.optimizer.learning_rate", "1.learning_rate")]
    half, before = (jax.tree.leaves(x) for x in (rule.at(0.5), inside))
    changed = [(float(b), float(h)) for b, h in zip(before, half, strict=True) if b != h]
    np.testing.assert_allclose(changed, [(0.1, 0.05), (0.2, 0.1)], rtol=1e-6)


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [(DQN(optimizer=Adam()), "TargetKL cannot wrap DQN, which has no policy to measure: wrap one that has, such as ppo.")],
)
def test_a_rule_that_it_cannot_measure_is_refused(rule: UpdateRule, sentence: str) -> None:
    with pytest.raises(UserError) as told:
        TargetKL(rule=rule).rollout(SPEC)
    assert str(told.value) == sentence
