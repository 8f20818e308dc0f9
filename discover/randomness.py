"""Random keys split by explicit name, so that renaming a function or adding a draw changes no other result."""

from __future__ import annotations

import zlib

import jax


def named_key(key: jax.Array, name: str) -> jax.Array:
    """The key that belongs to ``name``.

    >>> bool((named_key(jax.random.key(0), "network") == named_key(jax.random.key(0), "network")).all())
    True
    """
    return jax.random.fold_in(key, zlib.crc32(name.encode()))


def named_keys(key: jax.Array, *names: str) -> tuple[jax.Array, ...]:
    """One key per name, each independent of which other names are asked for."""
    return tuple(named_key(key, name) for name in names)


def seed_keys(seed: int, purpose: str, count: int, *indices: int) -> jax.Array:
    """Keys ``[count]`` of seeds 0, 1, ...: streams of different purposes never meet.

    Args:
        seed: the user's seed.
        purpose: what the seeds are for (``search``, ``selection``, ``report``).
        count: S, how many seeds.
        *indices: further numbers that tell streams apart (generation, task).
    """
    key = named_key(jax.random.key(seed), purpose)
    for index in indices:
        key = jax.random.fold_in(key, index)
    return jax.vmap(lambda s: jax.random.fold_in(key, s))(jax.numpy.arange(count))
