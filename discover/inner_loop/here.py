"""Pieces of work on the devices of this process: large ones on all of them, small ones side by side."""

from __future__ import annotations

import functools
import math
import queue
import threading
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence

import jax

from discover.contract.executor import Done, Failure, Work, part_of_progress
from discover.inner_loop.chunks import chunk_for, lacking
from discover.inner_loop.isolation import attempt
from discover.inner_loop.population import run_population, structure_of
from discover.inner_loop.programs import has_home, homes_of, spread_of
from discover.inner_loop.window_run import run_window

Result = tuple[int, Done | Failure]

_FULL = 2
"""Tiles of all devices from which on a piece of work is large."""


class _Stop(BaseException):
    """The work is no longer wanted."""


def run_here(
    work: Sequence[Work], chunk: int = 0, progress: Callable[[float], None] | None = None, *, room: int = 0
) -> Iterator[tuple[int, Done | Failure]]:
    """Run pieces of work on the devices of this process, see `Executor.run`.

    Large pieces have all devices, one piece after the other. Small ones of several structures run side by side, each structure
    on a device of its own: while one of them is compiled, another one runs. Who runs where changes no bit.

    Args:
        work: the pieces.
        chunk: lifetimes side by side on each device; 0 for what fits. Then work for which memory is not enough is tried with
            half as many. A chunk that is given is kept, since the bits depend on it.
        progress: called from time to time with the share of all that is done.
        room: bytes that the lifetimes on a device may take, by which the chunk of a structure can be less; 0 for any number.
    """
    chunks = [chunk_for(piece, chunk, room) for piece in work]
    apart = _places_apart(work, chunks)
    together = [place for place in range(len(work)) if place not in apart]

    def report(done: int) -> Callable[[float], None] | None:
        return part_of_progress(progress, done, len(work))

    run = functools.partial(_run, work, chunks, chunk == 0)
    yield from _in_turn(together, work, lambda place, done: run(place, report(done), None))
    for done, result in enumerate(_side_by_side(apart, work, run), start=len(together) + 1):
        if progress is not None:
            progress(done / len(work))
        yield result


def _run(
    work: Sequence[Work],
    chunks: Sequence[int],
    halve: bool,
    place: int,
    progress: Callable[[float], None] | None,
    devices: tuple[object, ...] | None,
) -> Done | Failure:
    """The result of a piece of work; ``halve``: with ever fewer lifetimes side by side, as long as memory is not enough."""
    chunk = chunks[place]
    while True:
        run = run_population if work[place].window is None else run_window
        once = functools.partial(run, work[place], chunk=chunk, progress=progress, devices=devices)
        result = attempt(once)
        if not isinstance(result, Failure) or result.fault != "memory":
            return result
        if chunk == 1 or not halve:
            return lacking(result, chunk)
        del result  # its error holds the arrays of the attempt
        chunk = -(-chunk // 2)


def _in_turn(places: Sequence[int], work: Sequence[Work], run: Callable[[int, int], Done | Failure]) -> Iterator[Result]:
    """The results of pieces one after the other. What fails for good would do so with any numbers: it is not tried again."""
    hopeless = dict[object, Failure]()
    for done, place in enumerate(places):
        structure = structure_of(work[place])
        result = hopeless.get(structure) or run(place, done)
        if isinstance(result, Failure) and result.retry == "never":
            hopeless[structure] = result
        yield place, result


def _side_by_side(places: Sequence[int], work: Sequence[Work], run: Callable[..., Done | Failure]) -> Iterator[Result]:
    """The results of pieces that run on one device each, in a thread for each device."""
    results, stopped = queue.SimpleQueue[Result | BaseException](), threading.Event()

    def check(share: float) -> None:
        if stopped.is_set():
            raise _Stop

    def work_off(device: object, mine: Sequence[int]) -> None:
        try:
            for result in _in_turn(mine, work, lambda place, done: run(place, check, (device,))):
                results.put(result)
        except BaseException as error:  # a request to stop
            results.put(error)

    weights, homes = Counter[Hashable](), dict[object, list[int]]()
    for place in places:
        weights[structure_of(work[place])] += math.prod(work[place].shape)
    where = homes_of(weights)
    for place in places:
        homes.setdefault(jax.devices()[where[structure_of(work[place])]], []).append(place)
    threads = [threading.Thread(target=work_off, args=home, daemon=True) for home in homes.items()]
    try:
        for thread in threads:
            thread.start()
        for _ in places:
            result = results.get()
            if isinstance(result, BaseException):
                raise result
            yield result
    finally:
        stopped.set()
        for thread in threads:
            thread.join()


def _places_apart(work: Sequence[Work], chunks: Sequence[int]) -> list[int]:
    """The places of small pieces, if candidates are of several structures; of a lone one, if it is at home on a device."""
    devices = jax.device_count()
    small = [
        place
        for place, (piece, chunk) in enumerate(zip(work, chunks, strict=True))
        if math.prod(piece.shape) < _FULL * chunk * devices and spread_of(structure_of(piece), chunk == 1) < 2
    ]
    structures = {jax.tree.structure(piece.candidates) for piece in work}
    if len(structures) == 1:  # one that is at home would be compiled again for all devices
        small = [place for place in small if has_home(structure_of(work[place]))]
    return small if devices > 1 else []
