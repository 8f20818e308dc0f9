"""Curricula over levels: how they draw, what they learn of levels, and what is reported while they do."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from contract.small import compiled
from discover_zoo.curricula.task_order.chances import by_progress, by_rank, with_staleness
from discover_zoo.curricula.task_order.easy_to_hard import EasyToHard
from discover_zoo.curricula.task_order.learning_progress import LearningProgress, Means
from discover_zoo.curricula.task_order.level_order import LevelOrder
from discover_zoo.curricula.task_order.regret import Regret, Scores, positive_errors
from discover_zoo.curricula.task_order.uniform_levels import UniformLevels
from discover_zoo.environments.catch.catches import Catches, Game
from discover_zoo.environments.deep_sea import DeepSea, Sea
from discover_zoo.environments.delayed_chain import Chain, DelayedChain
from discover_zoo.environments.grid_worlds.mazes import Maze, Mazes
from discover_zoo.wrappers.redrawn import Redrawn
from discover_zoo.wrappers.time_limit import TimeLimit

from discover import (
    Algorithm,
    Curriculum,
    Discrete,
    Environment,
    Head,
    Heads,
    Levels,
    Played,
    Registry,
    Rollout,
    Spec,
    Step,
    Trajectory,
    UserError,
    component,
    replace,
    run_lifetime,
)
from discover.config.build import algorithm_from, environment_from
from discover.contract.actor import Ordered
from discover.contract.task_order import Drawing
from discover.inner_loop import lifetime
from discover.storage.array_file import raw_leaf
from discover.testing.small import Affine, Corridor, Reinforced

ORDERS = (EasyToHard(), LearningProgress(size=4), Regret(size=4))


class Door(NamedTuple):
    number: jax.Array


@component
class Doors(Environment):
    """Ten doors, one of which is the level: the first pays 1, the others 0, whatever is done. An episode is two steps."""

    def spec(self) -> Spec:
        return Spec((2,), Discrete(2))

    def sample_task(self, key: jax.Array) -> Door:
        return Door(jax.random.randint(key, (), 0, 10))

    def reset(self, key: jax.Array, task: Door) -> tuple[Any, jax.Array]:
        return jnp.int32(0), jnp.stack([0.0, task.number / 10])

    def step(self, key: jax.Array, state: Any, action: jax.Array, task: Door) -> Step:
        last = state == 1
        pays = jnp.where(last & (task.number == 0), 1.0, 0.0)
        return Step(state + 1, jnp.stack([state + 1.0, task.number / 10]), pays, last, jnp.array(False))

    def difficulty(self, task: Door) -> jax.Array:
        return task.number / 9


@component
class Valued(Reinforced):
    """Has a value too, which it does not learn; six steps of eight environments an update."""

    def rollout(self, spec: Spec) -> Rollout:
        return Rollout(6, 8)

    def heads(self, spec: Spec) -> Heads:
        heads = Reinforced.heads(self, spec)
        return heads._replace(outputs={**heads.outputs, "value": Head(())})


def agent(curriculum: Curriculum | None) -> Algorithm:
    return Algorithm(rule=Valued(), network=Affine(), curriculum=curriculum)


def rollout(**fields: Any) -> Trajectory:
    """A trajectory with these fields; all other numbers are zeros."""
    shape = next(iter(fields.values())).shape
    names = ("observation", "action", "log_prob", "reward", "next_observation")
    zeros = dict.fromkeys(names, jnp.zeros(shape)) | dict.fromkeys(
        ("terminated", "truncated", "is_first"), jnp.zeros(shape, bool)
    )
    return Trajectory(**{"outputs": {}, "context": {}, "carry": (), "task": (), **zeros, **fields})


# Distributions --------------------------------------------------------------------------------------------------------


def test_chances_by_progress() -> None:
    progress, known = np.array([0.2, 0.0, 0.6, 9.0]), np.array([True, True, True, False])
    expected = [0.7 * 0.25 + 0.1, 0.1, 0.7 * 0.75 + 0.1, 0.0]
    np.testing.assert_allclose(by_progress(jnp.array(progress, jnp.float32), jnp.array(known), 0.3), expected, rtol=1e-6)
    np.testing.assert_allclose(by_progress(jnp.zeros(4), jnp.array(known), 0.3), known / 3, rtol=1e-6)
    assert not by_progress(jnp.ones(4), jnp.zeros(4, bool), 0.3).any()


def test_chances_by_rank_with_staleness() -> None:
    score, age = np.array([0.1, 0.7, 0.0, 0.7, 0.3]), np.array([0, 30, 0, 10, 60])
    known = np.array([True, True, False, True, True])
    weight = np.array([1 / 4, 1, 0, 1 / 2, 1 / 3]) ** (1 / 0.5) * known
    by_score = weight / weight.sum()
    ranked = by_rank(jnp.array(score, jnp.float32), jnp.array(known), 0.5)
    np.testing.assert_allclose(ranked, by_score, rtol=1e-6)
    np.testing.assert_allclose(with_staleness(ranked, jnp.array(age), 0.3), 0.7 * by_score + 0.3 * age / 100, rtol=1e-6)
    np.testing.assert_allclose(with_staleness(ranked, jnp.zeros(5, jnp.int32), 0.3), by_score, rtol=1e-6)
    assert not by_rank(jnp.ones(5), jnp.zeros(5, bool), 0.5).any()


def test_levels_are_drawn_by_their_chances_and_fresh_ones_in_turn() -> None:
    levels = Levels(Door(jnp.arange(5)), jnp.array([0.1, 0.0, 0.5, 0.0, 0.0]), 3)
    luck = (jnp.arange(1000) + 0.5) / 1000
    before = Ordered((), jnp.full(1000, 7), jnp.zeros(1000, bool), jnp.int32(1))
    done = jnp.arange(1000) != 999
    task, after = Drawing(UniformLevels(), levels, jnp.cumsum(levels.chances)).next_task(
        luck, before, done, Door(jnp.full(1000, 9))
    )
    assert np.bincount(task.number).tolist() == [100, 0, 500, 199, 200, 0, 0, 0, 0, 1]
    assert task.number[600:604].tolist() == [4, 3, 4, 3]  # one had been handed out before
    assert (after.level[:999] == task.number[:999]).all()
    assert after.level[999] == 7
    assert int(after.handed) == 400
    assert np.flatnonzero(after.fresh).tolist() == list(range(600, 999))


# What is learned of levels --------------------------------------------------------------------------------------------


def test_means_of_returns_on_each_level() -> None:
    """Two kept levels of three, three fresh ones and two older ones; level 1 is finished twice, 3 and 6 once."""
    order = LearningProgress(size=3, fast_rate=0.5, slow_rate=0.1, fresh=3)
    state = Means(
        Door(jnp.array([10, 11, 0])),
        jnp.array([True, True, False]),
        fast=jnp.array([1.0, 2.0, 0.0]),
        slow=jnp.array([0.5, 1.0, 0.0]),
    )
    level = jnp.array([[1, 6], [1, 6], [3, 0]])
    ended = jnp.array([[True, False], [True, True], [True, False]])
    returns = jnp.array([[4.0, 9.0], [8.0, 5.0], [7.0, 9.0]])
    tasks = Door(jnp.array([10, 11, 0, 23, 24, 25, 36, 37]))
    after, moved = order.learn(state, Played(tasks, level, returns, rollout(terminated=ended)))
    np.testing.assert_allclose(after.fast, [1.0, 2.0 + 0.75 * (6.0 - 2.0), 7.0], rtol=1e-6)
    np.testing.assert_allclose(after.slow, [0.5, 1.0 + 0.19 * (6.0 - 1.0), 7.0], rtol=1e-6)
    assert after.known.all()
    assert after.tasks.number.tolist() == [10, 11, 23]
    assert moved.tolist() == [0, 1, -1, 2, -1, -1, -1, -1]


def test_errors_are_generalized_advantages_within_the_rollout() -> None:
    reward = np.array([[1.0, 0.0], [0.5, 2.0], [3.0, 1.0], [9.0, 9.0]])
    value = np.array([[0.2, 0.3], [0.1, 0.4], [0.6, 0.5], [0.7, 0.8]])
    terminated, truncated = np.zeros((2, 4, 2), bool)
    terminated[1, 0], truncated[2, 1] = True, True
    gamma, lam, expected, counted = 0.9, 0.5, np.zeros((4, 2)), np.zeros((4, 2), bool)
    for column in range(2):
        following = 0.0
        for t in reversed(range(4)):
            known = terminated[t, column] or not (truncated[t, column] or t == 3)
            after = 0.0 if terminated[t, column] or not known else value[t + 1, column]
            error = reward[t, column] + gamma * after - value[t, column] if known else 0.0
            goes_on = not (terminated[t, column] or truncated[t, column])
            following = error + gamma * lam * goes_on * following
            expected[t, column], counted[t, column] = max(following, 0.0) * known, known
    batch = rollout(
        reward=jnp.array(reward, jnp.float32),
        terminated=jnp.array(terminated),
        truncated=jnp.array(truncated),
        outputs={"value": jnp.array(value, jnp.float32)},
    )
    gains, counts = positive_errors(batch, gamma, lam)
    np.testing.assert_allclose(gains, expected, rtol=1e-6)
    assert (np.asarray(counts) == counted).all()


def test_the_levels_of_the_highest_scores_are_kept() -> None:
    """One-step errors: level 0 gets 0 and 2, level 2 (fresh) 3, level 5 (older) -1; level 1 is not played and drops out."""
    order = Regret(size=2, gamma=0.9, lam=0.0, fresh=2)
    state = Scores(
        Door(jnp.array([10, 11])),
        jnp.array([True, True]),
        score=jnp.array([5.0, 0.5]),
        last=jnp.array([3, 4]),
        episodes=jnp.int32(6),
    )
    batch = rollout(
        reward=jnp.array([[0.0, -1.0], [2.0, 3.0], [0.0, 0.0]]),
        is_first=jnp.array([[True, False], [True, True], [False, False]]),
        terminated=jnp.array([[True, True], [True, True], [False, False]]),
        outputs={"value": jnp.zeros((3, 2))},
    )
    played = Played(Door(jnp.array([10, 11, 22, 23, 34, 35])), jnp.array([[0, 5], [0, 2], [3, 3]]), batch.reward, batch)
    after, moved = order.learn(state, played)
    assert after.tasks.number.tolist() == [22, 10]
    assert after.score.tolist() == [3.0, 1.0]
    assert after.last.tolist() == [9, 9]
    assert int(after.episodes) == 9
    assert moved.tolist() == [1, -1, 0, -1, -1, -1]


# Lifetimes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("progress", "limit"), [(0.0, 0.3), (0.5, 0.5), (1.0, 0.7)])
def test_levels_by_choice_are_within_the_limit(progress: float, limit: float) -> None:
    actor = LIMITED(jax.random.key(0), progress)
    difficulty, fresh = np.asarray(actor.task.number) / 9, np.asarray(actor.order.fresh)
    assert difficulty[~fresh].max() <= limit < difficulty[fresh].max()
    assert difficulty[~fresh].max() > limit - 0.2
    assert 0.75 < np.mean(~fresh) < 0.85


def limited(key: jax.Array, progress: jax.Array) -> Any:
    """256 environments after two episodes each."""
    algorithm = agent(EasyToHard(start=0.3, slope=0.4, share=0.8))
    world = algorithm.world(Doors(), progress)
    actor = world.start(key, world.sample_tasks(key, 256))
    return world.collect(world.initial_params(key), actor, key, 4)[0]


LIMITED = compiled(limited)


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: type(order).__name__)
def test_a_lifetime_goes_on_from_its_state_and_at_no_share_draws_as_the_family(order: LevelOrder) -> None:
    """The same lifetime whole and in two parts; and without a share, the one of the plain baseline."""

    def advanced(algorithm: Algorithm, life: lifetime.Lifetime, start: int, stop: int) -> lifetime.Lifetime:
        return lifetime.advance(algorithm, Doors(), life, start, stop=stop, total=jnp.int32(12))

    advance = compiled(advanced)
    chosen, plain = agent(order), agent(UniformLevels())
    lives = []
    for algorithm in (chosen, replace(chosen, {"curriculum.share": 0.0}), plain):
        life = lifetime.begin(algorithm, Doors(), jax.random.key(0))
        lives.append(advance(algorithm, life, jnp.int32(0), jnp.int32(12)))
    parts = lifetime.begin(chosen, Doors(), jax.random.key(0))
    for start in (0, 5):
        parts = advance(chosen, parts, jnp.int32(start), jnp.int32(5 if start == 0 else 12))
    assert _same(parts, lives[0])
    assert _same(*(_without_order(life) for life in lives[1:]))
    assert not _same(*(_without_order(life) for life in lives[:2]))


def _without_order(life: lifetime.Lifetime) -> Any:
    assert life.actor is not None
    return life._replace(actor=life.actor._replace(order=()))


def _same(one: Any, other: Any) -> bool:
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    return all(np.array_equal(raw_leaf(a), raw_leaf(b)) for a, b in pairs)


def test_the_returns_of_levels_by_the_family_alone_are_reported() -> None:
    """The curriculum chooses the first door, which pays 1; a door by the family pays 0.1 in the mean."""
    algorithm = agent(EasyToHard(start=0.0, slope=0.0, share=0.8))
    run = compiled(jax.vmap(lambda key: run_lifetime(algorithm, Doors(), key, 48 * 100).episode_return))
    returns = np.asarray(run(jax.random.split(jax.random.key(0), 4)))
    assert 0.05 < returns.mean() < 0.15
    assert (returns[0] != returns[1]).any()


# Families -------------------------------------------------------------------------------------------------------------


def test_difficulties_lie_between_the_easiest_and_the_hardest() -> None:
    mazes = Mazes(rooms=4, fewest=2, most=4, least_walls=0.0, most_walls=1.0)
    difficulty, walls = compiled(lambda walls: mazes.difficulty(Maze(walls, *(jnp.int32(0),) * 7))), np.ones((7, 7), bool)
    walls[:3, :3] = False
    assert float(difficulty(jnp.array(walls.ravel()))) == 0.0  # two rooms along a side, no wall
    walls[1, 1] = True
    assert float(difficulty(jnp.array(walls.ravel()))) == 0.25  # one of two walls stands
    sea = Sea(jnp.int32(7), jnp.zeros((20, 20), jnp.int32))
    assert float(DeepSea(smallest=4, largest=8).difficulty(sea)) == 0.75
    assert float(DeepSea(smallest=7, largest=7).difficulty(sea)) == 0.0  # all are of one size
    assert float(Catches().difficulty(Game(jnp.int32(8), jnp.arange(3)))) == 1.0
    chain = Chain(jnp.int32(5), jnp.int32(0))
    assert float(TimeLimit(steps=9).wrap(DelayedChain()).difficulty(chain)) == 0.0


def test_a_task_for_every_episode() -> None:
    family = Redrawn().wrap(Doors())
    algorithm = Algorithm(rule=Valued(), network=Affine())

    def tasks(key: jax.Array) -> Any:
        world = algorithm.world(family)
        actor = world.start(key, world.sample_tasks(key, 64))
        return actor.task.number, world.collect(world.initial_params(key), actor, key, 2)[0].task.number

    before, after = compiled(tasks)(jax.random.key(0))
    assert 0.5 < np.mean(np.asarray(before) != np.asarray(after)) < 1.0
    assert (family.redraw, Doors().redraw) == ("episode", "never")


# Mistakes -------------------------------------------------------------------------------------------------------------


@component
class Alone(Valued):
    """Collects by itself."""

    def rollout(self, spec: Spec) -> Rollout:
        return Rollout(6, 8, by_rule=True)


@component
class Bare(Doors):
    """Says nothing of difficulties."""

    def difficulty(self, task: Door) -> jax.Array:
        return Environment.difficulty(self, task)


@pytest.mark.parametrize(
    ("algorithm", "environment", "told"),
    [
        (
            agent(Regret()),
            Corridor(),
            "Regret orders the levels of a family, but all tasks of Corridor are the same: choose a task that is a family, "
            "such as mazes-small, or leave the curriculum out.",
        ),
        (
            agent(EasyToHard()),
            Bare(),
            "the environment Bare does not say how difficult a task is: choose one that does, such as mazes-small, give it the "
            "method difficulty, or take another curriculum.",
        ),
        (
            Algorithm(rule=Reinforced(), network=Affine(), curriculum=Regret()),
            Doors(),
            "regret needs a head called 'value', but the rule asks for policy: choose a rule with a value, such as ppo, or "
            "another curriculum.",
        ),
        (
            Algorithm(rule=Alone(), network=Affine(), curriculum=Regret()),
            Doors(),
            "Regret orders the tasks of a lifetime, but Alone draws its tasks by itself: choose a rule that does not, such as "
            "ppo, or leave the curriculum out.",
        ),
    ],
)
def test_what_cannot_be_ordered_is_refused(algorithm: Algorithm, environment: Environment, told: str) -> None:
    with pytest.raises(UserError) as caught:
        jax.eval_shape(lambda key: run_lifetime(algorithm, environment, key, 480), jax.random.key(0))
    assert str(caught.value) == told


@pytest.mark.slow
@pytest.mark.parametrize("recipe", ["ppo_uniform_levels", "ppo_easy_to_hard", "ppo_learning_progress", "ppo_regret"])
def test_recipes_learn_on_mazes(registry: Registry, recipe: str) -> None:
    """On all mazes, not on one: an agent that does not see the walls gets no more than half of them."""
    algorithm, family = algorithm_from(registry, recipe), environment_from(registry, "mazes-small")
    curve = jax.jit(jax.vmap(lambda key: run_lifetime(algorithm, family, key, 40_000)))(jax.random.split(jax.random.key(0), 4))
    returns = np.asarray(curve.episode_return)
    assert np.isfinite(returns).all()
    assert curve.finite.all()
    assert 0.15 < returns[:, 50:].mean() < 0.9
