"""Rings of rows, into which a lifetime's newest experience is written in place of its oldest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import jax
import jax.numpy as jnp

from discover.base.errors import UserError
from discover.contract.trajectory import Trajectory, Unscaled

T = TypeVar("T")

_EMPTY = dict.fromkeys(Trajectory._fields, ()) | {"context": {}}


def capacity_of(rows: Any) -> int:
    """The number of rows for which a ring has room."""
    return jax.tree.leaves(rows)[0].shape[0]


def written(rows: T, new: T, added: jax.Array) -> T:
    """The ring ``[capacity, ...]`` with rows ``new[n, ...]`` after the ``added`` ones; gradients are stopped."""
    rings, flat = jax.tree.map(lambda x: x[None], (rows, new))
    start = (added % capacity_of(rows))[None]
    return jax.tree.map(lambda ring: ring[0], _write(*jax.lax.stop_gradient((rings, flat)), start))


def only(trajectory: Trajectory, keep: tuple[str, ...]) -> Trajectory:
    """The trajectory with the fields of these names alone; the others are empty."""
    return trajectory._replace(**{name: value for name, value in _EMPTY.items() if name not in keep})


def before_scaling(trajectory: Trajectory) -> tuple[Trajectory, tuple[Any, ...]]:
    """The trajectory before the normalizer, and the normalizer with its statistics; ``()`` without a normalizer."""
    before = trajectory.unscaled
    if not isinstance(before, Unscaled):
        return trajectory, ()
    return trajectory.original, (before.normalizer, before.statistics)


def before_scaling_as(scale: tuple[Any, ...], trajectory: Trajectory) -> tuple[Trajectory, tuple[Any, ...]]:
    """`before_scaling` of a trajectory for a ring that has such a ``scale``.

    Raises:
        UserError: there is a normalizer, and the trajectory lacks the numbers before it.
    """
    unscaled, new = before_scaling(trajectory)
    if len(new) != len(scale):
        raise UserError(
            "this replay buffer keeps what was there before the normalizer, which the experience added has lost "
            "(minibatches and groups of environments do not carry it): add experience as it was collected."
        )
    return unscaled, jax.lax.stop_gradient(new)


def rescaled(batch: Trajectory, scale: tuple[Any, ...]) -> Trajectory:
    """The batch ``[T, N]`` rescaled by a normalizer's statistics; as it is without any."""
    if not scale:
        return batch
    normalizer, statistics = scale
    functions = {
        "observation": normalizer.normalize,
        "next_observation": normalizer.normalize,
        "reward": normalizer.normalize_reward,
    }
    fields = {name: rescale for name, rescale in functions.items() if jax.tree.leaves(getattr(batch, name))}

    def at_once(x: jax.Array, name: str) -> jax.Array:
        return fields[name](statistics, x.reshape(-1, *x.shape[2:])).reshape(x.shape)

    return batch._replace(**{name: at_once(getattr(batch, name), name) for name in fields})


@jax.custom_batching.custom_vmap
def _write(rings: T, new: T, start: jax.Array) -> T:
    """Write ``new[P, n, ...]`` into rings ``[P, capacity, ...]`` at ``start[P]``, member after member and in place.

    By default ``vmap`` turns the writing into one scatter, for which XLA copies all rings on a CPU at each update.
    """

    def write_member(member: jax.Array, rings: T) -> T:
        def write_leaf(ring: jax.Array, rows: jax.Array) -> jax.Array:
            begin = (member, start[member], *(0 for _ in ring.shape[2:]))
            return jax.lax.dynamic_update_slice(ring, jax.lax.dynamic_slice_in_dim(rows, member, 1), begin)

        return jax.tree.map(write_leaf, rings, new)

    return jax.lax.fori_loop(0, start.shape[0], write_member, rings)


@_write.def_vmap
def _write_side_by_side(size: int, batched: Sequence[Any], rings: T, new: T, start: jax.Array) -> tuple[T, Any]:
    """`_write` under ``vmap``: a further axis of members becomes a part of the axis P."""

    def merged(x: jax.Array, mapped: bool) -> jax.Array:
        whole = x if mapped else jnp.broadcast_to(x, (size, *x.shape))
        return whole.reshape(-1, *x.shape[2 if mapped else 1 :])

    result = _write(*jax.tree.map(merged, (rings, new, start), tuple(batched)))
    return jax.tree.map(lambda x: x.reshape(size, -1, *x.shape[1:]), result), jax.tree.map(lambda _: True, result)
