"""Work of several structures on the devices of this process: who runs where changes no bit, and nothing is compiled twice."""

import gc
import itertools
import os
import threading
import weakref
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from toys import Blank, Climb, Payday

from discover import Algorithm, Done, Failure, Work, fresh_work, replace, run_here
from discover.inner_loop import here, kept_programs, programs
from discover.inner_loop.programs import homes_of, programs_for
from discover.testing.compilations import Compilations

ENVIRONMENT = Payday(length=7, spread=1.0, drawn="episode")
KEYS = jax.random.split(jax.random.key(11), 2)


def piece(steps: int, *slopes: float) -> Work:
    """Members of one structure, which ``steps`` tells from others."""
    one = Algorithm(rule=Climb(noise=0.5, steps=steps), network=Blank())
    many = jax.tree.map(lambda x: jnp.broadcast_to(x, (len(slopes), *np.shape(x))), one)
    return fresh_work(ENVIRONMENT, replace(many, {"rule.slope": jnp.asarray(slopes, jnp.float32)}), KEYS, 96)


def bits(result: Any) -> list[bytes]:
    assert isinstance(result, Done)
    return [leaf.tobytes() for leaf in jax.tree.leaves(result.curves)]


def test_groups_of_any_size_share_one_program_and_have_the_bits_of_each_alone(
    compilations: Callable[[], AbstractContextManager[Compilations]],
) -> None:
    with compilations() as count:
        first = dict(run_here([piece(4, 0.1, 0.2, 0.3), piece(5, 0.1)], chunk=2))
    assert count.programs["_advance"] <= 2, "one for each structure"
    work = [piece(5, 0.3, 0.2, 0.1), piece(4, 0.2), piece(4, 0.3, 0.1), piece(5, 0.1)]
    with compilations() as count:
        second = dict(run_here(work, chunk=2))
    assert count.compiled == 0
    alone = [next(run_here([each], chunk=2))[1] for each in work]
    assert [bits(second[place]) for place in range(4)] == [bits(each) for each in alone]
    assert bits(second[3]) == bits(first[1])


def test_each_structure_has_a_device_of_its_own() -> None:
    homes = homes_of({"one": 3, "two": 1, "three": 2, "four": 1})
    assert [homes[name] for name in ("one", "two", "three", "four")] == [0, 1, 1, 0]
    assert homes_of({"five": 1, "one": 1, "four": 1}) == {"five": 1, "one": 0, "four": 0}


def scripted(monkeypatch: pytest.MonkeyPatch, run: Callable[..., Any]) -> None:
    monkeypatch.setattr(here, "run_population", run)


def test_small_pieces_run_at_the_same_time_and_large_ones_have_all_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    both, places = threading.Barrier(2, timeout=60), []

    def run(work: Work, *, chunk: int, progress: Any, devices: Any) -> Done:
        places.append((work.shape[0], devices and len(devices)))
        if devices is not None:
            both.wait()
        return Done(work.shape)  # type: ignore[arg-type]

    scripted(monkeypatch, run)
    told = list[float]()
    work = [piece(6, 0.1), piece(7, *[0.1] * 9), piece(8, 0.1, 0.2)]
    assert dict(run_here(work, chunk=2, progress=told.append)) == {place: Done(w.shape) for place, w in enumerate(work)}  # type: ignore[arg-type]
    assert sorted(places[1:]) == [(1, 1), (2, 1)]
    assert places[0] == (9, None)
    assert told[-1] == 1.0


def test_what_fails_for_good_is_not_tried_with_other_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = list[int]()

    def run(work: Work, **more: Any) -> Done:
        tried.append(work.shape[0])
        raise ValueError("broken")

    scripted(monkeypatch, run)
    results = dict(run_here([piece(6, 0.1), piece(6, 0.1, 0.2)], chunk=2))
    assert tried == [1]
    assert all(isinstance(result, Failure) and result.why.startswith("ValueError: broken") for result in results.values())


@pytest.mark.parametrize("closes", [False, True])
def test_a_stop_ends_all_that_run(monkeypatch: pytest.MonkeyPatch, closes: bool) -> None:
    begun, ended = threading.Event(), list[int]()

    def run(work: Work, *, chunk: int, progress: Any, devices: Any) -> Any:
        if work.shape[0] == 2:
            begun.wait(60)
            if closes:
                return Done(work.shape)  # type: ignore[arg-type]
            raise KeyboardInterrupt
        begun.set()
        while True:
            try:
                progress(0.5)
            except BaseException:
                ended.append(work.shape[0])
                raise

    scripted(monkeypatch, run)
    results = run_here([piece(6, 0.1), piece(7, 0.1, 0.2)], chunk=2)
    if closes:
        assert next(results)[0] == 1
        results.close()  # type: ignore[attr-defined]
    else:
        with pytest.raises(KeyboardInterrupt):
            list(results)
    assert ended == [1]


def test_programs_that_were_not_asked_for_longest_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_programs, "MOST", 2)
    monkeypatch.setattr(programs, "_kept", type(programs._kept)())
    devices = tuple(jax.devices())
    one, two = (programs_for(name, devices[:1], alone=False) for name in ("one", "two"))
    assert programs_for("one", devices[:1], alone=False) is one
    wide = programs_for("two", devices, alone=False)
    assert programs_for("two", devices[:1], alone=False) is wide, "more devices serve as well as fewer"
    watched = [weakref.ref(each) for each in (one, two, wide)]
    programs_for("three", devices, alone=False)
    del one, two, wide
    gc.collect()
    assert [each() is None for each in watched] == [True, True, False]


def test_half_of_the_programs_go_when_mappings_of_memory_are_short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "_kept", type(programs._kept)())
    cleared = list[int]()
    monkeypatch.setattr("discover.process.forgetting._return_to_system", lambda: cleared.append(1))
    devices = tuple(jax.devices())[:1]
    for name in "abcdef":
        programs_for(name, devices, alone=False)
    monkeypatch.setattr("discover.process.forgetting.CROWDED", 0.0)
    programs_for("f", devices, alone=False)
    assert len(programs._kept.structures()) == 6, "nothing new is made"
    programs_for("g", devices, alone=False)
    assert [name for name, _ in cast(Any, programs._kept.structures())] == ["d", "e", "f", "g"]
    assert cleared == [1]


@pytest.mark.slow
def test_executables_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many structures as one likes take no more memory than those that are kept."""
    monkeypatch.setattr(kept_programs, "MOST", 2)
    monkeypatch.setattr(programs, "_kept", type(programs._kept)())
    counts = []
    for steps in range(10, 20):
        list(run_here([piece(steps, 0.1)], chunk=2))
        gc.collect()
        counts.append(len(jax.devices()[0].client.live_executables()))
    assert max(counts[3:]) <= counts[2] + 3, counts


@pytest.mark.slow
def test_memory_does_not_grow_over_200_structures_after_the_first_50() -> None:
    def resident() -> int:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")

    sizes = dict[int, int]()
    for count, (steps, columns) in enumerate(itertools.product(range(50, 70), range(2, 12)), start=1):
        one = Algorithm(rule=Climb(noise=0.5, steps=steps, num_envs=columns), network=Blank())
        many = jax.tree.map(lambda x: np.repeat(np.asarray(x)[None], 2, axis=0), one)
        ((_, result),) = run_here([fresh_work(ENVIRONMENT, many, KEYS, 1000)], chunk=2)
        assert isinstance(result, Done)
        gc.collect()
        sizes[count] = resident()
    assert max(sizes[150], sizes[200]) < 1.1 * sizes[50], sizes
