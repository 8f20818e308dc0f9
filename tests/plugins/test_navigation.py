"""The families of navigation tasks: returns of known policies, and tasks told apart by seed."""

from collections.abc import Callable
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from contract.small import compiled
from discover_zoo.environments.navigation.corners import Corners
from discover_zoo.environments.navigation.half_circle import HalfCircle
from discover_zoo.environments.navigation.momentum import Glider, Momentum
from discover_zoo.environments.navigation.plane import Plane, Walker
from discover_zoo.environments.navigation.point import Point
from discover_zoo.environments.navigation.square import Square

Behavior = Callable[[jax.Array, jax.Array, jax.Array], jax.Array]

GOALS = np.random.RandomState(1).uniform(-0.5, 0.5, (40, 2)).astype(np.float32)
ARC = np.stack([np.cos(np.linspace(0.0, np.pi, 100)), np.sin(np.linspace(0.0, np.pi, 100))], axis=1).astype(np.float32)


def straight(reach: float) -> Behavior:
    """Knows the goal and walks to it, each axis apart."""
    return lambda key, seen, goal: jnp.clip((goal - seen) / reach, -1.0, 1.0)


def still(key: jax.Array, seen: jax.Array, goal: jax.Array) -> jax.Array:
    return jnp.zeros(2)


def uniform(key: jax.Array, seen: jax.Array, goal: jax.Array) -> jax.Array:
    return jax.random.uniform(key, (2,), minval=-1.0, maxval=1.0)


def normal(key: jax.Array, seen: jax.Array, goal: jax.Array) -> jax.Array:
    return jax.random.normal(key, (2,))


def braking(key: jax.Array, seen: jax.Array, goal: jax.Array) -> jax.Array:
    """Knows the goal; on each axis, pushes to the speed from which pushes of 0.1 still stop it there."""
    gap, velocity = goal - seen[:2], seen[2:]
    wanted = jnp.sign(gap) * jnp.minimum(jnp.abs(gap), jnp.sqrt(0.2 * jnp.abs(gap) + 0.0025) - 0.05)
    return jnp.clip((wanted - velocity) / 0.1, -1.0, 1.0)


def returns(family: Plane, behave: Behavior, tasks: Any) -> np.ndarray:
    """Undiscounted returns of one episode of 100 steps or fewer per task."""

    def episode(key: jax.Array, task: jax.Array) -> jax.Array:
        state, seen = family.reset(key, task)

        def step(carry: tuple[Any, ...], key: jax.Array) -> tuple[tuple[Any, ...], jax.Array]:
            state, seen, going = carry
            made = family.step(key, state, behave(key, seen, task), task)
            left = going & ~(made.terminated | made.truncated)
            return (made.state, made.observation, left), going * made.reward

        return jnp.sum(jax.lax.scan(step, (state, seen, jnp.array(True)), jax.random.split(key, 100))[1])

    keys = jax.random.split(jax.random.key(0), len(tasks))
    return np.asarray(compiled(jax.vmap(episode))(keys, jnp.asarray(tasks)))


def expert(family: Plane) -> Behavior:
    """The expert of the family, in the state that the agent observes."""

    def behave(key: jax.Array, seen: jax.Array, goal: jax.Array) -> jax.Array:
        if isinstance(family, Momentum):
            return family.expert(Glider(seen[:2], seen[2:], jnp.int32(0)), goal)
        return family.expert(Walker(seen, jnp.int32(0)), goal)

    return behave


def drawn(family: Plane, count: int) -> jax.Array:
    return jax.vmap(family.sample_task)(jax.random.split(jax.random.key(1), count))


@pytest.mark.parametrize(("behave", "expected"), [(straight(0.1), -0.544), (still, -40.08)])
def test_the_forty_goals_of_the_protocol(behave: Behavior, expected: float) -> None:
    assert returns(Square(), behave, GOALS).mean() == pytest.approx(expected, abs=0.005)


def test_the_square_as_a_distribution() -> None:
    tasks = drawn(Square(), 4000)
    assert returns(Square(), straight(0.1), tasks).mean() == pytest.approx(-0.507, abs=0.02)
    assert returns(Square(), normal, tasks).mean() == pytest.approx(-71.3, abs=1.5)


@pytest.mark.parametrize("family", [Square(), HalfCircle(), Point(), Corners(), Momentum()])
def test_the_expert_is_who_knows_the_goal(family: Plane) -> None:
    known = {Corners: straight(0.2), Momentum: braking}.get(type(family), straight(0.1))
    key, goal = jax.random.key(0), drawn(family, 1)[0]
    for seen in jax.random.uniform(key, (20, *family.spec().observation_shape), minval=-1.0, maxval=1.0):
        np.testing.assert_allclose(expert(family)(key, seen, goal), known(key, seen, goal), atol=1e-5)


