"""Grid worlds: exact returns against an independent program and against episodes, and what is drawn."""

import functools
import json
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from contract.small import compiled
from discover_zoo.environments.grid_worlds import maps
from discover_zoo.environments.grid_worlds.grid_world import GridWorld
from discover_zoo.environments.grid_worlds.grid_worlds import GridWorlds
from discover_zoo.environments.grid_worlds.level import Level
from discover_zoo.environments.grid_worlds.maps import parsed, read_map
from discover_zoo.environments.grid_worlds.moving import MovingGridWorld, Scene
from discover_zoo.environments.grid_worlds.returns import level_returns, returns_of

from discover import Environment, Registry, UserError, environment, replace

ROOM = """horizon 6
a: reward 1, ends 0.25, respawns 0.5
b: reward -0.5, ends 0, respawns 0.125

@a
#b
"""
MOVES = {(0, 0): [(0, 0), (0, 0), (0, 0), (0, 1), (0, 0)], (0, 1): [(0, 1), (1, 1), (0, 0), (0, 1), (0, 1)]}
MOVES[1, 1] = [(0, 1), (1, 1), (1, 1), (1, 1), (1, 1)]


@functools.cache
def value(cell: tuple[int, int], a: bool, b: bool, left: int, best: bool) -> float:
    """The value of a state of ROOM, written out: what happens to one object after the other."""
    if left == 0:
        return 0.0

    def arriving(after: tuple[int, int]) -> float:
        if after == (0, 1) and a:
            return 1.0 + 0.75 * later(after, ((False, 1.0),), chances(b, 0.125), left, best)
        if after == (1, 1) and b:
            return -0.5 + later(after, chances(a, 0.5), ((False, 1.0),), left, best)
        return later(after, chances(a, 0.5), chances(b, 0.125), left, best)

    values = [arriving(after) for after in MOVES[cell]]
    return max(values) if best else sum(values) / 5


def chances(there: bool, back: float) -> tuple[tuple[bool, float], ...]:
    return ((True, 1.0),) if there else ((True, back), (False, 1.0 - back))


def later(cell: tuple[int, int], a: Any, b: Any, left: int, best: bool) -> float:
    return sum(p * q * value(cell, has_a, has_b, left - 1, best) for has_a, p in a for has_b, q in b)


def test_exact_returns_are_those_of_a_level_written_out() -> None:
    found = level_returns(parsed(ROOM).level(side=3, objects=4))
    expected = [value((0, 0), True, True, 6, best) for best in (False, True)]
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert expected[0] < expected[1]


@pytest.mark.parametrize(("name", "random", "optimal"), [("dense", 0.752, 43.467), ("long", 0.506, 21.215)])
def test_exact_returns_are_those_of_an_independent_script(registry: Registry, name: str, random: float, optimal: float) -> None:
    found = level_returns(GridWorld(maps=(name,)).sample_task(jax.random.key(0)))
    assert (round(float(found.random), 3), round(float(found.optimal), 3)) == (random, optimal)
    facts = registry.get("task", f"grid-{name}").facts
    np.testing.assert_allclose(found, [facts["random"], facts["reference"]], atol=5e-5)


def test_episodes_of_a_random_policy_have_the_exact_return() -> None:
    family, episodes = GridWorld(maps=("tiny",)), 4096
    level = family.sample_task(jax.random.key(0))
    returns = played(family, level, episodes)
    error = returns.std() / math.sqrt(episodes)
    assert abs(returns.mean() - level_returns(level).random) < 4.0 * error
    assert error < 0.1


def played(family: Environment, task: Any, episodes: int) -> np.ndarray:
    """Returns of 50 steps of a random policy, which no end cuts short."""

    def episode(key: jax.Array) -> jax.Array:
        def step(state: Any, key: jax.Array) -> tuple[Any, jax.Array]:
            key_act, key_step = jax.random.split(key)
            made = family.step(key_step, state, jax.random.randint(key_act, (), 0, 5), task)
            return made.state, made.reward

        return jnp.sum(jax.lax.scan(step, family.reset(key, task)[0], jax.random.split(key, 50))[1])

    return np.asarray(compiled(jax.vmap(episode))(jax.random.split(jax.random.key(3), episodes)))


