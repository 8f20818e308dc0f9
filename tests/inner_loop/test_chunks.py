"""As many lifetimes side by side as fit, by what each needs and what is free; and what follows where memory is short."""

from typing import Any

import jax
import numpy as np
import pytest
from discover_zoo.executors.local import Local
from toys import Blank, Climb, Payday

from discover import Algorithm, Done, Failure, Work, fresh_work, lifetime_bytes, run_here
from discover.inner_loop import chunks, here

FAMILY, KEYS = Payday(length=7), jax.random.split(jax.random.key(0), 2)


def algorithm(steps: int) -> Algorithm:
    return Algorithm(rule=Climb(steps=steps), network=Blank())


def piece(steps: int, members: int = 16) -> Work:
    many = jax.tree.map(lambda x: np.repeat(np.asarray(x)[None], members, axis=0), algorithm(steps))
    return fresh_work(FAMILY, many, KEYS, 800)


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The chunks with which work is run, of which more than 2 do not fit."""
    told = list[int]()

    def run(work: Work, *, chunk: int, **more: Any) -> Done:
        told.append(chunk)
        if chunk > 2:
            raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 9 bytes.")
        return Done(work.shape)  # type: ignore[arg-type]

    monkeypatch.setattr(here, "run_population", run)
    return told


def test_without_a_settled_chunk_work_that_does_not_fit_is_tried_with_half_of_it(taken: list[int]) -> None:
    assert dict(run_here([piece(4)])) == {0: Done((16, 2))}  # type: ignore[arg-type]
    assert taken == [8, 4, 2]


def test_a_settled_chunk_is_kept_and_the_failure_says_what_would_do(taken: list[int]) -> None:
    ((_, result),) = run_here([piece(4)], chunk=8)
    assert isinstance(result, Failure)
    assert (result.fault, taken) == ("memory", [8])
    assert result.why.endswith("with 8 lifetimes side by side on each device: have fewer, by executor: {local: {chunk: 4}}"), (
        result.why
    )


class Card:
    def __init__(self, limit: int, used: int):
        self.told = {"bytes_limit": limit, "bytes_in_use": used}

    def memory_stats(self) -> dict[str, int]:
        return self.told


def test_on_an_accelerator_each_structure_has_its_own_chunk(monkeypatch: pytest.MonkeyPatch, taken: list[int]) -> None:
    small, large = (lifetime_bytes(FAMILY, algorithm(steps)) for steps in (4, 100))
    free = 4 * 2 * large  # of which a quarter has room for two of the large ones
    monkeypatch.setattr(jax, "local_devices", lambda: [Card(2 * free, free), Card(3 * free, free)])
    settled = Local().settle(1000, algorithm(4), [FAMILY])
    assert isinstance(settled, Local)
    room = settled.room
    assert large < room <= 2 * large
    assert room & (room - 1) == 0
    assert settled.chunk == 8
    assert settled.settle(5, algorithm(4), [FAMILY]) is settled, "what is recorded is kept"
    dict(settled.run([piece(100), piece(4)]))
    assert sorted(taken) == sorted(
        [max(1, 1 << (room // large).bit_length() - 1), min(8, 1 << (room // small).bit_length() - 1)]
    )


def test_a_cpu_says_nothing_of_its_memory_and_a_lifetime_that_does_not_fit_runs_alone() -> None:
    assert chunks.room_on_devices() == 0
    assert chunks.chunk_for(piece(4), 8, room=1) == 1
    assert chunks.chunk_for(piece(4), 3, room=0) == 3