def test_an_episode_ends_at_its_goal() -> None:
    family, goal = Square(), jnp.asarray([0.1, 0.0])
    made = family.step(jax.random.key(0), family.reset(jax.random.key(0), goal)[0], jnp.asarray([5.0, 0.0]), goal)
    np.testing.assert_allclose(made.observation, goal, atol=1e-6)  # the action is clipped: one step of 0.1
    assert made.terminated
    assert not made.truncated


def test_the_corners() -> None:
    tasks = drawn(Corners(), 8000)
    assert {tuple(task) for task in np.asarray(tasks).tolist()} == {(x, y) for x in (-2.0, 2.0) for y in (-2.0, 2.0)}
    assert returns(Corners(), straight(0.2), tasks).mean() == pytest.approx(2.617, abs=0.01)
    assert returns(Corners(), normal, tasks).mean() == pytest.approx(0.578, abs=0.03)
    assert returns(Corners(), still, tasks).mean() == 0.0


def test_the_half_circle() -> None:
    found = returns(HalfCircle(), straight(0.1), ARC)
    assert found.mean() == pytest.approx(13.36, abs=0.05)
    assert found[25] == pytest.approx(14.84, abs=0.02)  # at 45 degrees, where both axes are needed
    assert returns(HalfCircle(dense=True), straight(0.1), ARC).mean() == pytest.approx(-3.85, abs=0.01)
    angles = np.arctan2(*np.asarray(drawn(HalfCircle(), 4000)).T[::-1])
    assert len(np.unique(np.round(angles, 4))) == 100


@pytest.mark.parametrize(
    ("behave", "expected", "within"), [(braking, -45.4, 1.0), pytest.param(uniform, -2045.0, 80.0, marks=pytest.mark.slow)]
)
def test_the_momentum_point(behave: Behavior, expected: float, within: float) -> None:
    """Within five standard errors of what 20,000 episodes return."""
    assert returns(Momentum(), behave, drawn(Momentum(), 4000)).mean() == pytest.approx(expected, abs=within)


@pytest.mark.parametrize("modes", [2, 4])
def test_goals_of_the_momentum_point_lie_around_its_modes(modes: Literal[2, 4]) -> None:
    goals = np.asarray(drawn(Momentum(modes=modes), 4000))
    sides, counts = np.unique(goals > 0.0, axis=0, return_counts=True)
    assert len(sides) == modes
    assert np.all(np.abs(counts * modes / 4000 - 1.0) < 0.15)
    np.testing.assert_allclose(np.abs(goals).mean(axis=0), 5.0, atol=0.1)
    np.testing.assert_allclose(np.abs(goals).std(axis=0), 1.0, atol=0.1)


def test_the_momentum_point_keeps_its_velocity() -> None:
    family, goal, key = Momentum(), jnp.asarray([5.0, -5.0]), jax.random.key(0)
    start = family.reset(key, goal)[0]
    once = family.step(key, start, jnp.asarray([7.0, -0.5]), goal)  # the action is clipped, the velocity is not
    twice = family.step(key, once.state, jnp.zeros(2), goal)
    velocity = start.velocity + jnp.asarray([0.1, -0.05])
    np.testing.assert_allclose(twice.observation, jnp.concatenate([start.position + 2.0 * velocity, velocity]), atol=1e-6)
    np.testing.assert_allclose(twice.reward, -np.linalg.norm(start.position + 2.0 * velocity - goal), rtol=1e-6)


@pytest.mark.parametrize(
    ("behave", "expected", "within"), [(straight(0.1), -5.20, 0.15), pytest.param(uniform, -21.5, 0.4, marks=pytest.mark.slow)]
)
def test_the_point_robot(behave: Behavior, expected: float, within: float) -> None:
    assert returns(Point(), behave, drawn(Point(), 4000)).mean() == pytest.approx(expected, abs=within)


@pytest.mark.parametrize(
    "cls",
    [
        Square,
        pytest.param(HalfCircle, marks=pytest.mark.slow),
        pytest.param(Momentum, marks=pytest.mark.slow),
        pytest.param(Point, marks=pytest.mark.slow),
    ],
)
def test_tasks_to_train_on_and_tasks_never_seen_are_told_apart_by_seed(cls: type[Plane]) -> None:
    train, test = cls(tasks=5, seed=0), cls(tasks=5, seed=1)
    every = np.asarray(train.every_task())
    assert every.shape == (5, 2)
    found = np.asarray(drawn(train, 200))
    assert {tuple(task) for task in found.tolist()} == {tuple(task) for task in every.tolist()}
    others = {tuple(task) for task in np.asarray(test.every_task()).tolist()}
    assert not others & {tuple(task) for task in every.tolist()} or cls is HalfCircle  # which has but a hundred
    assert others != {tuple(task) for task in every.tolist()}
    np.testing.assert_array_equal(every, cls(tasks=5, seed=0).every_task())