@pytest.fixture(scope="module")
def drawn() -> Level:
    """300 levels of the distribution of GROOVE, as arrays of numpy."""
    keys = jax.random.split(jax.random.key(0), 300)
    return jax.tree.map(np.asarray, compiled(jax.vmap(GridWorlds().sample_task))(keys))


def test_levels_are_drawn_within_their_bounds(drawn: Level) -> None:
    used = np.asarray(drawn.used)
    assert set(used.sum(axis=1)) == {1, 2, 3, 4, 5}
    assert 20 <= drawn.horizon.min() < 30
    assert 650 < drawn.horizon.max() <= 750
    assert (drawn.rewards[:, 0] > 0.0).all()
    assert -1.0 <= drawn.rewards.min() < -0.9
    assert 0.9 < drawn.rewards.max() <= 1.0
    for numbers, low, high in ((drawn.ends, 0.01, 1.0), (drawn.respawns, 0.001, 0.1)):
        assert (numbers[used] >= 0.999 * low).all()
        assert (numbers[used] <= 1.001 * high).all()
        assert not numbers[~used].any()
    grid = ~drawn.walls.reshape(-1, 10, 10)
    rows, columns = (np.where(grid.any(axis=axis), np.arange(10), -1).max(axis=1) for axis in (2, 1))
    extent = np.maximum(rows, columns)
    assert set(extent + 1) == {4, 5, 6, 7, 8, 9, 10}


def test_start_and_objects_lie_apart_on_cells_without_walls(drawn: Level) -> None:
    for walls, start, places, used in zip(drawn.walls, drawn.start, drawn.places, np.asarray(drawn.used), strict=True):
        cells = [start, *places[used]]
        assert len(set(cells)) == len(cells)
        assert not walls[cells].any()
        assert (places[~used] == 100).all()


def test_a_numbered_level_is_the_same_in_every_lifetime_and_another_for_another_seed() -> None:
    def rewards(number: jax.Array, key: jax.Array) -> list[jax.Array]:
        worlds = (GridWorlds(smallest=2, largest=3, walls=0, most=2, seed=seed) for seed in (0, 1))
        return [replace(family, {"level": number}).sample_task(key).rewards for family in worlds]

    every = jax.vmap(jax.vmap(rewards, (None, 0)), (0, None))  # [numbers, keys, objects] for each seed
    drawn, other = map(np.asarray, compiled(every)(jnp.array([3, 4, 0]), jax.random.split(jax.random.key(0), 2)))
    assert [bool((level[0] == level[1]).all()) for level in drawn] == [True, True, False]
    assert drawn[0, 0, 0] != drawn[1, 0, 0]
    assert drawn[0, 0, 0] != other[0, 0, 0]


def test_maps_of_a_family_are_padded_with_walls() -> None:
    family = GridWorld(maps=("tiny", "small"))
    levels = family.levels()
    assert levels.walls.shape == (2, 49)
    np.testing.assert_array_equal(np.asarray(levels.walls).sum(axis=1), [40, 14])
    assert levels.used.sum(axis=1).tolist() == [2, 4]
    alone = level_returns(GridWorld(maps=("tiny",)).sample_task(jax.random.key(0)))
    np.testing.assert_allclose(level_returns(jax.tree.map(lambda leaf: leaf[0], levels)), alone, rtol=1e-12)


def test_drawn_places_are_of_the_lifetime() -> None:
    family = GridWorld(maps=("longer",), places="drawn")
    one, other = (family.sample_task(jax.random.key(seed)) for seed in (0, 1))
    assert one.places.tolist() != other.places.tolist()
    assert not one.walls[jnp.append(one.places, one.start)].any()
    assert one.rewards.tolist() == [1.0, 1.0, -1.0, -1.0, -1.0]


