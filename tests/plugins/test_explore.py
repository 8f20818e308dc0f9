"""A rule that explores learns from reward and bonus, and is the wrapped rule where nothing is paid."""

import dataclasses
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from contract.small import CATCH, small_ppo
from discover_zoo.bonuses.counts import CountBonus
from discover_zoo.networks.mlp import MLP
from discover_zoo.normalizers.observations import Observations
from discover_zoo.normalizers.rewards import Rewards
from discover_zoo.normalizers.several import Several
from discover_zoo.optimizers.adam import Adam
from discover_zoo.optimizers.sgd import SGD
from discover_zoo.returns.gae import GAE
from discover_zoo.rules.a2c import A2C
from discover_zoo.rules.dqn import DQN
from discover_zoo.rules.explore.explore import Explore
from discover_zoo.rules.explore.own_discount import OwnDiscount
from discover_zoo.rules.explore.rewards import with_bonus
from discover_zoo.rules.explore.success import counted, no_success
from plugins.batches import COLUMNS, KEY, NUMBERS, STEPS, WORLD, batch

from discover import (
    Algorithm,
    Discrete,
    Environment,
    ExplorationBonus,
    Info,
    Key,
    Params,
    Rollout,
    RuleState,
    Segment,
    Spec,
    Step,
    Trajectory,
    UpdateRule,
    UserError,
    World,
    component,
    recipe,
)
from discover.contract.trajectory import Unscaled
from discover.inner_loop import lifetime
from discover.testing.failures import same_bits
from discover.testing.programs import quickly_compiled
from discover.testing.small import Affine, Reinforced


@component
class Told(Reinforced):
    """Tells what rewards it learns from, and what it draws; its state is a draw."""

    def init(self, key: Key, world: World, params: Params) -> RuleState:
        return jax.random.bits(key)

    def update(
        self, key: Key, world: World, params: Params, state: RuleState, trajectory: Trajectory
    ) -> tuple[Params, RuleState, Info]:
        return params, state, {"told": trajectory.reward, "drawn": jax.random.bits(key)}


@component
class Alone(Told):
    """Collects by itself."""

    def rollout(self, spec: Spec) -> Rollout:
        return Rollout(4, 2, by_rule=True)


@component
class Two(ExplorationBonus):
    """Pays 2 for every step, and counts batches."""

    def init(self, key: Key, world: World, num_envs: int) -> Any:
        return jnp.zeros(())

    def update(self, key: Key, world: World, state: Any, trajectory: Trajectory) -> tuple[jax.Array, Any]:
        return jnp.full(trajectory.reward.shape, 2.0), state + 1.0


def ends(*, terminated: list[tuple[int, int]], truncated: list[tuple[int, int]]) -> dict[str, jax.Array]:
    """Fields of a batch whose episodes end at these steps and columns; column 1 begins an episode with the batch."""
    over = {name: np.zeros((STEPS, COLUMNS), bool) for name in ("terminated", "truncated")}
    for name, places in (("terminated", terminated), ("truncated", truncated)):
        for place in places:
            over[name][place] = True
    first = np.roll(over["terminated"] | over["truncated"], 1, axis=0)
    first[0] = [False, True, False]
    return {name: jnp.asarray(x) for name, x in (over | {"is_first": first}).items()}


ENDS = ends(terminated=[(1, 0), (STEPS - 1, 0), (STEPS - 1, 1)], truncated=[(2, 1), (3, 2)])


# What the wrapped rule gets -------------------------------------------------------------------------------------------


@quickly_compiled
def update_at(rule: Explore, progress: jax.Array, state: Any, steps: Trajectory) -> tuple[Any, Info]:
    """The state after an update at a share of the lifetime, and what it told."""
    world: Any = SimpleNamespace(spec=WORLD.spec, progress=progress)
    return rule.update(KEY, world, (), state, trajectory=steps)[1:]


