"""Orders of a population by its structures, for strategies that keep some of each."""

import jax
import jax.numpy as jnp

from discover import Space


def firsts_of_structures(genomes: jax.Array, space: Space) -> jax.Array:
    """Indices ``[P]`` of genomes ``[P, D]``: the first of each structure, then the second of each, and so on."""
    return jnp.argsort(earlier_alike(jax.vmap(space.active_options)(genomes)), stable=True)


def earlier_alike(structures: jax.Array) -> jax.Array:
    """How many earlier rows equal each row of ``[P, C]`` whole numbers, ``[P]``: 0 where a structure occurs for the first time.

    In ``O(C P log P)``: rows are sorted column by column, each time in the order so far where they are equal.

    >>> earlier_alike(jnp.array([[1, 2], [3, 0], [1, 2], [1, 2]])).tolist()
    [0, 0, 1, 2]
    """
    place = jnp.arange(len(structures))
    if structures.shape[1] == 0:
        return place

    def by_column(column: jax.Array, order: jax.Array) -> jax.Array:
        return order[jnp.argsort(structures[order, column], stable=True)]

    order = jax.lax.fori_loop(0, structures.shape[1], by_column, place)
    ordered = structures[order]
    begins = jnp.any(ordered[1:] != ordered[:-1], axis=1)
    first = jax.lax.cummax(jnp.where(jnp.concatenate([jnp.array([True]), begins]), place, 0))
    return jnp.zeros_like(place).at[order].set(place - first)