def test_objects_come_back_elsewhere_and_never_to_a_place_that_is_taken() -> None:
    family = MovingGridWorld(map="small")
    task = family.sample_task(jax.random.key(0))

    def step(state: Scene, key: jax.Array) -> tuple[Scene, tuple[Scene, jax.Array]]:
        key_act, key_step = jax.random.split(key)
        made = family.step(key_step, state, jax.random.randint(key_act, (), 0, 5), task)
        return made.state, (made.state, made.observation)

    run = compiled(lambda key: jax.lax.scan(step, family.reset(key, task)[0], jax.random.split(key, 3000))[1])
    scenes, observations = jax.tree.map(np.asarray, run(jax.random.key(0)))
    there = scenes.places < 49
    cells = [set(places[known]) | {cell} for places, known, cell in zip(scenes.places, there, scenes.cell, strict=True)]
    assert [len(one) for one in cells] == (1 + there.sum(axis=1)).tolist()
    assert set().union(*cells) == set(range(35))  # five rows of seven
    np.testing.assert_array_equal(
        observations.sum(axis=(1, 2)), np.stack([np.ones(3000), *there.reshape(-1, 2, 2).sum(axis=2).T], axis=1)
    )


def test_an_object_comes_back_anywhere_that_is_free() -> None:
    family = MovingGridWorld(map="tiny")  # what is missing is back after one step
    scene = Scene(jnp.int32(0), jnp.array([1, 9], jnp.int32), jnp.int32(0))
    step = compiled(jax.vmap(lambda key: family.step(key, scene, jnp.int32(4), None).state.places[1]))
    counts = np.bincount(np.asarray(step(jax.random.split(jax.random.key(0), 7000))), minlength=10)
    assert counts[[0, 1, 9]].tolist() == [0, 0, 0]
    assert (abs(counts[2:9] - 1000) < 4.0 * math.sqrt(7000 * 6 / 49)).all()


def test_the_expert_walks_around_what_costs() -> None:
    family = MovingGridWorld(map="small_sparse")
    scene = Scene(jnp.int32(0), jnp.array([2, 1, 49], jnp.int32), jnp.int32(0))
    assert int(family.expert(scene, None)) == 1  # down: the object that costs lies to the right
    assert int(family.expert(scene._replace(places=jnp.array([49, 1, 8], jnp.int32)), None)) == 4


def test_mistakes_in_settings_are_told() -> None:
    with pytest.raises(UserError, match="no grid world is called 'dens'"):
        read_map("dens")
    with pytest.raises(UserError, match="maps"):
        GridWorld(maps=()).spec()
    with pytest.raises(UserError, match="smallest"):
        GridWorlds(smallest=7, largest=6).spec()


@pytest.mark.slow
def test_stored_returns_are_the_exact_ones(registry: Registry) -> None:
    stored = json.loads(maps.FOLDER.with_name("levels.json").read_text(encoding="utf-8"))
    assert list(stored) == ["grid-worlds", "grid-worlds-small", "grid-worlds-medium", "grid-worlds-large"]
    for name, returns in stored.items():
        family = environment(name)
        assert isinstance(family, GridWorlds)
        found = returns_of(jax.vmap(family.numbered)(jnp.arange(1, 101)))
        np.testing.assert_allclose(found, [returns["random"], returns["optimal"]], atol=1e-5)
    for entry in registry.entries("task"):
        family = environment(entry.name) if entry.name.startswith("grid-") else None
        if isinstance(family, GridWorld) and family.places == "map":
            exact = level_returns(family.sample_task(jax.random.key(0)))
            np.testing.assert_allclose(exact, [entry.facts["random"], entry.facts["reference"]], atol=5e-5)
