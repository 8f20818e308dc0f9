"""Compiled programs that run a tile of lifetimes, and which of them stay in memory."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Hashable, Mapping
from typing import Any, NamedTuple, TypeVar

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from discover.contract.algorithm import Algorithm
from discover.contract.environment import Environment
from discover.contract.types import Key, Members
from discover.inner_loop import lifetime, options
from discover.inner_loop.kept_programs import KeptPrograms
from discover.inner_loop.traced import Function, Traced
from discover.process.compiler_options import known_on_cpu
from discover.process.devices import warn_of_idle_cores

T = TypeVar("T")

_AXIS = "lifetimes"

_IN_ORDER = {"xla_cpu_scheduler_type": "CPU_SCHEDULER_TYPE_MEMORY_OPTIMIZED"}
"""The order in which a CPU runs the operations of a program: one that leaves few of them to run in parallel. By default XLA
gives small operations to idle cores, which costs more time than it saves: with this order a lone agent on CartPole trains a
tenth faster, and other cases are as fast as before."""

_LIGHTLY_OPTIMIZED = {"xla_backend_optimization_level": 1}
"""The effort of LLVM on a CPU: compilation takes a tenth to a fifth less time than by default, and programs are as fast."""

_ALONE = {"xla_cpu_multi_thread_eigen": False, "xla_cpu_experimental_ynn_fusion_type": ""}
"""The way in which a CPU multiplies the small matrices of a lone lifetime: on one core, and without XLA's newer library. That
library is faster for several lifetimes side by side, but takes more time per product, and leaks memory in SAC (150 kB per
update, jax 0.10.2). With these options a lone agent trains a tenth (CartPole) to a quarter (Breakout) faster."""

_homes: dict[Hashable, int] = {}
_lock = threading.Lock()


class Updates(NamedTuple):
    """The updates that a program runs, and those over which the rows of the learning curve are spread.

    Attributes:
        start, stop, total: the program runs the updates ``start .. stop - 1`` of ``total``.
        first, length: the rows are spread over ``length`` updates from ``first``.
    """

    start: lifetime.Count
    stop: lifetime.Count
    total: lifetime.Count
    first: lifetime.Count
    length: lifetime.Count


class Programs:
    """The compiled programs that begin, advance and finish a tile of lifetimes, whose leaves are ``[tile, ...]``.

    `advance` receives `Updates` as numbers, not as structure. So one program fits every horizon, a long lifetime can be run,
    saved and continued in pieces, and a generation of ongoing lifetimes is such a piece with its own curve.

    `advance` writes over the tile that it is given, so that it takes half the memory: whoever calls it gives the tile away.

    Args:
        devices: the devices over which a tile is spread.
        alone: whether each device runs one lifetime at a time.
    """

    def __init__(self, devices: tuple[object, ...], alone: bool):
        self.devices = devices
        self._options = compiler_options(alone)
        self._mesh = Mesh(np.asarray(devices), (_AXIS,))
        each, same = PartitionSpec(_AXIS), PartitionSpec()
        advancing = (same, each, each, same), (2,)
        self.begin = self._sharded("begin", _begin, (same, each, each))
        self.advance = self._sharded("advance", functools.partial(_advance, _side_by_side), *advancing)
        self.advance_ongoing = self.advance
        if alone:  # an ongoing lifetime keeps its axis of length 1, on which the last bits of its numbers depend
            self.advance_ongoing = self._sharded("advance_ongoing", functools.partial(_advance, options.mapped), *advancing)
        self.finish = self._sharded("finish", _finish, (each, same))

    def place(self, tree: T) -> T:
        """Spread the leaves ``[tile, ...]`` over the devices."""
        return jax.device_put(tree, NamedSharding(self._mesh, PartitionSpec(_AXIS)))

    def _sharded(
        self,
        name: str,
        function: Callable[..., Any],
        specs: tuple[PartitionSpec, ...],
        given_away: tuple[int, ...] = (),
    ) -> Traced:
        output = PartitionSpec(_AXIS)
        sharded = jax.shard_map(function, mesh=self._mesh, in_specs=specs, out_specs=output, check_vma=False)
        inputs = tuple(NamedSharding(self._mesh, spec) for spec in specs)
        whole = Function(
            name=name,
            function=sharded,
            inputs=inputs,
            output=NamedSharding(self._mesh, output),
            options=self._options,
            given_away=given_away,
        )
        return Traced(whole)


_kept = KeptPrograms[Programs]()


def programs_for(structure: Hashable, devices: tuple[object, ...], alone: bool) -> Programs:
    """The programs of a structure, which are those of an earlier call where that had at least as many devices.

    The structures that were not asked for longest lose theirs, since each takes memory (see `KeptPrograms`).

    Args:
        structure: that of an environment and of a candidate.
        devices: over which a tile should be spread.
        alone: whether each device runs one lifetime at a time.
    """
    _warn_once()

    def fits(found: Programs) -> bool:
        return len(found.devices) >= len(devices) and set(found.devices) <= set(jax.devices())

    return _kept.get((structure, alone), lambda: Programs(devices, alone), fits)


def spread_of(structure: Hashable, alone: bool) -> int:
    """The number of devices for which a structure has programs; 0 if it has none."""
    found = _kept.find((structure, alone))
    return 0 if found is None else len(found.devices)


def homes_of(weights: Mapping[Hashable, int]) -> dict[Hashable, int]:
    """The index of the device on which each structure runs that does not need all of them: always the same for one structure.

    Args:
        weights: the work of each structure; a new one goes where there is least of it.
    """
    with _lock:
        loads = [0] * jax.device_count()
        for structure in sorted(weights, key=lambda each: each not in _homes):
            home = _homes.setdefault(structure, loads.index(min(loads))) % len(loads)
            loads[home] += weights[structure]
        return {structure: _homes[structure] % len(loads) for structure in weights}


def has_home(structure: Hashable) -> bool:
    """Whether a structure has run on a device of its own, see `homes_of`."""
    with _lock:
        return structure in _homes


@functools.cache
def _warn_once() -> None:
    warn_of_idle_cores(jax.devices())


def compiler_options(alone: bool) -> dict[str, Any]:
    """The options of XLA for a CPU, without those that this version of XLA does not know."""
    return known_on_cpu(_IN_ORDER | _LIGHTLY_OPTIMIZED | (_ALONE if alone else {}))


def _begin(environment: Environment, members: Members, keys: Key) -> lifetime.Lifetime:
    tile = _side_by_side(lambda member, key: lifetime.begin(member, environment, key))(members, keys)
    return jax.tree.map(_strongly_typed, tile)


def _strongly_typed(leaf: jax.Array) -> jax.Array:
    """A leaf as an update returns it: one that begins as a number of Python would have the second window compiled again."""
    return jax.lax.convert_element_type(leaf, leaf.dtype) if leaf.weak_type else leaf


def _advance(
    mapping: Callable[..., Any],
    environment: Environment,
    members: Members,
    tile: lifetime.Lifetime,
    updates: Updates,
) -> lifetime.Lifetime:
    """Advance each lifetime of a tile; ``mapping`` turns the function for one of them into that for all."""
    start, stop, total, first, length = updates

    def one(member: Algorithm, life: lifetime.Lifetime) -> lifetime.Lifetime:
        return lifetime.advance(member, environment, life, start, stop=stop, total=total, window=(first, length))

    return mapping(one)(members, tile)


def _side_by_side(one: Callable[..., T]) -> Callable[..., T]:
    """The function ``one`` for each lifetime: by ``vmap``, but a lone lifetime runs without an axis of length 1.

    XLA does not simplify such an axis everywhere.
    """

    def each(members: Members, *trees: object) -> T:
        if len(jax.tree.leaves(trees)[0]) > 1:
            return options.mapped(one)(members, *trees)
        return jax.tree.map(lambda x: x[None], one(*jax.tree.map(lambda x: x[0], (members, *trees))))

    return each


def _finish(tile: lifetime.Lifetime, count: lifetime.Count) -> lifetime.Curve:
    return jax.vmap(lambda life: lifetime.curve_of(life, count))(tile)
