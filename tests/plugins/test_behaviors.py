"""Descriptors of how a candidate learns, on curves whose values are known; MAP-Elites keeps the best of each."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discover_zoo.optimizers.sgd import SGD
from discover_zoo.strategies import behaviors
from discover_zoo.strategies.behaviors import UNKNOWN, behavior_bins
from discover_zoo.strategies.map_elites import MAPElites, State

from discover import Space, Status, Told, UserError, free

ROWS = np.arange(100)
RISING = ROWS / 99.0
EARLY = np.minimum(ROWS / 9.0, 1.0)  # has learnt all after ten rows
FORGETTING = np.where(ROWS < 50, ROWS / 49.0, (99 - ROWS) / 49.0)  # and ends where it began
ZIGZAG = np.where(ROWS % 2, 1.0, 0.0)
LEVEL = np.full(100, 3.0)

SPACE = Space(SGD(learning_rate=free()))


def telling(strategy: MAPElites) -> Callable[[State, Told], State]:
    """The strategy's `tell` as one program."""
    return jax.jit(lambda state, told: strategy.tell(jax.random.key(1), state, SPACE, told))


def value(name: str, *seeds: np.ndarray) -> float:
    return float(getattr(behaviors, name)(jnp.asarray(np.stack(seeds)[None], jnp.float32))[0])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("half_time", {"RISING": 0.51, "EARLY": 0.06, "FORGETTING": 0.26, "ZIGZAG": 0.02}),
        ("area", {"RISING": 0.5, "EARLY": 0.95, "FORGETTING": 0.5, "ZIGZAG": 0.5}),
        ("steadiness", {"RISING": 1.0, "EARLY": 1.0, "FORGETTING": 0.0, "ZIGZAG": 1 / 99}),
        ("decline", {"RISING": 0.0, "EARLY": 0.0, "FORGETTING": 1.0, "ZIGZAG": 0.0}),
    ],
)
def test_descriptors_are_what_their_equations_say(name: str, expected: dict[str, float]) -> None:
    found = {curve: value(name, globals()[curve]) for curve in expected}
    assert found == pytest.approx(expected, abs=0.006)
    scaled = {curve: value(name, 7.0 * globals()[curve] - 300.0) for curve in expected}
    assert scaled == pytest.approx(found, abs=1e-4)  # whatever the scale of returns


def test_the_spread_of_seeds_is_a_share_of_the_way() -> None:
    assert value("seed_spread", RISING, RISING) == 0.0
    assert value("seed_spread", RISING, 3.0 * RISING) == pytest.approx(1.0 / (1.0 + 2.0))


@pytest.mark.slow
def test_seeds_that_were_not_run_do_not_count_and_members_without_any_are_apart() -> None:
    nothing = np.full(100, np.nan)
    curves = jnp.asarray(np.stack([[EARLY, EARLY], [EARLY, nothing], [nothing, nothing], [LEVEL, LEVEL]]), jnp.float32)
    names = ("half_time", "area", "steadiness", "decline", "seed_spread")
    found = behavior_bins(names, [curves], members=4, bins=4).tolist()
    assert found == [[0, 3, 3, 0, 0]] * 2 + [[UNKNOWN] * 5, [0] * 5]
    both = behavior_bins(["area"], [curves, curves[::-1]], members=4, bins=4)
    assert both[:, 0].tolist() == [1, UNKNOWN, UNKNOWN, 1]  # (0.95 + 0) / 2; a task without curves says nothing


@pytest.mark.slow
def test_elites_of_one_structure_differ_in_how_they_learn() -> None:
    strategy = MAPElites(cells=8, behavior=("half_time",))
    tell = telling(strategy)
    genomes = jnp.arange(4.0)[:, None]
    curves = np.stack([EARLY, EARLY, RISING, LEVEL])[:, None]

    def told(fitness: list[float]) -> Told:
        return Told.of(genomes, jnp.asarray(fitness))._replace(returns=(jnp.asarray(curves, jnp.float32),))

    state = tell(strategy.init(jax.random.key(0), SPACE, 4), told([1.0, 4.0, 3.0, 2.0]))
    assert (int(state.filled), state.fitness[:2].tolist(), state.behavior[:2, 0].tolist()) == (2, [4.0, 3.0], [0, 2])
    state = tell(state, told([5.0, 1.0, 2.5, 0.0]))
    assert (state.genomes[:2, 0].tolist(), state.fitness[:2].tolist()) == ([0.0, 2.0], [5.0, 3.0])
    alone = MAPElites(cells=8, behavior=())
    state = telling(alone)(alone.init(jax.random.key(0), SPACE, 4), told([1.0, 4.0, 3.0, 2.0]))
    assert (int(state.filled), float(state.fitness[0])) == (1, 4.0)


def test_broken_members_are_no_elites() -> None:
    strategy = MAPElites(cells=8)
    told = Told.of(jnp.array([[1.0], [2.0]]), jnp.array([3.0, 2.9]))
    told = told._replace(status=jnp.array([Status.OK, Status.NOT_FINITE], jnp.int8))
    curves = jnp.asarray(np.stack([RISING, np.full(100, np.nan)])[:, None], jnp.float32)
    state = telling(strategy)(strategy.init(jax.random.key(0), SPACE, 2), told._replace(returns=(curves,)))
    assert (int(state.filled), state.genomes[0].tolist()) == (1, [1.0])


def test_an_unknown_descriptor_is_refused() -> None:
    with pytest.raises(UserError, match="behavior"):
        MAPElites(behavior=("speed",))  # pyright: ignore[reportArgumentType]
