"""Populations of lifetimes as compiled programs.

Lifetimes run in *tiles* of fixed size: ``chunk`` lifetimes side by side on each device. So one compiled program for a structure
and a type of environment fits every population. The size of the tile decides whether it fits the cache, how much memory it
takes, and the bits of the results.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator

import jax
import jax.numpy as jnp
import numpy as np

from discover.base.randomness import named_key
from discover.contract.algorithm import Algorithm
from discover.contract.environment import Environment
from discover.contract.executor import Curves, Done, Work, part_of_progress
from discover.contract.held import HeldLifetimes
from discover.contract.types import Key, Lifetimes, Members
from discover.inner_loop import lifetime, options
from discover.inner_loop.kept_programs import MOST
from discover.inner_loop.programs import Updates, programs_for
from discover.inner_loop.windows import pace_of

_CACHE = 4 * 2**20
"""Bytes that all lifetimes side by side on one CPU core may use."""

_forms: dict[Hashable, Lifetimes] = {}
"""The tree that a lifetime is, by structure."""


def fitting_chunk(lifetimes: int, size: int, devices: int = 0) -> int:
    """The number of lifetimes to run side by side on one device.

    It is the number of lifetimes for each device, but at most 8 on a CPU core and at most as many as its cache holds (as
    measured in experiments/benchmarks), or 1024 on a GPU. The limit of the cache is rounded down to a power of two, because
    most populations are powers of two, and then fill their tiles.

    Args:
        lifetimes: number of all lifetimes.
        size: bytes that one lifetime uses, see `lifetime_bytes`.
        devices: how many there are; 0 for those of this process.
    """
    most = max(1, min(8, _CACHE // size)) if jax.default_backend() == "cpu" else 1024
    most = 1 << (most.bit_length() - 1)
    return min(most, -(-lifetimes // (devices or jax.device_count())))


def structure_of(work: Work) -> Hashable:
    """The structure that the programs of a piece of work depend on: that of the environment, the candidates and the window."""
    if work.window is None:
        return jax.tree.structure((work.environment, work.candidates))
    updates, objective, leaves, recompute = work.window
    return jax.tree.structure((work.environment, work.candidates, objective)), updates, leaves, recompute


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


def form_of_lifetimes(work: Work) -> Lifetimes:
    """The tree that one lifetime of a piece of work is, with shapes and types in the place of arrays."""
    structure = structure_of(work), work.keys.dtype
    if structure not in _forms:
        if len(_forms) >= MOST:
            _forms.clear()
        first = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape[1:], x.dtype), work.candidates)
        key = jax.ShapeDtypeStruct((), work.keys.dtype)
        _forms[structure] = jax.eval_shape(lambda member, key: lifetime.begin(member, work.environment, key), first, key)
    return _forms[structure]


def run_population(
    work: Work,
    *,
    chunk: int,
    progress: Callable[[float], None] | None = None,
    devices: tuple[object, ...] | None = None,
) -> Done:
    """Run a piece of work on the devices of this process, see `Executor.run`.

    Of fresh lifetimes that are not kept, only one tile is in memory at a time. A tile runs in windows of about a second
    (`discover.inner_loop.windows`), between which a signal can stop it. With a chunk of more than one, all lifetimes run the
    same compiled program, fresh or ongoing.

    Args:
        work: the piece.
        chunk: lifetimes side by side on each device. The last tile is filled up, so that every tile is the same program.
        progress: called after each window of about a second with the share that is done.
        devices: those to use, where they are not all that the lifetimes fill.
    """
    population, seeds = work.shape
    length, fresh = work.stop - work.start, work.ongoing is None
    updates = Updates(start=work.start, stop=work.stop, total=work.total, first=work.start, length=length)
    order = options.in_order(work.candidates, seeds, chunk)
    devices = (devices or tuple(jax.devices()))[: -(-len(order) // chunk)]
    programs = programs_for(structure_of(work), devices, alone=chunk == 1)
    advance = programs.advance if fresh and not work.keep else programs.advance_ongoing
    ongoing = None if fresh else _flat(work.ongoing, population * seeds)
    pieces, kept, tiles = [], [], list(_tiles(order, chunk * len(programs.devices)))
    for place, index in enumerate(tiles):
        members = programs.place(options.of_tile(work.candidates, index, seeds, chunk))
        if ongoing is None:
            tile = programs.begin(work.environment, members, programs.place(work.keys[index % seeds]))
        else:
            tile = programs.place(jax.tree.map(lambda x, i=index: x[i], ongoing))
        report = part_of_progress(progress, place, len(tiles))
        tile = _in_windows(advance, work.environment, members, tile=tile, updates=updates, report=report)
        pieces.append(programs.finish(tile, length))
        if work.keep:
            kept.append(tile)
    rows = _rows(tiles, population * seeds)
    curves = _gather(pieces, rows, work.shape)  # first: an operation on lifetimes whose program failed would abort Python
    if work.ongoing is not None:
        curves = curves._replace(env_steps=curves.env_steps - np.asarray(work.ongoing.env_steps))
    return Done(curves, _join(kept, rows, work.shape) if work.keep else None)


def inherit(ongoing: Lifetimes, parents: jax.Array, generation: jax.Array | int) -> Lifetimes:
    """The lifetimes ``[P, S, ...]`` with which a generation continues: member i has those of member ``parents[i]``.

    A copy gets a new random stream that depends on the generation and its place; otherwise it would repeat its parent. A member
    that continues its own lifetimes keeps its stream.
    """
    if isinstance(ongoing, HeldLifetimes):
        return ongoing.inherit(np.asarray(parents), int(generation))
    return _inherit(ongoing, parents, generation)


@jax.jit
def new_streams(keys: Key, moved: jax.Array, places: jax.Array, generation: jax.Array | int) -> Key:
    """The random streams ``[P, S]`` of members, some of which have moved.

    Args:
        keys: ``[P, S]`` their streams before.
        moved: ``[P]`` whether a member is a copy of another one.
        places: ``[P]`` of the members in the population.
        generation: its number.
    """

    def new_stream(key: Key, index: jax.Array) -> Key:
        return jax.random.fold_in(jax.random.fold_in(named_key(key, "inherit"), generation), index)

    streams = jax.vmap(jax.vmap(new_stream, in_axes=(0, None)))(keys, places)
    return jnp.where(moved[:, None], streams, keys)


@jax.jit
def _inherit(ongoing: Lifetimes, parents: jax.Array, generation: jax.Array | int) -> Lifetimes:
    copies, places = jax.tree.map(lambda x: x[parents], ongoing), jnp.arange(len(parents))
    return copies._replace(key=new_streams(copies.key, parents != places, places, generation))


def _in_windows(
    advance: Callable[..., lifetime.Lifetime],
    environment: Environment,
    members: Members,
    *,
    tile: lifetime.Lifetime,
    updates: Updates,
    report: Callable[[float], None] | None,
) -> lifetime.Lifetime:
    """Advance a tile in windows, and report after each one the share that is done. A signal to stop is answered then too."""
    pace = pace_of(jax.tree.structure((environment, members)), len(tile.counts))
    first, last = int(updates.start), int(updates.stop)
    for start, stop in pace.windows(first, last):
        tile = jax.block_until_ready(advance(environment, members, tile, updates._replace(start=start, stop=stop)))
        if report is not None:
            report((stop - first) / (last - first))
    return tile


def _tiles(order: np.ndarray, tile: int) -> Iterator[np.ndarray]:
    """The indices of the lifetimes in each tile; the last tile is filled up with the first lifetimes again."""
    for start in range(0, len(order), tile):
        yield np.resize(order, start + tile)[start:]


def _rows(tiles: list[np.ndarray], lifetimes: int) -> slice | np.ndarray:
    """The rows of all tiles joined at which the lifetimes stand."""
    rows = np.unique(np.concatenate(tiles), return_index=True)[1]
    return slice(lifetimes) if np.array_equal(rows, np.arange(lifetimes)) else rows


def _flat(ongoing: lifetime.Lifetime, lifetimes: int) -> lifetime.Lifetime:
    """Lifetimes ``[P, S, ...]`` as ``[P * S, ...]``, with empty rows of their curves."""
    return jax.tree.map(lambda x: x.reshape(lifetimes, *x.shape[2:]), lifetime.fresh_window(ongoing))


def _join(tiles: list[lifetime.Lifetime], rows: slice | np.ndarray, shape: tuple[int, int]) -> Lifetimes:
    """The lifetimes ``[P, S, ...]`` of all tiles, on the devices."""
    joint = jax.tree.map(lambda *parts: jnp.concatenate(parts)[rows], *tiles)
    return jax.tree.map(lambda x: x.reshape(*shape, *x.shape[1:]), joint)


def _gather(pieces: list[lifetime.Curve], rows: slice | np.ndarray, shape: tuple[int, int]) -> Curves:
    """The curves ``[P, S, ...]`` of all tiles, on the host."""
    host = jax.device_get(pieces)
    joint = jax.tree.map(lambda *parts: np.concatenate(parts)[rows], *host)
    curves = jax.tree.map(lambda x: x.reshape(*shape, *x.shape[1:]), joint)
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
