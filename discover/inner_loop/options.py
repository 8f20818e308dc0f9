"""Lifetimes in an order in which those side by side have one option, so that a switch runs that option alone.

``jax.lax.switch`` by an index that differs between the lifetimes of a tile computes every option for all of them. Where a
component asks for it (``option_index(..., apart=True)``), all lifetimes of a device have one index instead, which the program
receives once for each device. Which program runs depends on the structure alone, never on who is in a population: so a
lifetime has the same bits in any company.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import jax
import numpy as np

from discover.components.component import Component
from discover.components.option_domains import OptionIndexDomain
from discover.components.paths import walk
from discover.contract.types import Members

T = TypeVar("T")


def kept_apart(members: Members) -> list[bool]:
    """Of each leaf, whether it is an index that lifetimes side by side share.

    >>> from discover_zoo.networks.one_of_networks import OneOfNetworks
    >>> kept_apart(OneOfNetworks(options=(), index=1))
    [True]
    """
    if not isinstance(members, Component):
        return [False] * len(jax.tree.leaves(members))
    leaves = [(field.domain, value) for _, _, field, value in walk(members) if field.role == "leaf"]
    flags = [isinstance(domain, OptionIndexDomain) and domain.apart for domain, _ in leaves]
    return [flag for flag, (_, value) in zip(flags, leaves, strict=True) for _ in jax.tree.leaves(value)]


def in_order(candidates: Members, seeds: int, chunk: int) -> np.ndarray:
    """The indices of the lifetimes as they run, those of a member in a row: each chunk is of one option.

    The last chunk of an option is filled up with its first lifetimes again.

    >>> from discover import replace
    >>> from discover_zoo.networks.one_of_networks import OneOfNetworks
    >>> population = replace(OneOfNetworks(options=()), {"index": np.array([0, 1, 0], np.int32)})
    >>> in_order(population, seeds=1, chunk=2).tolist(), in_order(population, seeds=2, chunk=2).tolist()
    ([0, 2, 1, 1], [0, 1, 4, 5, 2, 3])
    """
    leaves = jax.tree.leaves(candidates)
    indices = [np.asarray(leaf) for leaf, flag in zip(leaves, kept_apart(candidates), strict=True) if flag]
    members = len(leaves[0]) if leaves else 1
    if not indices:
        return np.arange(members * seeds)
    options = np.unique(np.stack(indices, axis=1), axis=0, return_inverse=True)[1].reshape(-1)
    of_lifetime = np.repeat(options, seeds)
    places = [np.flatnonzero(of_lifetime == option) for option in range(options.max() + 1)]
    return np.concatenate([np.resize(mine, -(-len(mine) // chunk) * chunk) for mine in places])


def of_tile(candidates: Members, lifetimes: np.ndarray, seeds: int, chunk: int) -> Members:
    """The members of a tile on the host, ``[tile, ...]``; of an index that lifetimes share, one for each chunk."""
    leaves, structure = jax.tree.flatten(candidates)
    whose = lifetimes // seeds
    flags = kept_apart(candidates)
    mine = [np.asarray(leaf)[whose[::chunk] if flag else whose] for leaf, flag in zip(leaves, flags, strict=True)]
    return jax.tree.unflatten(structure, mine)


def mapped(one: Callable[..., T]) -> Callable[..., T]:
    """The function ``one`` of a member and trees, for each lifetime of a tile by ``jax.vmap``, but for shared indices."""

    def each(members: Members, *trees: Any) -> T:
        leaves, structure = jax.tree.flatten(members)
        flags = kept_apart(members)
        given = [leaf[0] if flag else leaf for leaf, flag in zip(leaves, flags, strict=True)]
        axes = [None if flag else 0 for flag in flags]

        def for_one(leaves: list[jax.Array], *trees: Any) -> T:
            return one(jax.tree.unflatten(structure, leaves), *trees)

        return jax.vmap(for_one, in_axes=(axes, *(0 for _ in trees)))(given, *trees)

    return each
