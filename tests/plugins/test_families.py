"""Families of which each lifetime draws a task: what is drawn, and that the stored scales are those of the tasks."""

import itertools
import json
from collections import deque
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from contract.small import compiled
from discover_zoo.environments.bernoulli_bandits import BernoulliBandits
from discover_zoo.environments.catch.catches import Catches
from discover_zoo.environments.deep_sea import DeepSea, Diver
from discover_zoo.environments.family_tasks import TASKS
from discover_zoo.environments.grid_worlds.mazes import Maze, Mazes, Place
from discover_zoo.environments.gymnax.environment import Gymnax, make
from discover_zoo.environments.gymnax.physics import RandomPhysics
from discover_zoo.environments.random_mdps.garnets import Garnets
from discover_zoo.environments.rescaled import Rescaled
from discover_zoo.environments.tabular import returns_of

from discover import Environment, Registry, UserError, environment, replace

SIDE = 9
FAMILY = Mazes(rooms=5, fewest=2, most=5, least_walls=0.0, slip=0.5, cost=0.1, bait=0.5, decoys=1.0)


@pytest.fixture(scope="module")
def mazes() -> Maze:
    """200 mazes of all sizes and shares of walls, as arrays of numpy."""
    keys = jax.random.split(jax.random.key(0), 200)
    return jax.tree.map(np.asarray, compiled(jax.vmap(FAMILY.sample_task))(keys))


def steps_from(walls: Any, cell: int, closed: int) -> dict[int, int]:
    """Steps to every cell that can be reached without entering a closed one, by search in breadth."""
    found, queue = {cell: 0}, deque([cell])
    while queue:
        row, column = divmod(at := queue.popleft(), SIDE)
        for down, right in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            after = (row + down) * SIDE + column + right
            inside = 0 <= row + down < SIDE and 0 <= column + right < SIDE
            if inside and not walls[after] and after != closed and after not in found:
                found[after] = found[at] + 1
                queue.append(after)
    return found


def test_a_maze_is_more_difficult_with_more_rooms_and_walls(mazes: Maze) -> None:
    found = np.asarray(compiled(jax.vmap(FAMILY.difficulty))(mazes))
    rooms = np.sum(~mazes.walls.reshape(-1, SIDE, SIDE)[:, 0, ::2], axis=1)
    ways = np.sum(~mazes.walls, axis=1)
    assert 0.0 <= found.min() < 0.2 < 0.8 < found.max() <= 1.0
    for count in range(2, 6):
        of, base = rooms == count, (count - 2) / 6
        assert (found[of] >= base - 1e-6).all()
        assert (found[of] <= base + 0.5 + 1e-6).all()
        assert np.corrcoef(found[of], ways[of])[0, 1] < -0.99


def one(mazes: Maze, index: int) -> Maze:
    return jax.tree.map(lambda leaf: leaf[index], mazes)


def test_every_maze_can_be_solved_past_its_decoy_which_is_nearer(mazes: Maze) -> None:
    decoys = 0
    for maze in (one(mazes, index) for index in range(200)):
        steps, past = (steps_from(maze.walls, int(maze.start), closed) for closed in (-1, int(maze.decoy)))
        rooms = [row * SIDE + column for row, column in itertools.product(range(0, SIDE, 2), repeat=2)]
        farthest = max(steps.get(room, 0) for room in rooms)
        assert 2 * steps[int(maze.goal)] >= farthest >= 2
        assert past[int(maze.goal)] == steps[int(maze.goal)]
        if maze.decoy < SIDE**2:
            decoys += 1
            assert 0 < steps[int(maze.decoy)] < steps[int(maze.goal)]
    assert decoys > 100


