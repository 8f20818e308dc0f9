"""Foggy mazes: what is drawn, what is seen, what pays, and that nothing but the start tells the doors apart."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from contract.small import compiled
from discover_zoo.environments.family_tasks import TASKS
from discover_zoo.environments.grid_worlds.foggy_mazes import FoggyMaze, FoggyMazes, Wanderer

from discover import Registry, UserError, environment, replace

SIDE = 9
FAMILY = FoggyMazes(fewest=3, most=5)
MAZE = FoggyMaze(
    walls=jnp.asarray([symbol == "#" for symbol in "....." + ".#.#." + ".#.#." + "#####" + "#####"]),
    start=jnp.int32(2),
    doors=jnp.array([10, 14]),
    moves=jnp.array([0, 1, 2, 3]),
)
"""A passage of five cells with the start in its middle; at either end a way leads down to a door."""
SMALL = FoggyMazes(rooms=3, fewest=3, most=3)
step = compiled(SMALL.step)
LEFT, DOWN = jnp.int32(2), jnp.int32(1)


@pytest.fixture(scope="module")
def drawn() -> tuple[FoggyMaze, Wanderer]:
    """100 mazes of all sizes, and the start of an episode in each."""

    def one(key: jax.Array) -> Any:
        key_maze, key_episode = jax.random.split(key)
        maze = FAMILY.sample_task(key_maze)
        return maze, FAMILY.reset(key_episode, maze)[0]

    return jax.tree.map(np.asarray, compiled(jax.vmap(one))(jax.random.split(jax.random.key(0), 100)))


def wanderer(cell: int, *, crumbs: tuple[int, ...] = (), right: int = 0, steps: int = 0) -> Wanderer:
    lies = jnp.isin(jnp.arange(25), jnp.asarray(crumbs, jnp.int32))
    return Wanderer(jnp.int32(cell), jnp.int32(steps), jnp.int32(right), crumbs=lies)


def test_start_and_doors_are_three_dead_ends(drawn: tuple[FoggyMaze, Wanderer]) -> None:
    mazes, _ = drawn
    for walls, start, doors in zip(mazes.walls, mazes.start, mazes.doors, strict=True):
        assert len({int(start), *doors.tolist()}) == 3
        open_cells = {divmod(int(cell), SIDE) for cell in np.flatnonzero(~walls)}
        for row, column in (divmod(int(cell), SIDE) for cell in (start, *doors)):
            around = {(row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)}
            assert (row, column) in open_cells
            assert len(around & open_cells) == 1
    assert {int(np.flatnonzero(~walls).max() // SIDE // 2 + 1) for walls in mazes.walls} == {3, 4, 5}


def test_crumbs_lie_on_free_cells_and_both_doors_are_right_as_often(drawn: tuple[FoggyMaze, Wanderer]) -> None:
    mazes, episodes = drawn
    ends = np.column_stack([mazes.start, mazes.doors])
    taken = mazes.walls | (np.arange(SIDE**2) == ends[:, :, None]).any(axis=1)
    assert not (episodes.crumbs & taken).any()
    assert (episodes.crumbs.sum(axis=1) == 8).all()
    assert 0.3 < episodes.right.mean() < 0.7


def test_a_crumb_pays_once_and_the_right_door_alone_pays_the_prize() -> None:
    first = step(jax.random.key(0), wanderer(1, crumbs=(0,)), LEFT, MAZE)
    assert float(first.reward) == pytest.approx(0.1)
    assert not bool(first.terminated | first.truncated)
    assert not first.state.crumbs.any()
    second = step(jax.random.key(0), first.state, DOWN, MAZE)
    assert (int(second.state.cell), float(second.reward)) == (5, 0.0)
    for right, paid in ((0, 1.0), (1, 0.0)):
        last = step(jax.random.key(0), second.state._replace(right=jnp.int32(right)), DOWN, MAZE)
        assert bool(last.terminated)
        assert float(last.reward) == paid
    late = step(jax.random.key(0), wanderer(1, steps=59), LEFT, MAZE)
    assert bool(late.truncated)
    assert not bool(late.terminated)


def test_the_window_shows_walls_crumbs_and_doors_and_the_first_step_alone_the_right_one() -> None:
    seen = np.asarray(step(jax.random.key(0), wanderer(0, crumbs=(0, 1), right=1), DOWN, MAZE).observation)
    walls, crumbs, doors = seen[:27].reshape(3, 3, 3)
    np.testing.assert_array_equal(walls, [[1, 0, 0], [1, 0, 1], [1, 0, 1]])
    np.testing.assert_array_equal(crumbs, [[0, 1, 1], [0, 0, 0], [0, 0, 0]])
    np.testing.assert_array_equal(doors, [[0, 0, 0], [0, 0, 0], [0, 1, 0]])
    np.testing.assert_array_equal(seen[27:], [0, 0])
    longer = replace(SMALL, {"shown": 2}).step(jax.random.key(0), wanderer(0, right=1), DOWN, MAZE)
    np.testing.assert_array_equal(longer.observation[27:], [0, 1])
    state, first = SMALL.reset(jax.random.key(0), MAZE)
    np.testing.assert_array_equal(first[27:], np.eye(2)[int(state.right)])


@pytest.mark.slow
def test_the_expert_collects_all_crumbs_and_then_takes_the_right_door() -> None:
    family = environment("foggy-mazes-small")

    def episode(key: jax.Array) -> jax.Array:
        key_maze, key_episode = jax.random.split(key)
        maze = family.sample_task(key_maze)

        def advance(carry: Any, _: None) -> Any:
            state, going = carry
            made = family.step(key, state, family.expert(state, maze), maze)
            return (made.state, going & ~made.terminated), going * made.reward

        first = family.reset(key_episode, maze)[0], jnp.array(True)
        return jnp.sum(jax.lax.scan(advance, first, None, length=60)[1])

    returns = np.asarray(compiled(jax.vmap(episode))(jax.random.split(jax.random.key(5), 16)))
    assert returns.min() > 1.6
    assert np.median(returns) == pytest.approx(1.8)


def test_sizes_that_do_not_fit_are_told() -> None:
    with pytest.raises(UserError, match="sizes from 3 to 6 do not fit the largest size 5"):
        FoggyMazes(most=6).spec()


def test_tasks_are_stored_with_the_neighbors(registry: Registry) -> None:
    assert '"foggy-mazes-small"' in TASKS.read_text(encoding="utf-8")
    facts = registry.get("task", "foggy-mazes-small").facts
    assert facts["random"] < 0.6 < 1.7 < facts["reference"] <= 1.8
