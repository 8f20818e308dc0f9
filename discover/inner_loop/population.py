"""Populations of lifetimes as compiled programs.

Lifetimes run in *tiles* of fixed size: ``chunk`` lifetimes side by side on each device. So one compiled program for a structure
and a type of environment fits every population. The size of the tile decides whether it fits the cache, how much memory it
takes, and the bits of the results.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from discover.base.randomness import named_key
from discover.contract.algorithm import Algorithm
from discover.contract.environment import Environment
from discover.contract.executor import Curves, count_members
from discover.contract.types import Key, Lifetimes, Members
from discover.inner_loop import lifetime
from discover.inner_loop.windows import pace_of
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

_CACHE = 4 * 2**20
"""Bytes that all lifetimes side by side on one CPU core may use."""


def fitting_chunk(lifetimes: int, size: int) -> int:
    """The number of lifetimes to run side by side on one device.

    It is the number of lifetimes for each device, but at most 8 on a CPU core and at most as many as its cache holds (as
    measured in experiments/benchmarks), or 1024 on a GPU. The limit of the cache is rounded down to a power of two, because
    most populations are powers of two, and then fill their tiles.

    Args:
        lifetimes: number of all lifetimes.
        size: bytes that one lifetime uses, see `lifetime_bytes`.
    """
    most = max(1, min(8, _CACHE // size)) if jax.default_backend() == "cpu" else 1024
    most = 1 << (most.bit_length() - 1)
    return min(most, -(-lifetimes // jax.device_count()))


def lifetime_bytes(environment: Environment, candidate: Algorithm) -> int:
    """The bytes that one lifetime uses: its state, and the trajectory of one update."""

    def memory(candidate: Algorithm, key: Key) -> object:
        life = lifetime.begin(candidate, environment, key)
        world = candidate.world(environment)
        rollout = candidate.rule.rollout(world.spec)
        if life.actor is None:
            return life
        acting, context = candidate.rule.behavior(life.params, life.rule_state)
        return life, world.collect(acting, life.actor, key, rollout.steps, context=context)[1]

    shapes = jax.eval_shape(memory, candidate, jax.eval_shape(lambda: jax.random.key(0)))
    return sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree.leaves(shapes))


def evaluate_population(
    environment: Environment,
    candidates: Members,
    keys: Key,
    steps: int,
    *,
    chunk: int,
    progress: Callable[[float], None] | None = None,
) -> Curves:
    """Run a fresh lifetime for each member and seed, see `Executor.evaluate`. Only one tile of them is in memory at a time.

    A tile runs in windows of about a second (`discover.inner_loop.windows`), between which a signal can stop it.

    Args:
        environment: task family.
        candidates: members of one structure, each leaf ``[P, ...]``.
        keys: ``[S]``, one per seed.
        steps: budget of each lifetime in env steps.
        chunk: lifetimes side by side on each device. The last tile is filled up, so that every tile is the same program.
        progress: called after each window of about a second with the share that is done.

    Raises:
        UserError: the budget is below one update.
    """
    population, seeds = count_members(candidates), len(keys)
    first = jax.tree.map(lambda x: x[0], candidates)
    total = lifetime.updates_in(first, environment, steps)
    lifetimes = population * seeds
    programs = _programs_for(lifetimes, chunk)
    updates = Updates(start=0, stop=total, total=total, first=0, length=total)
    pieces, tiles = [], list(_tiles(lifetimes, chunk * programs.devices))
    for index in tiles:
        members = programs.place(_members_of(candidates, index // seeds))
        tile = programs.begin(environment, members, programs.place(keys[index % seeds]))
        report = _share_of(progress, len(pieces), len(tiles))
        tile = _in_windows(programs.advance, environment, members, tile=tile, updates=updates, report=report)
        pieces.append(programs.finish(tile, total))
    return _gather(pieces, population, seeds)


def begin_population(environment: Environment, candidates: Members, keys: Key, chunk: int) -> Lifetimes:
    """The lifetimes ``[P, S, ...]`` of all members and seeds before their first update, see `Executor.begin`."""
    population, seeds = count_members(candidates), len(keys)
    programs, pieces = _programs_for(population * seeds, chunk), []
    for index in _tiles(population * seeds, chunk * programs.devices):
        members = programs.place(_members_of(candidates, index // seeds))
        pieces.append(programs.begin(environment, members, programs.place(keys[index % seeds])))
    return _join(pieces, population, seeds)


def advance_population(
    environment: Environment,
    candidates: Members,
    ongoing: Lifetimes,
    start: int,
    *,
    stop: int,
    total: int,
    chunk: int,
    progress: Callable[[float], None] | None = None,
) -> tuple[Lifetimes, Curves]:
    """Run a span of updates in the lifetimes ``[P, S, ...]``, see `Executor.advance`.

    With a chunk of more than one, it runs the same compiled program as `evaluate_population`; all lifetimes stay in memory. It
    reports its progress, and can be stopped, as often as that.
    """
    population, seeds = ongoing.counts.shape[:2]
    programs = _programs_for(population * seeds, chunk)
    updates = Updates(start=start, stop=stop, total=total, first=start, length=stop - start)
    flat = jax.tree.map(lambda x: x.reshape(population * seeds, *x.shape[2:]), lifetime.fresh_window(ongoing))
    tiles, pieces, places = [], [], list(_tiles(population * seeds, chunk * programs.devices))
    for index in places:
        members = programs.place(_members_of(candidates, index // seeds))
        tile = programs.place(jax.tree.map(lambda x, i=index: x[i], flat))
        report = _share_of(progress, len(tiles), len(places))
        tiles.append(_in_windows(programs.advance_ongoing, environment, members, tile=tile, updates=updates, report=report))
        pieces.append(programs.finish(tiles[-1], stop - start))
    curves = _gather(pieces, population, seeds)  # first: an operation on lifetimes whose program failed would abort Python
    curves = curves._replace(env_steps=curves.env_steps - np.asarray(ongoing.env_steps))
    return _join(tiles, population, seeds), curves


@jax.jit
def inherit(ongoing: Lifetimes, parents: jax.Array, generation: jax.Array | int) -> Lifetimes:
    """The lifetimes ``[P, S, ...]`` with which a generation continues: member i has those of member ``parents[i]``.

    A copy gets a new random stream that depends on the generation and its place; otherwise it would repeat its parent. A member
    that continues its own lifetimes keeps its stream.
    """
    copies = jax.tree.map(lambda x: x[parents], ongoing)
    place = jnp.arange(len(parents))

    def new_stream(key: Key, index: jax.Array) -> Key:
        return jax.random.fold_in(jax.random.fold_in(named_key(key, "inherit"), generation), index)

    streams = jax.vmap(jax.vmap(new_stream, in_axes=(0, None)))(copies.key, place)
    return copies._replace(key=jnp.where((parents == place)[:, None], copies.key, streams))


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

    Args:
        devices: the devices over which a tile is spread.
        alone: whether each device runs one lifetime at a time.
    """

    def __init__(self, devices: tuple[object, ...], alone: bool):
        self.devices = len(devices)
        self._options = _compiler_options(alone)
        self._mesh = Mesh(np.asarray(devices), (_AXIS,))
        each, same = PartitionSpec(_AXIS), PartitionSpec()
        self.begin = self._sharded(_begin, (same, each, each))
        self.advance = self._sharded(functools.partial(_advance, _side_by_side), (same, each, each, same))
        self.advance_ongoing = self.advance
        if alone:  # an ongoing lifetime keeps its axis of length 1, on which the last bits of its numbers depend
            self.advance_ongoing = self._sharded(functools.partial(_advance, jax.vmap), (same, each, each, same))
        self.finish = self._sharded(_finish, (each, same))

    def place(self, tree: T) -> T:
        """Spread the leaves ``[tile, ...]`` over the devices."""
        return jax.device_put(tree, NamedSharding(self._mesh, PartitionSpec(_AXIS)))

    def _sharded(self, function: Callable[..., Any], specs: tuple[PartitionSpec, ...]) -> Callable[..., Any]:
        sharded = jax.shard_map(function, mesh=self._mesh, in_specs=specs, out_specs=PartitionSpec(_AXIS), check_vma=False)
        return jax.jit(sharded, compiler_options=self._options)


