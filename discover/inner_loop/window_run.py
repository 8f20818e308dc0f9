"""Windows of all agents of a piece of work, tile by tile, with the gradients of each member."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from discover.base.errors import UserError
from discover.contract.algorithm import Algorithm
from discover.contract.executor import Curves, Done, Work, part_of_progress
from discover.contract.meta_objective import Gradients, Window
from discover.contract.types import Lifetimes
from discover.inner_loop.population import structure_of
from discover.inner_loop.reasons import reason
from discover.inner_loop.update import REPORT, ROWS, newborn
from discover.inner_loop.window import LivingAgent, Passed, Plan, born
from discover.inner_loop.window_programs import Tile, TileResult, WindowPrograms, run_tile, window_programs_for
from discover.storage.array_file import generator_of, is_key

BATCHES = 16
"""Batches of agents at most, over which gradients are told apart: enough for a standard error."""


def run_window(
    work: Work,
    *,
    chunk: int,
    progress: Callable[[float], None] | None = None,
    devices: tuple[object, ...] | None = None,
) -> Done:
    """Run a piece of work that has a window on the devices of this process, see `Executor.run`.

    Args:
        work: the piece.
        chunk: agents side by side on each device. A member's last tile is filled up, so that every tile is the same program.
        progress: called after each tile with the share that is done.
        devices: those to use, where they are not all that the agents fill.
    """
    assert work.window is not None
    members, seeds = work.shape
    devices = (devices or tuple(jax.devices()))[: -(-seeds // chunk)]
    programs = _programs(work, work.window, devices, alone=chunk == 1)
    plan = Plan(work.environment, work.window.objective, jnp.int32(work.total))
    agents = nobody_yet(work) if work.ongoing is None else work.ongoing
    ends = first_ends(work)
    batches, pieces = [_Batches(-(-seeds // chunk)) for _ in range(members)], []
    tiles = [(member, tile) for member in range(members) for tile in _tiles(seeds, chunk * len(devices))]
    for place, (member, tile) in enumerate(tiles):
        candidate = jax.tree.map(lambda x, m=member: np.asarray(x)[m], work.candidates)
        mine = Tile(_taken(agents, member, tile.seeds), ends[tile.seeds], tile.weights)
        result = programs.run(plan, candidate, mine)
        batches[member].add(result)
        pieces.append(result.passed)
        report = part_of_progress(progress, place, len(tiles))
        if report is not None:
            report(1.0)
    passed = _joined(pieces, members, seeds)
    told = jax.device_get((passed.measures, passed.info))
    info = {name: _mean(values) for name, values in told[1].items()}
    joint = tuple(np.stack(leaves) for leaves in zip(*[each.means() for each in batches], strict=True))
    counts = np.stack([each.counts for each in batches])
    curves = _curves(work, told[0], sound=counts.sum(axis=1) > 0)
    return Done(curves, passed.agent if work.keep else None, Gradients(joint, counts, info))


def first_ends(work: Work) -> np.ndarray:
    """Where the first lifetime of each agent ends, ``[S]``: spread evenly, so that later agents of all ages live side by side.

    An agent that is cut off early is no worse for it: its clock is that of a whole lifetime.

    >>> window = Window(updates=5, objective=None)
    >>> first_ends(Work(None, {}, keys=np.zeros(4), stop=5, total=20, window=window)).tolist()
    [20, 15, 10, 5]
    """
    assert work.window is not None
    seeds, windows = len(work.keys), work.total // work.window.updates
    return (work.window.updates * (windows - np.arange(seeds) * windows // seeds)).astype(np.int32)


def form_of_agents(work: Work) -> Lifetimes:
    """The tree that all agents of a piece of work are, with shapes ``[P, S, ...]`` and types in the place of arrays."""
    assert work.window is not None
    members, objective = work.shape[0], work.window.objective

    def one(candidate: Algorithm, key: jax.Array) -> LivingAgent:
        life, zero = newborn(candidate, work.environment, key), jnp.zeros((), jnp.int32)
        state = objective.init(key, candidate.world(work.environment))
        unborn = LivingAgent(key, life, age=zero, end=zero, births=zero, objective=state)
        return born(candidate, Plan(work.environment, objective, zero), unborn, zero)

    def all_of_them(keys: jax.Array) -> LivingAgent:
        candidate = jax.tree.map(lambda x: jnp.asarray(x)[0], work.candidates)
        agents = jax.vmap(lambda key: one(candidate, key))(keys)
        return jax.tree.map(lambda x: jnp.broadcast_to(x, (members, *x.shape)), agents)

    return jax.eval_shape(all_of_them, work.keys)


def check_window(work: Work) -> None:
    """Trace the window of one agent with its gradient, without running it.

    Raises:
        UserError: the rule cannot be differentiated, collects by itself, ...
    """
    assert work.window is not None
    window, alone = work.window, work._replace(keys=work.keys[:1])
    agents, candidate = jax.tree.map(lambda x: x[0], (nobody_yet(alone), work.candidates))
    plan, ends = Plan(work.environment, window.objective, jnp.int32(work.total)), first_ends(alone)
    traced = functools.partial(run_tile, window=window)
    try:
        jax.eval_shape(traced, plan, candidate, Tile(agents, ends, np.ones(1, np.float32)))
    except (TypeError, ValueError, NotImplementedError) as error:
        name = type(candidate.rule).__name__
        raise UserError(
            f"the strategy climbs by gradients, and {name} cannot be differentiated ({reason(error)}): choose another rule, or "
            "another strategy."
        ) from None


def nobody_yet(work: Work) -> Lifetimes:
    """Agents that have not been born: their lifetime is over, so that their first one begins with the window."""

    def empty(form: jax.ShapeDtypeStruct) -> jax.Array:
        if not is_key(form):
            return jnp.zeros(form.shape, form.dtype)
        raw = jax.eval_shape(jax.random.key_data, form)
        return jax.random.wrap_key_data(jnp.zeros(raw.shape, raw.dtype), impl=generator_of(form))

    agents = jax.tree.map(empty, form_of_agents(work))
    keys = jnp.broadcast_to(work.keys, work.shape)
    return agents._replace(key=keys, births=agents.births - 1)


class _Places(NamedTuple):
    """The agents of one member that run together.

    Attributes:
        seeds: their places among the member's agents; where they do not fill the tile, the first ones stand there again.
        weights: 1 for each, 0 for those that stand there again.
    """

    seeds: np.ndarray
    weights: np.ndarray


def _tiles(seeds: int, size: int) -> Iterator[_Places]:
    for start in range(0, seeds, size):
        places = np.arange(start, start + size)
        yield _Places(places % seeds, (places < seeds).astype(np.float32))


class _Batches:
    """The gradients of one member, by batches of agents.

    Args:
        parts: how many devices, over all tiles, will give one.

    Attributes:
        counts: ``[N]`` agents of each batch.
    """

    def __init__(self, parts: int):
        self._parts, self._seen = parts, 0
        self.counts = np.zeros(min(BATCHES, parts), np.float32)
        self._sums: list[np.ndarray] = []

    def add(self, result: TileResult) -> None:
        """Add what each device gave; those that only filled a tile up come last."""
        gradients, counts = jax.device_get((result.gradients, result.counts))
        if not self._sums:
            self._sums = [np.zeros((len(self.counts), *leaf.shape[1:]), np.float32) for leaf in gradients]
        for part, count in enumerate(counts[: self._parts - self._seen]):
            batch = (self._seen + part) * len(self.counts) // self._parts
            self.counts[batch] += count
            for total, leaf in zip(self._sums, gradients, strict=True):
                total[batch] += count * leaf[part]
        self._seen += len(counts)

    def means(self) -> list[np.ndarray]:
        """The mean gradient ``[N, ...]`` of each batch, by leaf."""
        counts = np.maximum(self.counts, 1.0)
        return [total / counts.reshape(-1, *(1,) * (total.ndim - 1)) for total in self._sums]


@jax.jit
def _taken(agents: Lifetimes, member: int, seeds: np.ndarray) -> Lifetimes:
    """Some agents of one member."""
    return jax.tree.map(lambda x: x[member, seeds], agents)


@functools.partial(jax.jit, static_argnums=(1, 2))
def _joined(tiles: list[Passed], members: int, seeds: int) -> Passed:
    """The results of all tiles, ``[P, S, ...]``, without those of copies that filled them up."""

    def joined(*parts: jax.Array) -> jax.Array:
        rows = jnp.concatenate(parts).reshape(members, -1, *parts[0].shape[1:])
        return rows[:, :seeds]

    return jax.tree.map(joined, *tiles)


def _programs(work: Work, window: Window, devices: tuple[object, ...], alone: bool) -> WindowPrograms:
    structure = structure_of(work), alone
    return window_programs_for(structure, devices, lambda: WindowPrograms(devices, alone, window))


def _curves(work: Work, measures: Mapping[str, np.ndarray], sound: np.ndarray) -> Curves:
    """The curves ``[P, S, 100]`` of the window, from measures ``[P, S, K]``.

    An agent that has finished no episode of its lifetime yet has the mean return of the others, since its own is not known.

    Args:
        work: the piece.
        measures: what happened in each update.
        sound: ``[P]`` whether the member has a gradient.
    """
    covered = measures["episodes"]
    row = np.arange(ROWS) * covered.shape[-1] // ROWS

    def per_episode(name: str) -> np.ndarray:
        known = np.where(covered > 0, measures[name] / np.maximum(covered, 1.0), np.nan)
        known = np.where(np.isfinite(known), known, np.nan)
        return np.where(np.isnan(known), _mean(known.reshape(len(known), -1))[:, None, None], known)[..., row]

    candidate = jax.tree.map(lambda x: x[0], work.candidates)
    rollout = candidate.rule.rollout(candidate.family(work.environment).spec())
    steps = rollout.steps * rollout.num_envs * covered.shape[-1]
    return Curves(
        episode_return=per_episode("episode_return").astype(np.float32),
        episode_length=per_episode("episode_length").astype(np.float32),
        info={name: values[..., row] for name, values in measures.items() if name not in REPORT},
        finite=np.broadcast_to(sound[:, None], covered.shape[:2]).copy(),
        env_steps=np.full(covered.shape[:2], steps, np.int32),
    )


def _mean(values: np.ndarray) -> np.ndarray:
    """The mean ``[P]`` of the finite numbers of each member; NaN where there is none."""
    finite = np.isfinite(values)
    count = finite.sum(axis=1)
    total = np.where(finite, values, 0.0).sum(axis=1, dtype=np.float64)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan).astype(np.float32)
