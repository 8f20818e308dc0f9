"""Work with workers: who does it, and which of them are lost, changes no bit, and nothing is done twice or blamed."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from thread_workers import Threads, ThreadWorker
from toys import Blank, Climb, Payday

from discover import Algorithm, Done, Registry, Work, fresh_work, gathered, replace, run_here

ENVIRONMENT = Payday(length=7, spread=1.0, drawn="episode")
KEYS = jax.random.split(jax.random.key(11), 2)


def piece(steps: int, *slopes: float) -> Work:
    """Members of one structure, which ``steps`` tells from others."""
    one = Algorithm(rule=Climb(noise=0.5, steps=steps), network=Blank())
    many = jax.tree.map(lambda x: jnp.broadcast_to(x, (len(slopes), *np.shape(x))), one)
    return fresh_work(ENVIRONMENT, replace(many, {"rule.slope": jnp.asarray(slopes, jnp.float32)}), KEYS, 96)


WORK = [piece(4, 0.1, 0.2, 0.3), piece(5, 0.1, 0.2), piece(4, 0.4, 0.5, 0.6, 0.7, 0.8)]


def bits(tree: object) -> list[bytes]:
    return [
        np.asarray(jax.random.key_data(x) if jnp.issubdtype(x.dtype, jax.dtypes.prng_key) else x).tobytes()
        for x in jax.tree.leaves(tree)
    ]


def test_smoke(registry: Registry) -> None:
    here = {place: bits(result) for place, result in run_here(WORK, 2)}
    pool = Threads(2, 3).opened(registry)
    there = dict(pool.run(WORK))
    assert {place: bits(result) for place, result in there.items()} == here
    work = WORK[2]._replace(keep=True, stop=4)
    ((_, h),) = run_here([work], 2)
    ((_, t),) = pool.run([work])
    assert bits(h) == bits(t)
    ((_, t2),) = pool.run([work._replace(hold=True)])
    assert bits(h) == bits(gathered(t2))
    pool.close()