@pytest.mark.parametrize(
    ("progress", "settings", "weight"),
    [
        (0.0, {}, 0.5),
        (0.5, {"decay": 0.2}, 0.5 * 0.6),
        (0.5, {"until": 0.6}, 0.5),
        (0.6, {"until": 0.6}, 0.0),
        (0.5, {"terminal": 0.25}, 0.5),
    ],
)
def test_the_wrapped_rule_gets_the_reward_and_a_share_of_the_bonus(
    progress: float, settings: dict[str, Any], weight: float
) -> None:
    rule = Explore(rule=Told(), bonus=Two(), scale=0.5, **settings)
    reward = jnp.asarray(np.random.default_rng(1).normal(size=(STEPS, COLUMNS)), jnp.float32)
    state = rule.init(KEY, WORLD, ())._replace(success=no_success(COLUMNS))
    state, info = update_at(rule, np.float32(progress), state, batch(0, reward=reward, **ENDS))
    share = np.where(np.asarray(ENDS["terminated"]), settings.get("terminal", 1.0), 1.0)
    np.testing.assert_allclose(info["told"], reward + weight * 2.0 * share, rtol=1e-6)
    assert float(info["bonus_scale"]) == pytest.approx(weight)
    assert float(state.bonus) == 1.0


def test_a_replay_buffer_keeps_the_bonus_in_units_of_the_rescaled_reward() -> None:
    normalizer, reward = Several(normalizers=(Observations(), Rewards())), jnp.arange(1.0, 16.0).reshape(STEPS, COLUMNS)
    statistics = normalizer.init(WORLD.spec, COLUMNS)
    rewards = statistics[1]._replace(moments=statistics[1].moments._replace(variance=jnp.float32(25.0)))
    statistics = (statistics[0], rewards)
    steps = batch(0)
    before = Unscaled(steps.observation, reward, steps.next_observation, normalizer, statistics)
    pay = jnp.asarray(np.random.default_rng(2).normal(size=(STEPS, COLUMNS)), jnp.float32)
    new = with_bonus(steps._replace(reward=reward / 5.0, unscaled=before), pay)
    np.testing.assert_allclose(new.reward, reward / 5.0 + pay, rtol=1e-6)
    assert isinstance(new.unscaled, Unscaled)
    drawn = normalizer.normalize_reward(statistics, new.unscaled.reward.reshape(-1)).reshape(STEPS, COLUMNS)
    np.testing.assert_allclose(drawn, reward / 5.0 + pay, rtol=1e-4, atol=1e-5)


def test_the_bonus_falls_as_returns_rise_above_those_of_the_start() -> None:
    success, returns, going_on, batches = no_success(COLUMNS), [], np.zeros(COLUMNS), []
    count = quickly_compiled(counted)
    for number in range(24):
        reward = np.random.default_rng(number).normal(1.0 + 0.5 * number, 1.0, (STEPS, COLUMNS)).astype(np.float32)
        success = count(success, batch(0, reward=jnp.asarray(reward), **ENDS))
        over, new = np.asarray(ENDS["terminated"] | ENDS["truncated"]), []
        for step in range(STEPS):
            for column in range(COLUMNS):
                going_on[column] += reward[step, column]
                if over[step, column]:
                    new.append(going_on[column])
                    going_on[column] = 0.0
        returns += new
        batches.append(new)
    start = recent = 0.0
    seen: list[float] = []
    for new in batches:
        if len(seen) < 20:
            start = recent = float(np.mean(seen + new))
        else:
            kept = 0.95 ** len(new)
            recent = kept * recent + (1.0 - kept) * float(np.mean(new))
        seen += new
    np.testing.assert_allclose(success.current, going_on, rtol=1e-4)
    assert float(success.start) == pytest.approx(start, rel=1e-4)
    assert float(success.recent) == pytest.approx(recent, rel=1e-4)
    assert float(success.risen) == pytest.approx((recent - start) / np.std(returns), rel=1e-3)
    assert float(no_success(1).risen) == 0.0


# An own discount ------------------------------------------------------------------------------------------------------