def test_all_rooms_of_a_maze_are_joined_and_all_else_is_wall(mazes: Maze) -> None:
    sizes = set()
    for maze in (one(mazes, index) for index in range(200)):
        floor = ~maze.walls.reshape(SIDE, SIDE)
        extent = int(np.flatnonzero(floor.any(axis=0)).max())
        sizes.add(extent // 2 + 1)
        assert floor[: extent + 1 : 2, : extent + 1 : 2].all()
        assert not floor[extent + 1 :].any()
        assert len(steps_from(maze.walls, int(maze.start), -1)) >= (extent // 2 + 1) ** 2
    assert sizes == {2, 3, 4, 5}


def test_numbers_of_mazes_lie_within_their_bounds(mazes: Maze) -> None:
    for values, most in ((mazes.slip, 0.5), (mazes.cost, 0.1), (mazes.bait, 0.5)):
        assert 0.0 <= values.min() < 0.1 * most
        assert 0.9 * most < values.max() <= most
    assert (np.sort(mazes.moves, axis=1) == np.arange(4)).all()
    assert len({tuple(moves) for moves in mazes.moves.tolist()}) == 24


def test_the_expert_of_mazes_reaches_the_goal_on_the_shortest_way(mazes: Maze) -> None:
    family = replace(FAMILY, {"slip": 0.0})

    def walk(maze: Maze) -> Any:
        def step(place: Place, _: None) -> Any:
            made = family.step(jax.random.key(0), place, family.expert(place, maze), maze)
            return made.state, (made.state.cell, made.reward, made.terminated)

        return jax.lax.scan(step, family.reset(jax.random.key(0), maze)[0], None, length=20)[1]

    few = jax.tree.map(lambda leaf: leaf[:40], mazes._replace(slip=np.zeros_like(mazes.slip)))
    cells, rewards, ended = map(np.asarray, compiled(jax.vmap(walk))(few))
    for index in range(40):
        maze = one(few, index)
        steps = steps_from(maze.walls, int(maze.start), int(maze.decoy))[int(maze.goal)]
        if steps <= 20:
            assert cells[index, steps - 1] == maze.goal
            assert ended[index, :steps].tolist() == [False] * (steps - 1) + [True]
            np.testing.assert_allclose(rewards[index, :steps].sum(), 1.0 - steps * maze.cost, atol=1e-5)


@pytest.mark.slow
def test_exact_returns_are_those_of_episodes(mazes: Maze) -> None:
    family = replace(FAMILY, {"horizon": 12})
    maze = jax.tree.map(jnp.asarray, one(mazes, 5))

    def episode(key: jax.Array) -> jax.Array:
        def step(carry: Any, key: jax.Array) -> Any:
            place, going = carry
            key_act, key_step = jax.random.split(key)
            made = family.step(key_step, place, jax.random.randint(key_act, (), 0, 4), maze)
            return (made.state, going & ~made.terminated), going * made.reward

        first = family.reset(key, maze)[0], jnp.array(True)
        return jnp.sum(jax.lax.scan(step, first, jax.random.split(key, 12))[1])

    returns = np.asarray(compiled(jax.vmap(episode))(jax.random.split(jax.random.key(1), 4096)))
    found = returns_of(family.table(maze))
    assert abs(returns.mean() - float(found.random)) < 4.0 * returns.std() / 64.0
    assert float(found.optimal) > float(found.random) + 0.1


def test_the_exact_returns_of_a_sea_are_those_on_paper() -> None:
    family = DeepSea(side=6, smallest=4, largest=4, cost=0.04)
    found = returns_of(family.table(family.sample_task(jax.random.key(0))))
    np.testing.assert_allclose(found, [0.5**4 - 0.02, 0.96], atol=1e-6)
    slippery = replace(family, {"slip": 0.5, "cost": 0.0})
    found = returns_of(slippery.table(slippery.sample_task(jax.random.key(0))))
    np.testing.assert_allclose(found, [0.25**4, 0.5**4], atol=1e-6)


def test_a_sea_has_an_order_of_actions_for_each_cell_and_pays_at_its_own_end() -> None:
    family = DeepSea(side=6, smallest=3, largest=5)
    seas = [family.sample_task(jax.random.key(seed)) for seed in range(20)]
    assert {int(sea.size) for sea in seas} == {3, 4, 5}
    assert 0.4 < np.mean([sea.right for sea in seas]) < 0.6
    sea, last = seas[0], int(seas[0].size) - 1
    for column in (last, last - 1):
        made = family.step(jax.random.key(0), Diver(jnp.int32(last), jnp.int32(column)), sea.right[last, column], sea)
        assert (float(made.reward) > 0.5) == (column == last)
        assert bool(made.terminated)


def test_actions_mean_the_same_in_cells_that_are_not_mapped() -> None:
    for mapped, low, high in ((0.0, 1.0, 1.0), (0.5, 0.7, 0.8), (1.0, 0.45, 0.55)):
        seas = jax.vmap(DeepSea(side=10, mapped=mapped).sample_task)(jax.random.split(jax.random.key(0), 50))
        assert low <= float(jnp.mean(seas.right)) <= high


def test_garnets_lead_to_few_states_that_are_there() -> None:
    family = Garnets(states=12, fewest=5, most=8, branching=3, paid=0.25)
    transitions, rewards = map(np.asarray, jax.vmap(family.sample_task)(jax.random.split(jax.random.key(0), 50)))
    assert (np.count_nonzero(transitions, axis=-1) == 3).all()
    np.testing.assert_allclose(transitions.sum(axis=-1), 1.0, atol=1e-5)
    highest = np.array([np.flatnonzero(one.any(axis=(0, 1))).max() for one in transitions])
    assert set(highest + 1) == {5, 6, 7, 8}
    assert 0.2 < np.count_nonzero(rewards) / rewards.size < 0.3
    assert rewards.min() >= 0.0
    assert rewards.max() <= 1.0
    assert family.redraw == "never"


def test_catches_are_played_on_the_board_of_the_task() -> None:
    family = Catches(rows=6, columns=6, smallest=3, largest=4)
    tasks = [family.sample_task(jax.random.key(seed)) for seed in range(8)]
    assert {int(task.side) for task in tasks} == {3, 4}
    for task in tasks[:4]:
        (state, image), side, stay = family.reset(jax.random.key(0), task), int(task.side), jnp.argmax(task.moves == 1)
        assert image[side - 1, side // 2] == 1.0
        ended = []
        for _ in range(side - 1):
            made = family.step(jax.random.key(0), state, stay, task)
            state, image = made.state, made.observation
            ended.append(bool(made.terminated))
        assert ended == [False] * (side - 2) + [True]
        assert not image[side:].any()
        assert int(state.paddle) == side // 2


@pytest.mark.parametrize("name", [pytest.param("Acrobot-v1", marks=pytest.mark.slow), "CartPole-v1", "Pendulum-v1"])
def test_the_usual_physics_is_that_of_gymnax_and_another_is_another(name: str) -> None:
    usual, own = RandomPhysics(id=name, spread=1.0), Gymnax(id=name)
    task = usual.sample_task(jax.random.key(0))
    state, observation = usual.reset(jax.random.key(1), task)
    action = jnp.array([1.5]) if name == "Pendulum-v1" else jnp.int32(0)
    same = usual.step(jax.random.key(2), state, action, task)
    expected = own.step(jax.random.key(2), state, action, jnp.int32(0))
    np.testing.assert_allclose(same.observation, expected.observation, rtol=1e-5, atol=1e-7)
    family = replace(usual, {"spread": 1.5})
    drawn = [family.sample_task(jax.random.key(seed)) for seed in range(20)]
    factors = np.array([list(task.values()) for task in drawn])
    assert 1 / 1.5 <= factors.min() < 0.75
    assert 1.35 < factors.max() <= 1.5
    other = family.step(jax.random.key(2), state, action, drawn[0])
    assert abs(np.asarray(other.observation - expected.observation)).max() > 1e-4
    assert observation.shape == expected.observation.shape


def test_a_pendulum_takes_the_force_that_was_drawn() -> None:
    family = RandomPhysics(id="Pendulum-v1", spread=2.0)
    weak, strong = ({"mass": 1.0, "length": 1.0, "gravity": 1.0, "force": force} for force in (0.5, 2.0))
    state = family.reset(jax.random.key(0), weak)[0].replace(theta=0.0, theta_dot=0.0)
    speeds = [float(family.step(jax.random.key(0), state, jnp.array([9.0]), task).state.theta_dot) for task in (weak, strong)]
    np.testing.assert_allclose(speeds, [3.0 * 1.0 * 0.05, 3.0 * 4.0 * 0.05], rtol=1e-5)


def test_all_numbers_of_a_pole_agree_with_each_other() -> None:
    own = make("CartPole-v1").params
    task = {"cart_mass": 2.0, "pole_mass": 3.0, "length": 0.5, "gravity": 1.5, "force": 0.25}
    params = RandomPhysics(id="CartPole-v1")._params(task)
    assert params.total_mass == params.masscart + params.masspole == 2.0 * own.masscart + 3.0 * own.masspole
    assert params.polemass_length == params.masspole * params.length
    assert (params.gravity, params.force_mag) == (1.5 * own.gravity, 0.25 * own.force_mag)


def test_rescaled_rewards_are_the_others_times_a_number() -> None:
    inner = DeepSea(side=4, smallest=2, largest=2)
    family = Rescaled(inner=inner, scale=100.0)
    task = family.sample_task(jax.random.key(0))
    state, _ = family.reset(jax.random.key(0), task)
    for action in (0, 1):
        steps = [each.step(jax.random.key(0), state, jnp.int32(action), task) for each in (inner, family)]
        np.testing.assert_allclose(steps[1].reward, 100.0 * steps[0].reward, rtol=1e-6)
    assert family.redraw == "never"


def test_a_lifetime_can_have_one_bandit() -> None:
    assert (BernoulliBandits().redraw, BernoulliBandits(drawn="lifetime").redraw) == ("episode", "never")


def test_tasks_of_a_family_are_one_program(registry: Registry) -> None:
    stored = json.loads(TASKS.read_text(encoding="utf-8"))
    structures: dict[str, set[Any]] = {}
    for name, task in stored.items():
        (kind,) = task["environment"]
        if kind in ("mazes", "foggy_mazes", "deep_sea", "garnets", "catches", "delayed_rewards"):
            structures.setdefault(kind, set()).add(jax.tree.structure(environment(name)))
    assert {kind: len(each) for kind, each in structures.items()} == dict.fromkeys(structures, 1)
    assert len(structures) == 6


def test_stored_scales_have_an_origin_and_a_reference_above_random() -> None:
    for name, task in json.loads(TASKS.read_text(encoding="utf-8")).items():
        assert task["random"] < task["reference"], name
        assert "random" in task["origin"], name


@pytest.mark.parametrize(
    "name", [pytest.param("mazes-small-decoy", marks=pytest.mark.slow), "deep-sea-8-slip", "garnets-small"]
)
def test_a_few_tasks_are_near_the_stored_mean(registry: Registry, name: str) -> None:
    family: Any = environment(name)
    facts = registry.get("task", name).facts
    found = compiled(jax.vmap(lambda key: returns_of(family.table(family.sample_task(key)))))(
        jax.random.split(jax.random.key(7), 32)
    )
    for values, key in zip(found, ("random", "reference"), strict=True):
        assert abs(float(np.mean(values)) - facts[key]) < 4.0 * float(np.std(values)) / 32**0.5 + 1e-4


@pytest.mark.parametrize(
    "family",
    [
        Mazes(rooms=3, most=4),
        Mazes(fewest=5, most=4),
        DeepSea(side=4, smallest=3, largest=5),
        Catches(rows=5, largest=6),
        Garnets(states=9),
    ],
)
def test_sizes_that_do_not_fit_are_told(family: Environment) -> None:
    with pytest.raises(UserError, match=r"^sizes from \d+ to \d+ do not fit the largest size \d"):
        family.spec()


def test_physics_that_cannot_be_drawn_is_told() -> None:
    with pytest.raises(UserError, match=r"the physics of 'CartPole-v2' cannot be drawn: did you mean 'CartPole-v1'"):
        RandomPhysics(id="CartPole-v2").spec()
    with pytest.raises(UserError, match="start of RandomPhysics"):
        RandomPhysics(start="task").spec()
