"""The generation of a search in which a candidate appeared first."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from discover.components.component import Component
from discover.components.genes import Gene
from discover.components.space import Space
from discover.components.templates import find
from discover.outer_loop.history import History, genes_kept

_ROUNDING = 1e-5
"""Relative difference of a number that is decoded in two ways."""


class Birth(NamedTuple):
    """The first appearance of a candidate.

    Attributes:
        generation: number of the generation, from 0.
        member: its place in the population.
        fitness: in that generation.
        evaluations: in how many generations it appeared.
    """

    generation: int
    member: int
    fitness: float
    evaluations: int


def birth_of(candidate: Component, space: Space, history: History) -> Birth | None:
    """The first appearance of a candidate of a search; None if no generation has it, or if weights alone make it up.

    Args:
        candidate: as the search gave it, with the parts that do nothing.
        space: of the search.
        history: of its population; it holds choices and single numbers.
    """
    genes = genes_kept(space)
    if not genes or history.genomes.shape[-1] != sum(gene.size for gene in genes):
        return None
    same, start = np.ones(history.fitness.shape, bool), 0
    for gene in genes:
        value = find(space.template, candidate, gene.path.split("."))
        if value is not None:
            same &= _has_value(gene, history.genomes[..., start : start + gene.size], float(np.asarray(value)))
        start += gene.size
    rows = np.argwhere(same)
    if not len(rows):
        return None
    row, member = rows[0].tolist()
    return Birth(
        generation=int(history.generation[row]),
        member=member,
        fitness=float(history.fitness[row, member]),
        evaluations=len(np.unique(rows[:, 0])),
    )


def _has_value(gene: Gene, coordinates: np.ndarray, value: float) -> np.ndarray:
    """Whether the coordinates ``[G, P, size]`` of a gene stand for a value, ``[G, P]``."""
    flat = jax.vmap(gene.domain.decode)(jnp.asarray(coordinates.reshape(-1, gene.size)))
    decoded = np.asarray(flat, np.float64).reshape(coordinates.shape[:-1])
    return np.isclose(decoded, value, rtol=_ROUNDING, atol=0.0)
