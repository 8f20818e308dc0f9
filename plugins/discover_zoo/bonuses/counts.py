"""Counts of hashed observations (Tang et al. 2017, arXiv 1611.04717)."""

import math
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp

from discover import (
    Count,
    ExplorationBonus,
    Integer,
    Key,
    Registry,
    Scalar,
    Trajectory,
    World,
    component,
    hookimpl,
    integer,
    latex_number,
    real,
)

MOST_BITS = 32
"""Rows of the random projection: the most bits that a hash may have."""


class Counts(NamedTuple):
    """The state of `CountBonus`.

    Attributes:
        projection: ``[32, D + 1]``, a hyperplane for each bit; the last column is for the constant.
        multipliers: ``[32]`` by which bits become a place in the table, uint32.
        counts: ``[table]`` visits, int32.
    """

    projection: jax.Array
    multipliers: jax.Array
    counts: jax.Array


@component
class CountBonus(ExplorationBonus):
    """``n(s')^-exponent``: the less often a state like this one was come to, the more it pays (Tang et al. 2017, section 2.2).

    States that have the same hash share a count. A bit of the hash says on which side of a random hyperplane the observation
    ``o`` lies (SimHash, Charikar 2002)::

        bit_i = [A_i . o + offset * a_i > 0],     A and a standard normal
        place = (sum over the first ``bits`` bits of m_i * bit_i) mod 2^32 mod table,     m random and odd

    So two hashes share a place with a probability of about ``1 / table``. Visits are counted step by step, those of all
    environments at once: what a step pays counts all visits up to that step, with its own and with those beside it, and no
    later one. Nothing is ever forgotten. The state in which an episode begins is counted where a step leads to it.

    Pitfalls: observations of few numbers far from 0 lie on the same side of all planes through 0: read them ``normalized``,
    or set an ``offset`` of their size. Where the normalizer still moves, early in a lifetime, a state that is ``normalized``
    may be taken for a new one.

    Attributes:
        exponent: how fast it falls with the count: 1/2 as in the publication; 0 pays 1 everywhere.
        bits: how finely states are told apart.
        offset: distance of the hyperplanes from 0, in units of the observation; 0 as in the publication.
        table: places for counts.
        observations: read as they were before the normalizer (``original``), or as the agent sees them (``normalized``).

    >>> from discover import Space, free
    >>> Space(CountBonus(exponent=free(), bits=free())).dimension
    2
    """

    paper = "Tang et al. 2017, arXiv 1611.04717, section 2.2"
    not_differentiable = ("bits", "offset")

    exponent: Scalar = real(0.5, low=0.0, high=2.0)
    bits: Integer = integer(16, low=1, high=MOST_BITS)
    offset: Scalar = real(0.0, low=0.0, high=10.0)
    table: Count = 16_384
    observations: Literal["original", "normalized"] = "original"

    def formula(self) -> str:
        return rf"b = n(\phi(s'))^{{-{latex_number(self.exponent)}}}"

    def init(self, key: Key, world: World, num_envs: int) -> Counts:
        key_projection, key_multipliers = jax.random.split(key)
        size = math.prod(world.spec.observation_shape) + 1
        return Counts(
            jax.random.normal(key_projection, (MOST_BITS, size)),
            jax.random.bits(key_multipliers, (MOST_BITS,)) | jnp.uint32(1),
            jnp.zeros(self.table, jnp.int32),
        )

    def update(self, key: Key, world: World, state: Counts, trajectory: Trajectory) -> tuple[jax.Array, Counts]:
        source = trajectory.original if self.observations == "original" else trajectory

        def visit(counts: jax.Array, places: jax.Array) -> tuple[jax.Array, jax.Array]:
            counts = counts.at[places].add(1)
            return counts, counts[places]

        counts, visits = jax.lax.scan(visit, state.counts, self.places(state, source.next_observation))
        return visits.astype(jnp.float32) ** -self.exponent, state._replace(counts=counts)

    def places(self, state: Counts, observation: jax.Array) -> jax.Array:
        """The places ``[T, B]`` in the table of observations ``[T, B, ...]``."""
        steps, columns = observation.shape[:2]
        rows = observation.reshape(steps * columns, -1).astype(jnp.float32)
        side = rows @ state.projection[:, :-1].T + self.offset * state.projection[:, -1]
        chosen = (side > 0.0) & (jnp.arange(MOST_BITS) < self.bits)
        code = jnp.sum(jnp.where(chosen, state.multipliers, jnp.uint32(0)), axis=-1, dtype=jnp.uint32)
        return (code % jnp.uint32(self.table)).astype(jnp.int32).reshape(steps, columns)


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("counts", CountBonus)