def test_an_own_discount_gives_the_advantage_of_the_bonus_which_does_not_end_with_an_episode() -> None:
    gamma, lam = 0.9, 0.7
    own = OwnDiscount(network=Affine(), optimizer=SGD(learning_rate=0.1), gamma=gamma, lam=lam, epochs=1, minibatches=1)
    earlier = jnp.asarray(np.random.default_rng(3).normal(size=(COLUMNS, NUMBERS)), jnp.float32)
    state, steps = quickly_compiled(lambda: own.init(KEY, WORLD, COLUMNS))()._replace(first=earlier), batch(0, **ENDS)
    bonus = np.random.default_rng(4).uniform(size=(STEPS, COLUMNS)).astype(np.float32)
    update = quickly_compiled(lambda state, steps, pay: own.update(KEY, WORLD, state, steps, bonus=pay))
    advantage, after = update(state, steps, bonus)

    head = jax.tree.map(np.asarray, state.value.params)["value"]
    seen, true_next = np.asarray(steps.observation), np.asarray(steps.next_observation)
    first, expected, following = np.asarray(earlier).copy(), np.zeros((STEPS, COLUMNS)), np.zeros((STEPS, COLUMNS))

    def value(observation: np.ndarray) -> float:
        return float(observation @ head["kernel"] + head["bias"])

    for step in range(STEPS):
        for column in range(COLUMNS):
            if steps.is_first[step, column]:
                first[column] = seen[step, column]
            goes_on = true_next[step, column]
            if steps.terminated[step, column]:
                goes_on = seen[step + 1, column] if step + 1 < STEPS else first[column]
            following[step, column] = value(goes_on)
            expected[step, column] = bonus[step, column] + gamma * following[step, column] - value(seen[step, column])
    np.testing.assert_allclose(advantage, expected, atol=1e-5)
    np.testing.assert_allclose(after.first, first)

    target = np.zeros((STEPS, COLUMNS))
    for column in range(COLUMNS):
        for step in reversed(range(STEPS)):
            goes_on = following[step, column]
            if step + 1 < STEPS and not steps.truncated[step, column]:
                goes_on = (1.0 - lam) * goes_on + lam * target[step + 1, column]
            target[step, column] = bonus[step, column] + gamma * goes_on
    rows = seen.reshape(-1, NUMBERS)
    wrong = rows @ head["kernel"] + head["bias"] - target.ravel()
    np.testing.assert_allclose(
        after.value.params["value"]["kernel"], head["kernel"] - 0.1 * rows.T @ wrong / wrong.size, atol=1e-5
    )


def test_advantages_of_reward_and_bonus_add() -> None:
    """As `OwnDiscount` derives it: within an episode, GAE sums the advantage of the bonus with weights ``(gamma * lam)^k``."""
    random, scale, weight = np.random.default_rng(5), 0.3, 0.99 * 0.95
    reward, value, following, bonus = random.normal(size=(4, STEPS, COLUMNS)).astype(np.float32)
    terminated, truncated = ENDS["terminated"], ENDS["truncated"]
    plain = Segment(
        jnp.asarray(reward),
        jnp.asarray(value),
        jnp.where(terminated, 0.0, following),
        terminated,
        truncated=truncated,
        behavior_log_prob=jnp.zeros((STEPS, COLUMNS)),
        target_log_prob=jnp.zeros((STEPS, COLUMNS)),
    )
    returns = GAE(gamma=0.99, lam=0.95)
    both = returns(plain._replace(reward=jnp.asarray(reward + scale * bonus))).advantage
    over, expected = np.asarray(terminated | truncated), np.zeros((STEPS + 1, COLUMNS))
    for step in reversed(range(STEPS)):
        expected[step] = bonus[step] + weight * np.where(over[step], 0.0, expected[step + 1])
    np.testing.assert_allclose(both, returns(plain).advantage + scale * expected[:-1], atol=1e-4)


# Nothing paid, nothing changed ----------------------------------------------------------------------------------------


def lives(rule: UpdateRule, environment: Environment, *, compiled: Any, updates: int, **more: Any) -> lifetime.Lifetime:
    """The lifetime after some updates."""
    algorithm = Algorithm(rule=rule, **more)

    def live(algorithm: Algorithm) -> lifetime.Lifetime:
        life = lifetime.begin(algorithm, environment, KEY)
        return lifetime.advance(algorithm, environment, life, start=0, stop=updates, total=updates)

    return compiled(live)(algorithm)


def test_without_a_scale_a_rule_is_the_wrapped_one() -> None:
    steps, rule = batch(0, reward=jnp.asarray(np.random.default_rng(1).normal(size=(STEPS, 2)), jnp.float32)), Told()
    steps = steps._replace(**{name: getattr(steps, name)[:, :2] for name in ("terminated", "truncated", "next_observation")})
    exploring = Explore(rule=rule, bonus=Two(), scale=0.0)
    plain, state = rule.init(KEY, WORLD, ()), exploring.init(KEY, WORLD, ())
    assert same_bits(plain, state.rule)
    _, after, told = exploring.update(KEY, WORLD, (), state, trajectory=steps)
    assert same_bits(plain, after.rule)
    info = rule.update(KEY, WORLD, (), plain, trajectory=steps)[2]
    assert same_bits(dict(info), {name: told[name] for name in info})


