"""Populations of lifetimes: the same numbers as one by one, whatever the tile, the place in it, and the devices."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from toys import Blank, Climb, Payday

from discover import (
    Algorithm,
    Done,
    UserError,
    Work,
    component,
    fitting_chunk,
    fresh_work,
    lifetime_bytes,
    replace,
    run_population,
)
from discover.contract.executor import Curves
from discover.contract.network import Head, Heads
from discover.inner_loop import lifetime
from discover.inner_loop import population as evaluation
from discover.inner_loop import programs as programs_module
from discover.inner_loop.population import describe_shapes
from discover.inner_loop.programs import Programs, Updates, programs_for
from discover.inner_loop.windows import Pace
from discover.testing.compilations import Compilations

ENVIRONMENT = Payday(length=7, spread=1.0, drawn="episode")
KEYS = jax.random.split(jax.random.key(11), 2)
STEPS = 12 * 8


def population(*slopes: float) -> Algorithm:
    """Candidates of one structure, that differ in slope alone; each has noise, so that seeds matter."""
    one = Algorithm(rule=Climb(noise=0.5), network=Blank())
    many = jax.tree.map(lambda x: jnp.broadcast_to(x, (len(slopes), *np.shape(x))), one)
    return replace(many, {"rule.slope": jnp.asarray(slopes, jnp.float32)})


def evaluated(*slopes: float, chunk: int = 2, steps: int = STEPS, **more: Any) -> Curves:
    return run_population(fresh_work(ENVIRONMENT, population(*slopes), KEYS, steps), chunk=chunk, **more).curves


def window(*slopes: float, start: int, stop: int, total: int, ongoing: Any) -> Done:
    """A window of kept lifetimes; fresh ones unless others go on."""
    work = Work(ENVIRONMENT, population(*slopes), KEYS, start=start, stop=stop, total=total, ongoing=ongoing, keep=True)
    return run_population(work, chunk=2)


def kept_programs() -> Programs:
    """The programs of all these populations."""
    structure = jax.tree.structure((ENVIRONMENT, population(0.1)))
    return programs_for(structure, tuple(jax.devices()), alone=False)


def bits(curves: Curves, *members: int) -> list[bytes]:
    chosen = jax.tree.map(lambda x: np.ascontiguousarray(x[list(members)]), curves) if members else curves
    return [np.asarray(x).tobytes() for x in jax.tree.leaves(chosen)]


def test_the_tests_see_two_devices() -> None:
    assert jax.device_count() == 2


def test_a_population_is_the_loop_over_its_members() -> None:
    slopes = (0.1, -0.2, 0.3)
    together, alone = evaluated(*slopes), jax.jit(lifetime.run)
    for member, slope in enumerate(slopes):
        one = Algorithm(rule=Climb(slope=slope, noise=0.5), network=Blank())
        for seed, key in enumerate(KEYS):
            curve = alone(one, ENVIRONMENT, key, STEPS // 8)
            np.testing.assert_allclose(together.episode_return[member, seed], curve.episode_return, rtol=1e-4, atol=1e-4)
            np.testing.assert_array_equal(together.episode_length[member, seed], curve.episode_length)
            np.testing.assert_allclose(together.info["level"][member, seed], curve.info["level"], rtol=1e-5)
            assert together.env_steps[member, seed] == curve.env_steps == STEPS
            assert together.finite[member, seed]


def test_a_window_of_a_population_is_that_of_each_lifetime() -> None:
    """Three members in tiles of four lifetimes; the second window is of fewer updates than a curve has rows."""
    total, slopes = STEPS // 8, (0.1, -0.2, 0.3)
    ongoing = window(*slopes, start=0, stop=4, total=total, ongoing=None).lifetimes
    curves, ongoing, _ = window(*slopes, start=4, stop=total, total=total, ongoing=ongoing)

    @jax.jit
    def alone(one: Algorithm, key: jax.Array) -> lifetime.Curve:
        life = lifetime.advance(one, ENVIRONMENT, lifetime.begin(one, ENVIRONMENT, key), 0, stop=4, total=total)
        life = lifetime.advance(
            one, ENVIRONMENT, lifetime.fresh_window(life), 4, stop=total, total=total, window=(4, total - 4)
        )
        return lifetime.curve_of(life, total - 4)

    for index in np.ndindex(3, 2):
        curve = alone(Algorithm(rule=Climb(slope=slopes[index[0]], noise=0.5), network=Blank()), KEYS[index[1]])
        np.testing.assert_allclose(curves.episode_return[index], curve.episode_return, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(curves.info["level"][index], curve.info["level"], rtol=1e-5)
    np.testing.assert_array_equal(curves.env_steps, 8 * (total - 4))
    np.testing.assert_array_equal(ongoing.env_steps, STEPS)


def test_shapes_are_those_of_population_and_seeds_not_of_tiles() -> None:
    curves = evaluated(0.1, 0.2, 0.3)  # 6 lifetimes in tiles of 4
    assert curves.episode_return.shape == curves.episode_length.shape == curves.info["level"].shape == (3, 2, 100)
    assert curves.finite.shape == curves.env_steps.shape == (3, 2)
    assert all(isinstance(x, np.ndarray) for x in jax.tree.leaves(curves))


def test_equal_candidates_get_equal_curves_wherever_they_stand() -> None:
    """Common random numbers, to the bit: in one tile, in another, on another device, and beside filled-up places."""
    first, again = evaluated(0.1, 0.2, 0.1, 0.3, 0.1), evaluated(0.1)
    assert bits(first, 0) == bits(first, 2) == bits(first, 4) == bits(again, 0)
    assert bits(first, 0) != bits(first, 1)
    assert bits(evaluated(0.3, 0.2), 1) == bits(first, 1)
    assert (first.episode_return[0, 0] != first.episode_return[0, 1]).any(), "seeds must differ"


def test_a_broken_neighbor_changes_no_bit() -> None:
    sound, beside = evaluated(0.1, 0.2, 0.3), evaluated(0.1, np.nan, 0.3)
    assert not beside.finite[1].any()
    assert bits(beside, 0, 2) == bits(sound, 0, 2)


@pytest.fixture
def one_device(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    device = jax.devices()[:1]
    with monkeypatch.context() as patched:
        patched.setattr(jax, "devices", lambda *_: device)
        yield


@pytest.mark.usefixtures("one_device")
def test_one_device_gives_the_bits_of_two_at_the_same_chunk() -> None:
    two = Programs(tuple(jax.local_devices()), alone=False)
    assert (len(kept_programs().devices), len(two.devices)) == (1, 2)
    single = evaluated(0.1, 0.2, 0.3)
    ongoing = two.place(jax.tree.map(lambda x: np.repeat(x, 2, axis=0)[:4], population(0.1, 0.2)))
    begun = two.begin(ENVIRONMENT, ongoing, two.place(KEYS[jnp.arange(4) % 2]))
    total = STEPS // 8
    double = jax.device_get(
        two.finish(two.advance(ENVIRONMENT, ongoing, begun, Updates(0, total, total, first=0, length=total)), total)
    )
    assert double.episode_return.tobytes() == single.episode_return[:2].tobytes()
    assert double.info["level"].tobytes() == single.info["level"][:2].tobytes()


def test_one_program_fits_every_population_and_horizon(
    compilations: Callable[[], AbstractContextManager[Compilations]],
) -> None:
    evaluated(0.1, 0.2)
    with compilations() as count:
        for slopes, steps in (((0.3,), STEPS), ((0.1, 0.2, 0.3, 0.4, 0.5), STEPS), ((0.1,), 8), ((0.1, 0.2), 40 * STEPS)):
            evaluated(*slopes, steps=steps)
    assert count.compiled == 0


def test_fresh_and_ongoing_lifetimes_share_their_program() -> None:
    evaluated(0.1, 0.2)
    program: Any = kept_programs().advance._by_tracing  # toys are traced in each process
    compiled, total = program._cache_size(), STEPS // 8
    ongoing = None
    for start, stop in ((0, 0), (0, 4), (4, total)):
        ongoing = window(0.1, 0.2, start=start, stop=stop, total=total, ongoing=ongoing).lifetimes
    assert program._cache_size() == compiled


def test_a_tile_is_given_away_and_what_a_caller_holds_is_not() -> None:
    total = STEPS // 8
    programs, members = kept_programs(), population(0.1, 0.1, 0.2, 0.2)
    members = programs.place(members)
    tile = programs.begin(ENVIRONMENT, members, programs.place(KEYS[jnp.arange(4) % 2]))
    programs.advance(ENVIRONMENT, members, tile, Updates(0, 1, total, first=0, length=total))
    assert all(leaf.is_deleted() for leaf in jax.tree.leaves(tile))
    assert not any(leaf.is_deleted() for leaf in jax.tree.leaves(members))
    held = window(0.1, 0.2, start=0, stop=4, total=total, ongoing=None).lifetimes
    first, again = (window(0.1, 0.2, start=4, stop=total, total=total, ongoing=held) for _ in range(2))
    assert bits(first.curves) == bits(again.curves)


@component
class Remembering(Climb):
    """Its state begins with a number of its own."""

    def init(self, *given: Any, **more: Any) -> Any:
        return {"updates": jnp.zeros((), jnp.int32), "slope": self.slope}

    def update(self, *given: Any, **more: Any) -> Any:
        params, state, info = super().update(*given, **more)
        return params, {**state, "slope": self.slope}, info


def test_a_number_of_a_candidate_that_is_a_part_of_its_state_is_not_written_over() -> None:
    many = jax.tree.map(lambda x: np.stack([x, x]), Algorithm(rule=Remembering(slope=0.25), network=Blank()))
    done = run_population(fresh_work(ENVIRONMENT, many, KEYS, STEPS)._replace(keep=True), chunk=2)
    assert done.lifetimes.rule_state["slope"].tolist() == [[0.25, 0.25]] * 2


def test_an_option_that_this_xla_does_not_know_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs_module, "_ALONE", {"xla_cpu_no_such_option": True, "xla_cpu_multi_thread_eigen": False})
    taken = programs_module.compiler_options(alone=True).keys()
    assert taken == {"xla_cpu_scheduler_type", "xla_backend_optimization_level", "xla_cpu_multi_thread_eigen"}


def test_a_lone_lifetime_is_the_same_as_one_among_others() -> None:
    """It runs without an axis of its own, and with other compiler options: the same to rounding."""
    alone = evaluated(0.2, chunk=1)
    np.testing.assert_allclose(alone.episode_return[0], evaluated(0.1, 0.2).episode_return[1], rtol=1e-5)
    np.testing.assert_allclose(alone.info["level"][0], evaluated(0.1, 0.2).info["level"][1], rtol=1e-5)


def test_progress_runs_to_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "pace_of", lambda *_: Pace())  # one that no other test has taught
    told: list[float] = []
    evaluated(0.1, 0.2, 0.3, progress=told.append)
    assert told == sorted(set(told)), "it never goes back"
    assert {1 / 2, 1.0} <= set(told), "after each of two tiles"
    assert told[0] == 1 / 2 / (STEPS // 8), "and after each window of a tile, the first of which is one update"


def test_a_fitting_chunk_fills_the_devices_and_no_more() -> None:
    assert [fitting_chunk(lifetimes, size=100) for lifetimes in (1, 2, 3, 16, 17, 1000)] == [1, 1, 2, 8, 8, 8]


def test_a_fitting_chunk_of_large_lifetimes_fits_the_cache() -> None:
    assert [fitting_chunk(1000, size) for size in (2**19, 6 * 10**5, 2**20, 2**21, 2**30)] == [8, 4, 4, 2, 1]


def test_the_size_of_a_lifetime_counts_its_state_and_one_update_of_experience() -> None:
    def size(steps: int) -> int:
        return lifetime_bytes(ENVIRONMENT, Algorithm(rule=Climb(steps=steps), network=Blank()))

    each = size(5) - size(4)  # one more step of experience, in each column
    assert each > 0
    assert size(9) == size(4) + 5 * each
    assert size(4) > 4 * each


# Told before a long run -----------------------------------------------------------------------------------------------


@component
class Dreaming(Climb):
    def heads(self, spec: Any) -> Heads:
        return Heads({"dream": Head((1,), form="model")})


@component
class Counted(Climb):
    """Counts how often it is traced."""

    def update(self, *given: Any, **more: Any) -> Any:
        TRACED.append(self.steps)
        return super().update(*given, **more)


TRACED: list[int] = []


def test_a_structure_is_traced_once_for_any_numbers_and_any_budget() -> None:
    describe_shapes(ENVIRONMENT, Algorithm(rule=Counted(slope=1.0), network=Blank()), 100)
    once = len(TRACED)
    describe_shapes(ENVIRONMENT, Algorithm(rule=Counted(slope=2.0), network=Blank()), 200)
    assert len(TRACED) == once > 0
    describe_shapes(ENVIRONMENT, Algorithm(rule=Counted(steps=5), network=Blank()), 100)
    assert TRACED[once:] == [5] * (len(TRACED) - once) != []


def test_mistakes_are_told_by_a_trace_alone() -> None:
    sound = Algorithm(rule=Climb(), network=Blank())
    assert describe_shapes(ENVIRONMENT, sound, 100) == 12
    with pytest.raises(UserError, match=r"^a lifetime of 7 env steps is shorter than one update of Climb"):
        describe_shapes(ENVIRONMENT, sound, 7)
    with pytest.raises(UserError) as caught:
        describe_shapes(ENVIRONMENT, Algorithm(rule=Dreaming(), network=Blank()), 100)
    assert str(caught.value) == (
        "Dreaming asks for the head 'dream' of form 'model', which the network Blank cannot give (it gives constant, vector): "
        "choose another network."
    )
