"""Schedules: every number of every component of a rule can change over the lifetime, on its own scale."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import toys
from discover_zoo.optimizers.adam import Adam
from discover_zoo.optimizers.clip_norm import ClipNorm
from discover_zoo.returns.n_step import NStep
from discover_zoo.rules.dqn import DQN
from discover_zoo.rules.scheduled.rule_numbers import numbers_of
from discover_zoo.rules.scheduled.scheduled import Scheduled
from discover_zoo.rules.scheduled.schedules import Schedule, moved
from plugins.conftest import Walk
from plugins.levers import NETWORK, SMALL

from discover import Algorithm, Discrete, IntegerDomain, RealDomain, Spec, UpdateRule, UserError, effective, get, replace
from discover.config.build import algorithm_from
from discover.contract.registry import Registry
from discover.inner_loop import lifetime

SPEC = Spec((3,), Discrete(2))
DOMAINS = [
    RealDomain(-2.0, 6.0),
    RealDomain(1e-5, 0.1, "log"),
    RealDomain(0.8, 0.9999, "log1m"),
    RealDomain(0.01, 0.99, "logit"),
]


def scheduled(**changes: float) -> Scheduled:
    """The small PPO with changes of numbers at paths, where ``__`` stands for a dot."""
    schedules = tuple(Schedule(path=path.replace("__", "."), change=change) for path, change in changes.items())
    return Scheduled(rule=SMALL, schedules=schedules)


@pytest.mark.parametrize("domain", DOMAINS, ids=lambda domain: domain.scale)
@pytest.mark.parametrize("share", [-2.0, -0.3, 0.0, 0.2, 0.9])
def test_a_number_moves_by_a_share_of_its_range_on_its_own_scale(domain: RealDomain, share: float) -> None:
    value = jnp.float32(domain.value_at(0.4))
    after = float(moved(domain, value, share))
    assert domain.check(np.float32(after)) is None
    assert domain.position(after) == pytest.approx(min(max(0.4 + share, 0.0), 1.0), abs=2e-4)
    assert share != 0.0 or after == float(value)


def test_whole_numbers_are_rounded_and_stay_in_their_range() -> None:
    places = [int(moved(IntegerDomain(1, 11), jnp.int32(4), share)) for share in (-1.0, -0.06, -0.04, 0.0, 0.14, 2.0)]
    assert places == [1, 3, 4, 4, 5, 11]


def test_every_number_of_every_component_can_have_a_schedule() -> None:
    rule = replace(SMALL, {"optimizer": ClipNorm(optimizer=Adam()), "returns": NStep()})
    paths = list(numbers_of(rule))
    assert {"clip", "returns.n", "optimizer.max_norm", "optimizer.optimizer.learning_rate"} < set(paths)
    every = Scheduled(rule=rule, schedules=tuple(Schedule(path=path, change=0.2) for path in paths))
    every.rollout(SPEC)
    for path in paths:
        assert float(get(every.at(0.0), path)) == float(get(rule, path))
        assert float(get(every.at(1.0), path)) > float(get(rule, path)) or path == "optimizer.optimizer.anneal"
        assert float(get(every.at(0.5), path)) <= float(get(every.at(1.0), path))


def test_schedules_go_in_each_other_and_have_schedules_themselves() -> None:
    inside = scheduled(clip=0.0, returns__gamma=0.5)
    outside = Scheduled(rule=inside, schedules=(Schedule(path="rule.clip", change=0.25), Schedule(path="schedules.1.change")))
    late = outside.at(1.0)
    assert isinstance(late, Scheduled)
    assert float(get(late.at(1.0), "clip")) == pytest.approx(0.2 * 50**0.25)
    assert float(get(late.at(1.0), "returns.gamma")) > 0.99
    assert repr(effective(outside)) == repr(replace(outside, {"schedules": outside.schedules[:1]}))
    assert repr(effective(scheduled(clip=0.0, returns__gamma=0.0))) == repr(SMALL)


def test_numbers_follow_the_progress_of_the_lifetime() -> None:
    climb = Scheduled(rule=toys.Climb(slope=1.0), schedules=(Schedule(path="slope", change=0.1),))
    algorithm = Algorithm(rule=climb, network=toys.Blank())
    life = lifetime.begin(algorithm, toys.Payday(), jax.random.key(0))
    after = lifetime.advance(algorithm, toys.Payday(), life, start=0, stop=4, total=4)
    assert float(after.params["policy"][0]) == pytest.approx(1.0 + 1.5 + 2.0 + 2.5)  # the range of the slope is 20


def test_actions_are_chosen_by_the_numbers_of_the_moment() -> None:
    dqn = DQN(optimizer=Adam(), epsilon_start=0.0, epsilon_end=0.0)
    rule = Scheduled(rule=dqn, schedules=(Schedule(path="epsilon_end", change=1.0),))
    late = Algorithm(rule=rule, network=NETWORK).world(Walk(), progress=jnp.float32(0.5))
    assert float(rule.inner_rule(late).epsilon_end) == pytest.approx(0.5)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        (scheduled(clipp=0.1), "schedules.0.path of Scheduled names 'clipp', which is no number of PPO; did you mean 'clip'?"),
        (
            scheduled(clip=0.1, steps=0.1),
            "schedules.1.path of Scheduled names 'steps', which is no number of PPO; Known: clip,",
        ),
        (scheduled(learning_rate=0.1), "did you mean 'optimizer.learning_rate'?"),
        (Scheduled(rule=SMALL, schedules=(Schedule(path="clip"),) * 2), "names 'clip' again: keep one schedule for a number."),
    ],
)
def test_a_wrong_path_is_told_with_the_nearest(rule: UpdateRule, sentence: str) -> None:
    for asked in (rule.rollout, rule.heads):
        with pytest.raises(UserError) as told:
            asked(SPEC)
        assert sentence in str(told.value)


def test_a_number_that_not_all_structures_have_may_be_missing() -> None:
    missing = (Schedule(path="returns.n", change=1.0, if_missing="ignore"), Schedule(path="clip", change=1.0))
    rule = Scheduled(rule=SMALL, schedules=missing)
    assert rule.rollout(SPEC) == SMALL.rollout(SPEC)
    assert float(rule.at(1.0).clip) == 1.0  # type: ignore[attr-defined]
    assert rule.formula().splitlines() == [r"\mathrm{clip}(p) = 0.2 \cdot 50^{p}"]


def test_a_config_names_the_numbers_and_leaves_their_changes_open(registry: Registry) -> None:
    schedules = [{"schedule": {"path": "clip", "change": "free"}}, {"schedule": {"change": {"free": {"high": 0.0}}}}]
    words = {"rule": {"scheduled": {"rule": {"ppo": {"returns": "gae", "optimizer": "adam"}}, "schedules": schedules}}}
    rule = algorithm_from(registry, {**words, "network": "mlp"}).rule
    assert isinstance(rule, Scheduled)
    assert [one.path for one in rule.schedules] == ["clip", "optimizer.learning_rate"]
