"""Randomness: named streams that never meet, and draws that are JAX's own to the bit."""

import zlib
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from discover import named_key, named_keys
from discover.base.randomness import permutation, seed_keys, unrolled

KEY = jax.random.key(7)


def raw(keys: jax.Array) -> np.ndarray:
    return np.asarray(jax.random.key_data(keys))


def test_a_name_stands_for_one_stream_whatever_else_is_asked_for() -> None:
    alone = named_key(KEY, "network")
    both = named_keys(KEY, "rule", "network")
    np.testing.assert_array_equal(raw(alone), raw(both[1]))
    np.testing.assert_array_equal(raw(alone), raw(jax.random.fold_in(KEY, zlib.crc32(b"network"))))
    np.testing.assert_array_equal(raw(alone), raw(jax.jit(lambda key: named_key(key, "network"))(KEY)))
    assert (raw(both[0]) != raw(both[1])).any()


def test_streams_of_seeds_never_meet() -> None:
    streams = [
        seed_keys(0, "search", 4, 0, 0),
        seed_keys(0, "search", 4, 0, 1),
        seed_keys(0, "search", 4, 1, 0),
        seed_keys(0, "selection", 4, 0, 0),
        seed_keys(0, "report", 4),
        seed_keys(1, "search", 4, 0, 0),
    ]
    keys = [tuple(row) for stream in streams for row in raw(stream).tolist()]
    assert len(set(keys)) == len(keys) == 24


def test_more_seeds_keep_the_first_ones() -> None:
    np.testing.assert_array_equal(raw(seed_keys(3, "report", 2)), raw(seed_keys(3, "report", 5))[:2])


# Permutations ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 3, 512, 1024, 1025, 8192, 65536, 65537])
def test_a_permutation_holds_each_number_once(count: int) -> None:
    order = np.asarray(permutation(KEY, count))
    assert order.dtype == np.int32
    np.testing.assert_array_equal(np.sort(order), np.arange(count))


def test_all_orders_are_equally_likely() -> None:
    draws = 12_000
    orders = np.asarray(jax.jit(jax.vmap(lambda key: permutation(key, 4)))(jax.random.split(KEY, draws)))
    counts = np.unique(orders @ [64, 16, 4, 1], return_counts=True)[1]
    assert len(counts) == 24
    statistic = np.sum((counts - draws / 24) ** 2 / (draws / 24))
    assert statistic < 49.7, "chi-squared with 23 degrees of freedom: exceeded once in a thousand"


@pytest.mark.parametrize("count", [1024, 1025])
def test_where_an_item_lands_is_uniform(count: int) -> None:
    draws = 4_000
    first = np.asarray(jax.jit(jax.vmap(lambda key: permutation(key, count)[0]))(jax.random.split(KEY, draws)))
    counts = np.histogram(first, bins=20, range=(0, count))[0]
    assert np.sum((counts - draws / 20) ** 2 / (draws / 20)) < 43.9, "chi-squared with 19 degrees: once in a thousand"


# The written-out generator --------------------------------------------------------------------------------------------

DRAWS: dict[str, Callable[[jax.Array], Any]] = {
    "uniform": lambda key: jax.random.uniform(key, (3, 5)),
    "normal": lambda key: jax.random.normal(key, ()),
    "categorical": lambda key: jax.random.categorical(key, jnp.zeros((4, 6))),
    "bernoulli": lambda key: jax.random.bernoulli(key, 0.3, (7,)),
    "randint": lambda key: jax.random.randint(key, (9,), -3, 1000),
    "permutation": lambda key: jax.random.permutation(key, 10),
    "bytes": lambda key: jax.random.bits(key, (5,), jnp.uint8),
    "halves": lambda key: jax.random.bits(key, (5,), jnp.uint16),
    "none": lambda key: jax.random.uniform(key, (0, 2)),
    "split": lambda key: jax.random.uniform(jax.random.split(key, (2, 3))[1, 2]),
    "folded": lambda key: jax.random.uniform(jax.random.fold_in(jax.random.fold_in(key, 0), 2**32 - 1)),
    "named": lambda key: jax.random.uniform(named_key(key, "network")),
    "vmapped": lambda key: jax.vmap(lambda k, i: jax.random.uniform(jax.random.fold_in(k, i)))(
        jax.random.split(key, 3), jnp.arange(3)
    ),
    "scanned": lambda key: jax.lax.scan(lambda k, _: (jax.random.split(k)[0], jax.random.uniform(k)), key, length=4)[1],
}


def test_written_out_draws_are_those_of_jax_to_the_bit() -> None:
    def every(key: jax.Array) -> dict[str, Any]:
        return {name: draw(key) for name, draw in DRAWS.items()}

    actual, expected = jax.jit(lambda key: (every(unrolled(key)), every(key)))(KEY)
    for name, drawn in actual.items():
        assert np.asarray(drawn).tobytes() == np.asarray(expected[name]).tobytes(), name


def test_written_out_words_of_64_bits_are_those_of_jax() -> None:
    with jax.enable_x64(True):
        actual, expected = (jax.random.bits(key, (5,), jnp.uint64) for key in (unrolled(KEY), KEY))
    assert actual.dtype == jnp.uint64
    np.testing.assert_array_equal(actual, expected)


def test_another_generator_is_left_alone() -> None:
    key = jax.random.key(0, impl="rbg")
    assert unrolled(key) is key
    assert jax.random.key_impl(unrolled(unrolled(KEY))) == jax.random.key_impl(unrolled(KEY))