@functools.cache
def programs_on(devices: tuple[object, ...], alone: bool = False) -> Programs:
    """The programs for some devices, see `Programs`. There is one set of them, so that nothing is compiled twice."""
    warn_of_idle_cores(jax.devices())
    return Programs(devices, alone)


def _programs_for(lifetimes: int, chunk: int) -> Programs:
    """The programs for as many devices as the lifetimes fill, with at most ``chunk`` of them on each."""
    return programs_on(tuple(jax.devices()[: -(-lifetimes // chunk)]), chunk == 1)


def _compiler_options(alone: bool) -> dict[str, Any]:
    """The options of XLA for a CPU, without those that this version of XLA does not know."""
    return known_on_cpu(_IN_ORDER | _LIGHTLY_OPTIMIZED | (_ALONE if alone else {}))


def _in_windows(
    advance: Callable[..., lifetime.Lifetime],
    environment: Environment,
    members: Members,
    *,
    tile: lifetime.Lifetime,
    updates: Updates,
    report: Callable[[float], None],
) -> lifetime.Lifetime:
    """Advance a tile in windows, and report after each one the share that is done. A signal to stop is answered then too."""
    pace = pace_of(jax.tree.structure((environment, members)), len(tile.counts))
    first, last = int(updates.start), int(updates.stop)
    for start, stop in pace.windows(first, last):
        tile = jax.block_until_ready(advance(environment, members, tile, updates._replace(start=start, stop=stop)))
        report((stop - first) / (last - first))
    return tile


def _share_of(progress: Callable[[float], None] | None, done: int, tiles: int) -> Callable[[float], None]:
    """The progress of the next tile, after some that are done, as that of all tiles."""
    return lambda share: None if progress is None else progress((done + share) / tiles)


def _begin(environment: Environment, members: Members, keys: Key) -> lifetime.Lifetime:
    tile = _side_by_side(lambda member, key: lifetime.begin(member, environment, key))(members, keys)
    return jax.tree.map(_strongly_typed, tile)


def _strongly_typed(leaf: jax.Array) -> jax.Array:
    """A leaf as an update returns it: one that begins as a number of Python would have the second window compiled again."""
    return jax.lax.convert_element_type(leaf, leaf.dtype) if leaf.weak_type else leaf


def _advance(
    mapped: Callable[..., Any],
    environment: Environment,
    members: Members,
    tile: lifetime.Lifetime,
    updates: Updates,
) -> lifetime.Lifetime:
    """Advance each lifetime of a tile; ``mapped`` turns the function for one of them into that for all."""
    start, stop, total, first, length = updates

    def one(member: Algorithm, life: lifetime.Lifetime) -> lifetime.Lifetime:
        return lifetime.advance(member, environment, life, start, stop=stop, total=total, window=(first, length))

    return mapped(one)(members, tile)


def _side_by_side(one: Callable[..., T]) -> Callable[..., T]:
    """The function ``one`` for each lifetime: by ``vmap``, but a lone lifetime runs without an axis of length 1.

    XLA does not simplify such an axis everywhere.
    """

    def each(*trees: object) -> T:
        if len(jax.tree.leaves(trees)[0]) > 1:
            return jax.vmap(one)(*trees)
        return jax.tree.map(lambda x: x[None], one(*jax.tree.map(lambda x: x[0], trees)))

    return each


def _finish(tile: lifetime.Lifetime, count: lifetime.Count) -> lifetime.Curve:
    return jax.vmap(lambda life: lifetime.curve_of(life, count))(tile)


def _tiles(lifetimes: int, tile: int) -> Iterator[np.ndarray]:
    """The indices of the lifetimes in each tile; the last tile is filled up with the first lifetimes again."""
    for start in range(0, lifetimes, tile):
        yield np.arange(start, start + tile) % lifetimes


def _members_of(candidates: Members, index: np.ndarray) -> Members:
    """The members at these places, as arrays on the host."""
    return jax.tree.map(lambda x: np.asarray(x)[index], candidates)


def _join(tiles: list[lifetime.Lifetime], population: int, seeds: int) -> Lifetimes:
    """The lifetimes ``[P, S, ...]`` of all tiles, on the devices."""
    joint = jax.tree.map(lambda *parts: jnp.concatenate(parts)[: population * seeds], *tiles)
    return jax.tree.map(lambda x: x.reshape(population, seeds, *x.shape[1:]), joint)


def _gather(pieces: list[lifetime.Curve], population: int, seeds: int) -> Curves:
    """The curves ``[P, S, ...]`` of all tiles, on the host."""
    host = jax.device_get(pieces)
    joint = jax.tree.map(lambda *parts: np.concatenate(parts)[: population * seeds], *host)
    curves = jax.tree.map(lambda x: x.reshape(population, seeds, *x.shape[1:]), joint)
    return Curves(**curves._asdict())


def describe_shapes(environment: Environment, candidate: Algorithm, steps: int) -> int:
    """Trace a lifetime without running it, so that a mistake of the user shows before a long run.

    Returns:
        The number of updates of the lifetime.

    Raises:
        UserError: a head that the network cannot give, minibatches that do not divide, a budget below one update, ...
    """
    total = lifetime.updates_in(candidate, environment, steps)
    key, updates = jax.eval_shape(jax.random.key, 0), jax.ShapeDtypeStruct((), jnp.int32)
    jax.eval_shape(lifetime.run, candidate, environment, key, updates)  # of one structure on one task it is traced once
    return total