OWN = OwnDiscount(network=MLP(hidden=(8,)), optimizer=Adam(), epochs=1)
RULES: dict[str, tuple[UpdateRule, Any]] = {
    "PPO": (small_ppo(), Observations()),
    "A2C": (A2C(returns=GAE(), optimizer=Adam(), steps=5, num_envs=4), None),
    "DQN": (
        DQN(optimizer=Adam(learning_rate=0.01), learning_starts=20, capacity=200, batch=16),
        Several(normalizers=(Observations(), Rewards())),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("own", [None, OWN], ids=["", "own discount"])
@pytest.mark.parametrize("name", RULES)
def test_without_a_scale_every_rule_keeps_its_bits(name: str, own: OwnDiscount | None) -> None:
    rule, normalizer = RULES[name]
    exploring = Explore(rule=rule, bonus=CountBonus(), own_discount=own, scale=0.0)
    more = {"network": MLP(hidden=(16,)), "normalizer": normalizer}
    plain, silent, paid = (
        lives(each, CATCH, compiled=jax.jit, updates=12, **more)
        for each in (rule, exploring, dataclasses.replace(exploring, scale=np.float32(0.5)))
    )
    assert same_bits(plain.params, silent.params)
    assert same_bits(plain.rule_state, silent.rule_state.rule)
    assert same_bits(plain.actor, silent.actor)
    assert not same_bits(plain.params, paid.params)


def test_a_rule_that_collects_by_itself_is_refused() -> None:
    with pytest.raises(UserError, match=r"^explore pays for batches that are collected for its rule, and Alone collects by"):
        Explore(rule=Alone(), bonus=CountBonus()).rollout(WORLD.spec)


def test_batches_of_other_environments_are_refused() -> None:
    rule = Explore(rule=Told(), bonus=Two())
    with pytest.raises(UserError, match=r"^explore began with 2 environments, those of Told, and gets 3: set"):
        rule.update(KEY, WORLD, (), rule.init(KEY, WORLD, ()), trajectory=batch(0))


# What it is for -------------------------------------------------------------------------------------------------------


@component
class Sea(Environment):
    """DeepSea (Osband et al. 2020): the action that dives to the right costs 0.01 / size; the last one of ``size`` pays 1."""

    size: int = 12

    def spec(self) -> Spec:
        return Spec((self.size**2,), Discrete(2))

    def sample_task(self, key: jax.Array) -> Any:
        return jax.random.bernoulli(key, 0.5, (self.size, self.size))

    def reset(self, key: jax.Array, task: Any) -> tuple[Any, jax.Array]:
        return jnp.zeros(2, jnp.int32), self._seen(jnp.zeros(2, jnp.int32))

    def step(self, key: jax.Array, state: Any, action: jax.Array, task: Any) -> Step:
        row, column = state
        right, found = (action == 1) == task[row, column], column == self.size - 1
        reward = jnp.where(right, jnp.where(found, 1.0, 0.0) - 0.01 / self.size, 0.0)
        state = jnp.stack([row + 1, jnp.clip(column + jnp.where(right, 1, -1), 0, self.size - 1)])
        return Step(state, self._seen(state), reward, row + 1 == self.size, jnp.array(False))

    def _seen(self, state: jax.Array) -> jax.Array:
        return jnp.where(state[0] < self.size, jax.nn.one_hot(state[0] * self.size + state[1], self.size**2), 0.0)


@pytest.mark.slow
def test_a_bonus_by_counts_solves_a_deep_sea_on_which_ppo_fails() -> None:
    algorithm = recipe("ppo_counts")
    assert isinstance(algorithm.rule, Explore)
    plain = dataclasses.replace(algorithm, rule=algorithm.rule.rule)
    updates, keys = 30_000 // (32 * 8), jax.random.split(KEY, 8)
    solved = []
    for each in (algorithm, plain):
        curves = jax.jit(jax.vmap(lambda key, each=each: lifetime.run(each, Sea(), key, updates)))(keys)
        solved.append(int(np.sum(np.asarray(curves.episode_return)[:, -1] > 0.5)))
    assert solved[0] >= 4
    assert solved[1] <= 1
