"""Small pieces of work, and the bits of what an executor makes of them."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from toys import Blank, Climb, Payday

from discover import Algorithm, Done, Executor, Work, fresh_work, gathered, replace
from discover.inner_loop.population import inherit

ENVIRONMENT = Payday(length=7, spread=1.0, drawn="episode")
KEYS = jax.random.split(jax.random.key(11), 2)


def piece(steps: int, *slopes: float) -> Work:
    """Members of one structure, which ``steps`` tells from others."""
    one = Algorithm(rule=Climb(noise=0.5, steps=steps), network=Blank())
    many = jax.tree.map(lambda x: jnp.broadcast_to(x, (len(slopes), *np.shape(x))), one)
    return fresh_work(ENVIRONMENT, replace(many, {"rule.slope": jnp.asarray(slopes, jnp.float32)}), KEYS, 96)


WORK = [piece(4, 0.1, 0.2, 0.3), piece(5, 0.1), piece(4, 0.4, 0.5, 0.6, 0.7)]


def raw(leaf: Any) -> bytes:
    return np.asarray(jax.random.key_data(leaf) if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf).tobytes()


def bits(result: Any) -> list[bytes]:
    assert isinstance(result, Done), result
    return [raw(leaf) for leaf in jax.tree.leaves((result.curves, gathered(result.lifetimes)))]


def all_bits(executor: Executor, work: list[Work] = WORK) -> dict[int, list[bytes]]:
    return {place: bits(result) for place, result in executor.run(work)}


def windows(executor: Executor, *, hold: bool) -> list[list[bytes]]:
    """Four members through three windows, with copies in between; all that is left of them."""
    parents, found = [np.array([1, 1, 3, 0]), np.array([0, 2, 2, 3])], []
    work, ongoing = WORK[2], None
    for generation, (start, stop) in enumerate([(0, 4), (4, 8), (8, 12)]):
        if generation:
            ongoing = inherit(ongoing, jnp.asarray(parents[generation - 1]), generation)
        window = work._replace(start=start, stop=stop, ongoing=ongoing, keep=True, hold=hold)
        ((_, result),) = executor.run([window])
        assert isinstance(result, Done), result
        ongoing = result.lifetimes
        found.append([raw(leaf) for leaf in jax.tree.leaves(result.curves)])
    return [*found, [raw(leaf) for leaf in jax.tree.leaves(gathered(ongoing))]]
