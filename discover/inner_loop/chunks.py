"""The number of lifetimes side by side on a device: from what each of them needs and what the device has free."""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Any

import jax

from discover.base.text_table import counted
from discover.contract.executor import Failure, Work
from discover.inner_loop.population import fitting_chunk, lifetime_bytes, structure_of

_OF_FREE = 4
"""The free memory of an accelerator over what lifetimes may take of it: an update needs room for gradients and copies too."""

_LEAST = 4
"""Lifetimes side by side, at least, where there are several structures."""

_sizes: dict[Hashable, int] = {}


def lifetimes_together(lifetimes: int, structures: int) -> int:
    """The number of lifetimes by which the chunk of a search is settled: all of them, if they are of one structure.

    Of several structures it is about those of one group, for each device, since groups that do not fill their chunk are filled
    up with copies; but four for each device at least, because structures that prove their worth have larger groups later.

    >>> lifetimes_together(128, structures=1)
    128
    >>> each = [lifetimes_together(128, structures) // jax.device_count() for structures in (16, 20, 64)]
    >>> each == [8, 8, 4] or jax.device_count() > 16
    True
    """
    if structures == 1:
        return lifetimes
    group = -(-lifetimes // structures)
    return min(lifetimes, max(_LEAST, 1 << (group - 1).bit_length()) * jax.device_count())


def room_on_devices() -> int:
    """Bytes that the lifetimes on one accelerator may take: about a quarter of what is free; 0 where nothing is known (a CPU).

    It is a power of two, so that the same search on the same kind of device most often finds the same.
    """
    free = [_free(device) for device in jax.local_devices()]
    return 0 if None in free else _power_of_two(min(each for each in free if each is not None) // _OF_FREE)


def chunk_for(work: Work, chunk: int, room: int) -> int:
    """The chunk of a piece of work.

    Args:
        work: the piece.
        chunk: the most lifetimes side by side on each device; 0 for what fits.
        room: bytes that they may take; 0 if that is no matter.
    """
    if chunk and not room:
        return chunk
    size = _size(work)
    if room:
        most = max(1, _power_of_two(room // size))
        return min(chunk, most) if chunk else most
    return fitting_chunk(math.prod(work.shape), size)


def lacking(failure: Failure, chunk: int) -> Failure:
    """The failure of work for which memory was not enough, with what to do about it.

    >>> print(lacking(Failure("memory", "out of memory"), 8).why)
    out of memory, with 8 lifetimes side by side on each device: have fewer, by executor: {local: {chunk: 4}}
    >>> lacking(Failure("memory", "out of memory"), 1).why
    'out of memory, with 1 lifetime side by side on each device'
    """
    remedy = f": have fewer, by executor: {{local: {{chunk: {chunk // 2}}}}}" if chunk > 1 else ""
    return failure._replace(why=f"{failure.why}, with {counted(chunk, 'lifetime')} side by side on each device{remedy}")


def _size(work: Work) -> int:
    """The bytes of a lifetime; of one structure it is found by one trace."""
    structure = structure_of(work)
    if structure not in _sizes:
        _sizes[structure] = lifetime_bytes(work.environment, jax.tree.map(lambda x: x[0], work.candidates))
    return _sizes[structure]


def _free(device: Any) -> int | None:
    """The bytes that are free on a device; None where it does not say."""
    told = device.memory_stats() or {}
    return told["bytes_limit"] - told["bytes_in_use"] if {"bytes_limit", "bytes_in_use"} <= told.keys() else None


def _power_of_two(most: int) -> int:
    """The largest power of two that is not above a number; 0 below 1.

    >>> [_power_of_two(most) for most in (0, 1, 7, 8)]
    [0, 1, 4, 8]
    """
    return 1 << most.bit_length() - 1 if most > 0 else 0
