"""Random keys derived by explicit name, so that renaming a function or adding a draw changes no other result.

On a CPU, JAX compiles its generator (threefry) to a small loop, whose overhead dominates a rollout of a cheap environment.
`unrolled` gives the same generator written out: the same bits, about twice the speed of a whole rollout.
"""

from __future__ import annotations

import zlib
from functools import partial

import jax
import jax.numpy as jnp
from jax.extend.random import define_prng_impl

from discover.base.errors import UserError


def named_key(key: jax.Array, name: str) -> jax.Array:
    """The key that belongs to ``name``.

    >>> key = jax.random.key(0)
    >>> bool(named_key(key, "network") == named_key(key, "network"))
    True
    >>> bool(named_key(key, "network") == named_key(key, "environment"))
    False
    """
    return jax.random.fold_in(key, zlib.crc32(name.encode()))


def named_keys(key: jax.Array, *names: str) -> tuple[jax.Array, ...]:
    """One key per name. The key of a name does not depend on the other names.

    >>> first, _ = named_keys(jax.random.key(0), "network", "environment")
    >>> bool(first == named_key(jax.random.key(0), "network"))
    True
    """
    return tuple(named_key(key, name) for name in names)


def seed_keys(seed: int, purpose: str, count: int, *indices: int) -> jax.Array:
    """Keys ``[count]`` of the seeds 0, 1, ..., independent between purposes.

    Args:
        seed: the user's seed.
        purpose: the use of the seeds (``search``, ``selection``, ``report``).
        count: S, the number of seeds.
        *indices: further numbers that separate the random streams (generation, task).

    Raises:
        UserError: the seed lies outside 0 .. 2**32 - 1; JAX would give it the stream of another seed.

    >>> keys = seed_keys(0, "search", 3)
    >>> keys.shape, bool((keys[:2] == seed_keys(0, "search", 2)).all())
    ((3,), True)
    """
    if not 0 <= seed < 2**32:
        raise UserError(f"seed must be a whole number from 0 to {2**32 - 1}; got {seed!r}.")
    return _seed_keys(jax.random.key(seed), purpose, count, *indices)


@partial(jax.jit, static_argnums=(1, 2))
def _seed_keys(key: jax.Array, purpose: str, count: int, *indices: jax.Array | int) -> jax.Array:
    key = named_key(key, purpose)
    for index in indices:
        key = jax.random.fold_in(key, index)
    return jax.vmap(lambda s: jax.random.fold_in(key, s))(jnp.arange(count))


def permutation(key: jax.Array, count: int) -> jax.Array:
    """A random order of ``0 .. count - 1``, int32.

    A shuffle sorts one 32-bit number per item: random bits, and below them the item's index. On a CPU that is four to five
    times as fast as sorting pairs. Items whose random bits are equal keep their order: 0.1 pairs of 1024 in the mean. More
    items are shuffled twice, which leaves 1e-4 pairs of 8192 and 0.5 of 65536; beyond that JAX's own permutation is used.

    >>> sorted(permutation(jax.random.key(0), 4).tolist())
    [0, 1, 2, 3]
    """
    if count > 65536:
        return jax.random.permutation(key, count)
    if count <= 1024:
        return _shuffled(key, count)
    first, second = jax.random.split(key)
    return _shuffled(first, count)[_shuffled(second, count)]


def _shuffled(key: jax.Array, count: int) -> jax.Array:
    """The indices ``0 .. count - 1`` after one shuffle."""
    mask = jnp.uint32((1 << (count - 1).bit_length()) - 1)
    numbers = (jax.random.bits(key, (count,)) & ~mask) | jax.lax.iota(jnp.uint32, count)
    return (jnp.sort(numbers) & mask).astype(jnp.int32)


def unrolled(key: jax.Array) -> jax.Array:
    """The same key with a generator that draws the same bits and compiles without a loop.

    Only for JAX's default generator on CPUs; any other key is returned as it is (GPUs have their own kernel).

    >>> key = jax.random.key(0)
    >>> bool(jax.random.bits(unrolled(key)) == jax.random.bits(key))
    True
    """
    if jax.default_backend() != "cpu" or jax.random.key_impl(key) != "threefry2x32":
        return key
    return jax.random.wrap_key_data(jax.random.key_data(key), impl=_UNROLLED)


_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))


def _threefry(key: jax.Array, high: jax.Array, low: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Threefry-2x32 with 20 rounds (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3")."""
    subkeys = (key[0], key[1], key[0] ^ key[1] ^ jnp.uint32(0x1BD11BDA))
    x, y = high + subkeys[0], low + subkeys[1]
    for injection in range(1, 6):
        for rotation in _ROTATIONS[(injection - 1) % 2]:
            x = x + y
            y = ((y << rotation) | (y >> (32 - rotation))) ^ x
        x = x + subkeys[injection % 3]
        y = y + subkeys[(injection + 1) % 3] + jnp.uint32(injection)
    return x, y


def _threefry_of_counters(key: jax.Array, shape: tuple[int, ...]) -> tuple[jax.Array, jax.Array]:
    """Threefry of the counters 0, 1, ... laid out in ``shape``."""
    size = 1
    for length in shape:
        size *= length
    low = jax.lax.iota(jnp.uint32, size).reshape(shape)
    return _threefry(key, jnp.zeros_like(low), low)


def _once(keys: jax.Array) -> jax.Array:
    """Keys that XLA derives once and not again in each kernel that draws from them, which would compile slowly."""
    return jax.lax.optimization_barrier(keys)


def _seed(seed: int | jax.Array) -> jax.Array:
    low = jnp.asarray(seed).astype(jnp.uint32)
    return jnp.stack([jnp.zeros_like(low), low])


def _split(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    return _once(jnp.stack(_threefry_of_counters(key, shape), axis=-1))


def _random_bits(key: jax.Array, width: int, shape: tuple[int, ...]) -> jax.Array:
    first, second = _threefry_of_counters(key, shape)
    if width == 64:
        return (first.astype(jnp.uint64) << 32) | second.astype(jnp.uint64)
    bits = first ^ second
    return bits if width == 32 else bits.astype({8: jnp.uint8, 16: jnp.uint16}[width])


def _fold_in(key: jax.Array, data: int | jax.Array) -> jax.Array:
    seed = _seed(data)
    return _once(jnp.stack(_threefry(key, seed[0], seed[1])))


_UNROLLED = define_prng_impl(
    key_shape=(2,), seed=_seed, split=_split, random_bits=_random_bits, fold_in=_fold_in, name="unrolled_threefry", tag="unr"
)
