"""Populations of lifetimes as compiled programs.

Lifetimes run in *tiles* of fixed size: ``chunk`` lifetimes side by side on each device, in one compiled program per structure
and environment type, whatever the population. The tile fits the cache, bounds the memory, and fixes the bits.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from discover.base.randomness import named_key
from discover.contract.algorithm import Algorithm
from discover.contract.environment import Environment
from discover.contract.executor import Curves
from discover.inner_loop import lifetime
from discover.process.devices import warn_of_idle_cores

_AXIS = "lifetimes"

_IN_ORDER = {"xla_cpu_scheduler_type": "CPU_SCHEDULER_TYPE_MEMORY_OPTIMIZED"}
"""In which order a CPU runs a program: one that leaves little to do side by side. By default XLA hands small operations to idle
cores, which costs more than it gives: a lone agent on CartPole trains a tenth faster so, other cases as fast as before."""

_LIGHTLY_OPTIMIZED = {"xla_backend_optimization_level": 1}
"""How hard LLVM tries on a CPU: compilation takes a tenth to a fifth less than by default, and programs run as fast."""

_ALONE = {"xla_cpu_multi_thread_eigen": False, "xla_cpu_experimental_ynn_fusion_type": ""}
"""How a CPU multiplies the small matrices of a lone lifetime: on the core that has them, and without XLA's newer library, which
is the faster one for several lifetimes side by side but has a higher price per product, and loses memory in SAC (150 kB per
update, jax 0.10.2). A lone agent trains a tenth (CartPole) to a quarter (Breakout) faster so."""

_CACHE = 4 * 2**20
"""Bytes that lifetimes side by side on a CPU core may work on."""


def fitting_chunk(lifetimes: int, size: int) -> int:
    """How many lifetimes to run side by side on one device.

    As many as there are for each device, but no more than 8 on a CPU core and no more than its cache holds (measured, see
    experiments/benchmarks), or 1024 on a GPU. What the cache allows is rounded down to a power of two, which
    populations, mostly powers of two too, fill.

    Args:
        lifetimes: how many there are.
        size: bytes that one of them works on, see `lifetime_bytes`.
    """
    most = max(1, min(8, _CACHE // size)) if jax.default_backend() == "cpu" else 1024
    most = 1 << (most.bit_length() - 1)
    return min(most, -(-lifetimes // jax.device_count()))


def lifetime_bytes(environment: Environment, candidate: Algorithm) -> int:
    """How many bytes one lifetime works on: its state, and the experience of one update."""

    def held(candidate: Algorithm, key: jax.Array) -> Any:
        life = lifetime.begin(candidate, environment, key)
        world = candidate.world(environment)
        rollout = candidate.rule.rollout(world.spec)
        if life.actor is None:
            return life
        acting, context = candidate.rule.behavior(life.params, life.rule_state)
        return life, world.collect(acting, life.actor, key, rollout.steps, context)[1]

    shapes = jax.eval_shape(held, candidate, jax.eval_shape(lambda: jax.random.key(0)))
    return sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree.leaves(shapes))


def evaluate_population(
    environment: Environment,
    candidates: Any,
    keys: jax.Array,
    steps: int,
    chunk: int,
    progress: Callable[[float], None] | None = None,
) -> Curves:
    """Curves ``[P, S, ...]`` of a population of one structure over seeds; see `discover.contract.executor.Executor.evaluate`.

    Args:
        environment: task family.
        candidates: each leaf ``[P, ...]``.
        keys: ``[S]``.
        steps: env-step budget of each lifetime.
        chunk: lifetimes side by side on each device; the last tile is filled up, so every tile is the same program.
        progress: called after each piece of work with the share done.
    """
    population, seeds = len(jax.tree.leaves(candidates)[0]), len(keys)
    first = jax.tree.map(lambda x: x[0], candidates)
    total = lifetime.updates_in(first, environment, steps)
    lifetimes = population * seeds
    programs = _programs_for(lifetimes, chunk)
    tile = chunk * programs.devices
    pieces, done = [], 0
    host = jax.tree.map(np.asarray, candidates)
    for index in _tiles(lifetimes, tile):
        members = programs.place(jax.tree.map(lambda x, i=index: x[i // seeds], host))
        ongoing = programs.begin(environment, members, programs.place(keys[index % seeds]))
        ongoing = programs.advance(environment, members, ongoing, 0, total, total)
        pieces.append(programs.finish(ongoing, total))
        done += tile
        if progress is not None:
            jax.block_until_ready(pieces[-1])
            progress(min(1.0, done / lifetimes))
    return _gathered(pieces, population, seeds)


def begin_population(environment: Environment, candidates: Any, keys: jax.Array, chunk: int) -> Any:
    """Lifetimes ``[P, S, ...]`` before their first update; see `discover.contract.executor.Executor.begin`."""
    population, seeds = len(jax.tree.leaves(candidates)[0]), len(keys)
    programs, pieces = _programs_for(population * seeds, chunk), []
    for index in _tiles(population * seeds, chunk * programs.devices):
        members = programs.place(jax.tree.map(lambda x, i=index: np.asarray(x)[i // seeds], candidates))
        pieces.append(programs.begin(environment, members, programs.place(keys[index % seeds])))
    return _joined(pieces, population, seeds)


def advance_population(
    environment: Environment, candidates: Any, ongoing: Any, start: int, stop: int, total: int, chunk: int
) -> tuple[Any, Curves]:
    """Lifetimes ``[P, S, ...]`` after a window of updates, and its curves; see `Executor.advance`."""
    population, seeds = ongoing.counts.shape[:2]
    programs = _programs_for(population * seeds, chunk)
    flat = jax.tree.map(lambda x: x.reshape(population * seeds, *x.shape[2:]), ongoing)
    after, pieces = [], []
    for index in _tiles(population * seeds, chunk * programs.devices):
        members = programs.place(jax.tree.map(lambda x, i=index: np.asarray(x)[i // seeds], candidates))
        tile = programs.place(jax.tree.map(lambda x, i=index: x[i], flat))
        advanced, curves = programs.advance_window(environment, members, tile, start, stop, total)
        after.append(advanced)
        pieces.append(curves)
    curves = _gathered(pieces, population, seeds)  # first: an operation on lifetimes whose program failed would abort Python
    return _joined(after, population, seeds), curves


@jax.jit
def inherit(ongoing: Any, parents: jax.Array, generation: Any) -> Any:
    """Member i goes on with the lifetimes of member ``parents[i]``: one gather over all that ``[P, S, ...]`` lifetimes hold.

    A copy gets a stream of random numbers of its own, by generation and place, else it would stay the same as its
    parent; who goes on with its own lifetimes keeps its stream.
    """
    taken = jax.tree.map(lambda x: x[parents], ongoing)
    place = jnp.arange(len(parents))

    def own(key: jax.Array, index: jax.Array) -> jax.Array:
        return jax.random.fold_in(jax.random.fold_in(named_key(key, "inherit"), generation), index)

    fresh = jax.vmap(jax.vmap(own, in_axes=(0, None)))(taken.key, place)
    return taken._replace(key=jnp.where((parents == place)[:, None], taken.key, fresh))


class Programs:
    """The compiled programs that begin, advance and finish a tile of lifetimes, each lifetime's leaves ``[tile, ...]``.

    `advance` takes the updates from ``start`` to ``stop`` of ``total`` as numbers, not as structure: one program fits every
    horizon, and a long lifetime can be run, saved and continued in pieces. `advance_window` does so with a curve of its own
    for the piece.
    """

    def __init__(self, devices: tuple[Any, ...], alone: bool):
        self.devices = len(devices)
        self._options = _compiler_options(alone)
        self._mesh = Mesh(np.asarray(devices), (_AXIS,))
        each, same = PartitionSpec(_AXIS), PartitionSpec()
        self.begin = self._sharded(_begin, (same, each, each))
        self.advance = self._sharded(_advance, (same, each, each, same, same, same))
        self.advance_window = self._sharded(_advance_window, (same, each, each, same, same, same))
        self.finish = self._sharded(_finish, (each, same))

    def place(self, tree: Any) -> Any:
        """Spread leaves ``[tile, ...]`` over the devices."""
        return jax.device_put(tree, NamedSharding(self._mesh, PartitionSpec(_AXIS)))

    def _sharded(self, function: Callable[..., Any], specs: tuple[PartitionSpec, ...]) -> Callable[..., Any]:
        sharded = jax.shard_map(function, mesh=self._mesh, in_specs=specs, out_specs=PartitionSpec(_AXIS), check_vma=False)
        return jax.jit(sharded, compiler_options=self._options)


@functools.cache
def programs_on(devices: tuple[Any, ...], alone: bool = False) -> Programs:
    """The programs for a set of devices: made once, so that nothing compiles twice.

    Args:
        devices: over which lifetimes are spread.
        alone: each device runs one lifetime at a time.
    """
    warn_of_idle_cores(jax.devices())
    return Programs(devices, alone)


def _programs_for(lifetimes: int, chunk: int) -> Programs:
    """The programs for as few devices as so many lifetimes fill."""
    return programs_on(tuple(jax.devices()[: -(-lifetimes // chunk)]), chunk == 1)


def _compiler_options(alone: bool) -> dict[str, Any]:
    """What XLA is told on a CPU, as far as this version of it knows the options."""
    if jax.default_backend() != "cpu":
        return {}
    wanted = _IN_ORDER | _LIGHTLY_OPTIMIZED | (_ALONE if alone else {})
    return {name: value for name, value in wanted.items() if _known(name, value)}


@functools.cache
def _known(option: str, value: Any) -> bool:
    """Whether XLA takes a compiler option; others come and go between its versions."""
    try:
        jax.jit(lambda: jnp.zeros(()), compiler_options={option: value}).lower().compile()
    except jax.errors.JaxRuntimeError:
        return False
    return True


def _begin(environment: Environment, members: Any, keys: jax.Array) -> Any:
    return _side_by_side(lambda member, key: lifetime.begin(member, environment, key))(members, keys)


def _advance(environment: Environment, members: Any, ongoing: Any, start: Any, stop: Any, total: Any) -> Any:
    def one(member: Any, life: Any) -> Any:
        return lifetime.advance(member, environment, life, start, stop, total)

    return _side_by_side(one)(members, ongoing)


def _side_by_side(one: Callable[..., Any]) -> Callable[..., Any]:
    """``one`` for each lifetime; for a lone one without an axis of length 1, which XLA would not see through everywhere."""

    def each(*trees: Any) -> Any:
        if len(jax.tree.leaves(trees)[0]) > 1:
            return jax.vmap(one)(*trees)
        return jax.tree.map(lambda x: x[None], one(*jax.tree.map(lambda x: x[0], trees)))

    return each


def _advance_window(environment: Environment, members: Any, ongoing: Any, start: Any, stop: Any, total: Any) -> Any:
    def one(member: Any, life: Any) -> Any:
        window = (start, stop - start)
        after = lifetime.advance(member, environment, lifetime.fresh_window(life), start, stop, total, window)
        curve = lifetime.curve_of(after, stop - start)
        return after, curve._replace(env_steps=after.env_steps - life.env_steps)

    return jax.vmap(one)(members, ongoing)


def _finish(ongoing: Any, total: Any) -> Any:
    return jax.vmap(lambda life: lifetime.curve_of(life, total))(ongoing)


def _tiles(lifetimes: int, tile: int) -> Iterator[np.ndarray]:
    """Indices of each tile; the last one is filled up with the first lifetimes again."""
    for start in range(0, lifetimes, tile):
        yield np.arange(start, start + tile) % lifetimes


def _joined(pieces: list[Any], population: int, seeds: int) -> Any:
    """Lifetimes ``[P, S, ...]`` of tiles, on the devices."""
    joined = jax.tree.map(lambda *parts: jnp.concatenate(parts)[: population * seeds], *pieces)
    return jax.tree.map(lambda x: x.reshape(population, seeds, *x.shape[1:]), joined)


def _gathered(pieces: list[Any], population: int, seeds: int) -> Curves:
    host = jax.device_get(pieces)
    joined = jax.tree.map(lambda *parts: np.concatenate(parts)[: population * seeds], *host)
    shaped = jax.tree.map(lambda x: x.reshape(population, seeds, *x.shape[1:]), joined)
    return Curves(shaped.episode_return, shaped.episode_length, dict(shaped.info), shaped.finite, shaped.env_steps)


def describe_shapes(environment: Environment, candidate: Any, steps: int) -> int:
    """Trace a lifetime without running it, so that a user's mistake is told before a long run; gives its updates.

    Raises:
        UserError: a head that the network cannot give, minibatches that do not divide, a budget below one update, ...
    """
    total = lifetime.updates_in(candidate, environment, steps)
    keys = jax.eval_shape(lambda: jax.random.key(0))
    jax.eval_shape(lambda c, key: lifetime.run(c, environment, key, jnp.asarray(total, jnp.int32)), candidate, keys)
    return total
