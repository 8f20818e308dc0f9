"""Windows: the bits do not depend on them, they are compiled once, and each of them can be stopped."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discover_zoo.optimizers.sgd import SGD
from discover_zoo.rules.dqn import DQN
from toys import Blank, Climb, Payday

from discover import Algorithm, Environment, Members, Trajectory, Work, World, component, run_population
from discover.inner_loop import population
from discover.inner_loop.windows import SECONDS, Pace, pace_of
from discover.testing.compilations import Compilations
from discover.testing.small import Affine, Corridor

TOTAL = 9
KEYS = jax.random.split(jax.random.key(3), 2)
CLIMB = Algorithm(rule=Climb(slope=0.1, noise=0.5), network=Blank())
PAYDAY = Payday(length=7, spread=1.0, drawn="episode")


class Clock:
    """Seconds that pass only when they are told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Fixed(Pace):
    """Windows of one size."""

    def __init__(self, updates: int):
        super().__init__(lambda: 0.0)
        self.updates = updates

    def _learn(self, updates: int, seconds: float) -> None: ...


def windows_of(monkeypatch: pytest.MonkeyPatch, updates: int) -> None:
    monkeypatch.setattr(population, "pace_of", lambda *_: Fixed(updates))


def population_of(algorithm: Algorithm, members: int) -> Members:
    return jax.tree.map(lambda x: np.broadcast_to(x, (members, *np.shape(x))), algorithm)


def both_ways(members: Members, environment: Environment, chunk: int) -> list[bytes]:
    """The bits of the curves of fresh lifetimes, and those of the agents and curves of lifetimes that are kept."""
    work = Work(environment, members, KEYS, stop=TOTAL, total=TOTAL)
    curves = run_population(work, chunk=chunk).curves
    kept, agents, _ = run_population(work._replace(keep=True), chunk=chunk)
    agents = agents._replace(key=jax.random.key_data(agents.key))
    return [np.asarray(x).tobytes() for x in jax.tree.leaves((curves, agents, kept))]


def test_windows_of_any_size_give_the_bits_of_one_go(monkeypatch: pytest.MonkeyPatch) -> None:
    check_bits(monkeypatch, population_of(CLIMB, 2), PAYDAY, chunk=2)


@pytest.mark.slow
@pytest.mark.parametrize("chunk", [1, 2])
def test_windows_of_a_rule_with_a_replay_memory_give_the_bits_of_one_go(monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    rule = DQN(optimizer=SGD(learning_rate=1e-3), num_envs=4, capacity=40, batch=8, learning_starts=8)
    check_bits(monkeypatch, population_of(Algorithm(rule=rule, network=Affine()), 2), Corridor(), chunk=chunk)


def check_bits(monkeypatch: pytest.MonkeyPatch, members: Members, environment: Environment, chunk: int) -> None:
    """Check that windows of several sizes give the bits of one that has all updates."""
    windows_of(monkeypatch, TOTAL)
    whole = both_ways(members, environment, chunk)
    for size in (1, 4, 8):
        windows_of(monkeypatch, size)
        assert both_ways(members, environment, chunk) == whole, size


@component
class Counts(Climb):
    """A rule whose state begins as a number of Python, which JAX types weakly."""

    def init(self, key: jax.Array, world: World, params: Any) -> Any:
        return {"updates": jnp.asarray(0.0)}

    def update(self, key: jax.Array, world: World, params: Any, state: Any, trajectory: Trajectory) -> Any:
        params, _, info = super().update(key, world, params, state, trajectory)
        return params, {"updates": state["updates"] + info["level"]}, info


@pytest.mark.slow
def test_all_windows_share_one_program(
    monkeypatch: pytest.MonkeyPatch, compilations: Callable[[], AbstractContextManager[Compilations]]
) -> None:
    windows_of(monkeypatch, TOTAL)
    members = population_of(Algorithm(rule=Counts(slope=0.1, noise=0.5), network=Blank()), 1)
    work = Work(PAYDAY, members, KEYS, stop=TOTAL, total=TOTAL)
    run_population(work, chunk=1)
    windows_of(monkeypatch, 2)
    with compilations() as count:
        run_population(work, chunk=1)
    assert count.compiled == 0


def test_a_stop_is_answered_after_a_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """What progress raises ends fresh lifetimes and those that are kept; no further window runs."""
    windows_of(monkeypatch, 2)
    members, told = population_of(CLIMB, 2), []

    def stop(share: float) -> None:
        told.append(share)
        raise KeyboardInterrupt

    work = Work(PAYDAY, members, KEYS, stop=TOTAL, total=TOTAL)
    begun = run_population(work._replace(stop=0, keep=True), chunk=2).lifetimes
    for piece in (work, work._replace(ongoing=begun, keep=True)):
        with pytest.raises(KeyboardInterrupt):
            run_population(piece, chunk=2, progress=stop)
    assert told == [2 / 9, 2 / 9]


def sizes(pace: Pace, clock: Clock, stop: int, cost: float, fixed: float = 0.0) -> Iterator[int]:
    """The sizes of windows whose updates take ``cost`` seconds each, and whose first one takes ``fixed`` more."""
    for start, end in pace.windows(0, stop):
        yield end - start
        clock.now += (end - start) * cost + (fixed if start == 0 else 0.0)


def test_windows_grow_to_about_a_second() -> None:
    clock = Clock()
    pace = Pace(clock)
    made = list(sizes(pace, clock, 10_000, cost=0.001, fixed=20.0))
    assert made[:6] == [1, 1, 4, 16, 64, 256]
    assert made[6] == pytest.approx(1000 * SECONDS, rel=0.01)
    assert sum(made) == 10_000
    assert max(made) <= 1001 * SECONDS
    assert next(sizes(pace, clock, 10_000, cost=0.001)) == pace.updates, "what was learned stays"


def test_windows_shrink_where_updates_become_dearer() -> None:
    clock = Clock()
    pace = Pace(clock)
    list(sizes(pace, clock, 20_000, cost=0.001))
    made = list(sizes(pace, clock, 3000, cost=0.01))
    assert made[0] <= 1001 * SECONDS
    assert all(size <= 101 * SECONDS for size in made[1:])


def test_a_short_rest_tells_nothing_of_the_pace() -> None:
    clock = Clock()
    pace = Pace(clock)
    list(sizes(pace, clock, 20_000, cost=0.001))
    before = pace.updates
    list(sizes(pace, clock, 3, cost=0.01))
    assert pace.updates == before


def test_one_program_has_one_pace() -> None:
    assert pace_of("a", 2) is pace_of("a", 2)
    assert len({id(pace) for pace in (pace_of("a", 2), pace_of("b", 2), pace_of("a", 4))}) == 3
