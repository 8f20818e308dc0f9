"""Compiled programs that run a window of a tile of agents, and give its gradient."""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable
from typing import NamedTuple, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from discover.contract.actor import where
from discover.contract.algorithm import Algorithm
from discover.contract.meta_objective import Window
from discover.inner_loop.kept_programs import KeptPrograms
from discover.inner_loop.programs import compiler_options
from discover.inner_loop.traced import Function, Traced
from discover.inner_loop.window import LivingAgent, Passed, Plan, born, pass_window

Leaves: TypeAlias = "tuple[jax.Array, ...]"
"""The leaves of a candidate whose gradient is wanted."""

_AXIS = "agents"


class Tile(NamedTuple):
    """Agents that run side by side.

    Attributes:
        agents: ``[A, ...]``.
        first_ends: ``[A]`` where the first lifetime of each ends.
        weights: ``[A]``: 0 for copies that fill the tile up, else 1.
    """

    agents: LivingAgent
    first_ends: jax.Array | np.ndarray
    weights: jax.Array | np.ndarray


class TileResult(NamedTuple):
    """The result of a tile, on each of D devices.

    Attributes:
        gradients: ``[D, ...]`` of each wanted leaf: the mean over the agents of a device.
        counts: ``[D]`` how many these are; 0 if their gradient is not finite, which is 0 then.
        passed: ``[tile, ...]`` what the window leaves of each agent.
    """

    gradients: Leaves
    counts: jax.Array
    passed: Passed


class WindowPrograms:
    """The compiled program of a window for one structure of candidate, task family and meta-objective.

    Agents ``[tile, ...]`` are spread over the devices. They share one candidate, so that its gradient is summed over them where
    it arises, and takes the memory of one.

    Args:
        devices: over which a tile is spread.
        alone: whether each device runs one agent at a time.
        window: that is run.
    """

    def __init__(self, devices: tuple[object, ...], alone: bool, window: Window):
        self.devices = devices
        self._mesh = Mesh(np.asarray(devices), (_AXIS,))
        each, same = PartitionSpec(_AXIS), PartitionSpec()
        specs = (same, same, each, each)

        def tile(plan: Plan, candidate: Algorithm, agents: LivingAgent, more: tuple[jax.Array, jax.Array]) -> TileResult:
            return run_tile(plan, candidate, Tile(agents, *more), window=window)

        whole = Function(
            name=_name_of(window),
            function=jax.shard_map(tile, mesh=self._mesh, in_specs=specs, out_specs=each, check_vma=False),
            inputs=tuple(NamedSharding(self._mesh, spec) for spec in specs),
            output=NamedSharding(self._mesh, each),
            options=compiler_options(alone),
            given_away=(2,),
        )
        self._run = Traced(whole)

    def run(self, plan: Plan, candidate: Algorithm, tile: Tile) -> TileResult:
        """Run a tile, whose agents are given away: their memory becomes that of the result."""
        agents, *more = self._placed(tile)
        return jax.block_until_ready(self._run(plan, candidate, agents, tuple(more)))

    def _placed(self, tile: Tile) -> Tile:
        """The tile, spread over the devices."""
        return jax.device_put(tile, NamedSharding(self._mesh, PartitionSpec(_AXIS)))


_kept = KeptPrograms[WindowPrograms]()


def window_programs_for(structure: Hashable, devices: tuple[object, ...], make: Callable[[], WindowPrograms]) -> WindowPrograms:
    """The programs of a structure, which are those of an earlier call where that had the same devices.

    Args:
        structure: all that the program depends on.
        devices: over which a tile is spread.
        make: makes them, if there are none.
    """
    return _kept.get((structure, devices), make)


def _name_of(window: Window) -> str:
    """The name of the program, which tells of the window all that is not among the arguments.

    >>> _name_of(Window(updates=5, objective=None, leaves=(True, False), recompute=True))
    'window_5_10_recompute'
    """
    leaves = "".join(str(int(flag)) for flag in window.leaves)
    return f"window_{window.updates}_{leaves}{'_recompute' * window.recompute}"


def run_tile(plan: Plan, candidate: Algorithm, tile: Tile, *, window: Window) -> TileResult:
    """The window of the agents on one device.

    Args:
        plan, candidate: of all agents.
        tile: the agents.
        window: that is run.
    """
    wanted = window.leaves
    leaves, structure = jax.tree.flatten(candidate)
    open_leaves = tuple(leaf for leaf, flag in zip(leaves, wanted, strict=True) if flag)

    def climbed(open_leaves: Leaves) -> tuple[jax.Array, Passed]:
        mine = iter(open_leaves)
        filled = [next(mine) if flag else leaf for leaf, flag in zip(leaves, wanted, strict=True)]
        algorithm = jax.tree.unflatten(structure, filled)
        one = functools.partial(pass_window, algorithm, plan, updates=window.updates, recompute=window.recompute)
        values, passed = jax.vmap(one)(agents)
        return jnp.sum(weights * values) / jnp.maximum(jnp.sum(weights), 1.0), passed

    agents, weights = _with_births(plan, candidate, tile), tile.weights
    gradients, passed = jax.grad(climbed, has_aux=True)(open_leaves)
    finite = jnp.all(jnp.stack([jnp.all(jnp.isfinite(gradient)) for gradient in gradients]))
    gradients = jax.tree.map(lambda gradient: jnp.where(finite, gradient, 0.0)[None], gradients)
    return TileResult(gradients, jnp.where(finite, jnp.sum(weights), 0.0)[None], passed)


def _with_births(plan: Plan, candidate: Algorithm, tile: Tile) -> LivingAgent:
    """The agents, of whom those whose lifetime is over have begun the next one."""
    agents, first_ends, _ = tile
    over = agents.age >= agents.end

    def anew() -> LivingAgent:
        begun = jax.vmap(lambda agent, first_end: born(candidate, plan, agent, first_end))(agents, first_ends)
        return where(over, begun, agents)

    return jax.lax.cond(jnp.any(over), anew, lambda: agents)
