"""The best candidates of a search so far: one row per candidate, however often it is evaluated."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from discover.components.space import Group, Space
from discover.contract.events import Status

_DIGEST = 16  # bytes that identify a candidate


class Archive(NamedTuple):
    """Rows by falling fitness; arrays of one shape from the first generation to the last.

    Attributes:
        genomes: ``[A, D]``.
        digests: ``[A, 16]`` uint8: equal for genomes that decode to one candidate.
        fitness: ``[A]``, the mean over ``count`` generations in which it was sound; -inf where a row is empty.
        count: ``[A]`` int32.
    """

    genomes: Any
    digests: Any
    fitness: Any
    count: Any

    def best(self, rows: int) -> np.ndarray:
        """The genomes of the first ``rows`` rows, without those that are empty: ``[<= rows, D]``."""
        return np.asarray(self.genomes)[:rows][np.isfinite(np.asarray(self.fitness)[:rows])]


def empty_archive(rows: int, dimension: int) -> Archive:
    """An archive of A empty rows for genomes of length D.

    >>> archive = empty_archive(rows=3, dimension=2)
    >>> archive.genomes.shape, archive.fitness.tolist(), len(archive.best(3))
    ((3, 2), [-inf, -inf, -inf], 0)
    """
    return Archive(
        genomes=np.zeros((rows, dimension), np.float32),
        digests=np.zeros((rows, _DIGEST), np.uint8),
        fitness=np.full(rows, -np.inf, np.float32),
        count=np.zeros(rows, np.int32),
    )


def update_archive(
    archive: Archive,
    space: Space,
    *,
    genomes: np.ndarray,
    fitness: np.ndarray,
    status: np.ndarray,
    anew: bool = False,
) -> Archive:
    """The best of an archive and an evaluated generation.

    The fitness of a candidate is the mean over its evaluations. A candidate that appears several times in a generation has
    one evaluation in it, since all members have the same seeds.

    Args:
        archive: before the generation.
        space: decodes the genomes.
        genomes, fitness, status: ``[P, D]``, ``[P]``, ``[P]`` of the generation; broken members are left out.
        anew: whether an earlier fitness of a candidate no longer counts, because it is that of an earlier part of the same
            lifetimes.
    """
    digests = digests_of(space, genomes)
    members: dict[bytes, list[int]] = {}
    for member in np.flatnonzero(status == Status.OK):
        members.setdefault(digests[member].tobytes(), []).append(int(member))
    rows = {
        digest.tobytes(): (genome, float(mean), int(count))
        for genome, digest, mean, count in zip(*map(np.asarray, archive), strict=True)
        if count
    }
    for digest, places in members.items():
        genome, mean, count = rows.get(digest, (genomes[places[0]], 0.0, 0))
        count = 0 if anew else count
        latest = float(fitness[places].mean(dtype=np.float64))
        rows[digest] = genome, (mean * count + latest) / (count + 1), count + 1
    size, dimension = np.shape(archive.genomes)
    updated = empty_archive(size, dimension)
    best = sorted(rows.items(), key=lambda row: -row[1][1])[:size]
    for place, (digest, (genome, mean, count)) in enumerate(best):
        updated.genomes[place], updated.digests[place] = genome, np.frombuffer(digest, np.uint8)
        updated.fitness[place], updated.count[place] = mean, count
    return updated


def digests_of(space: Space, genomes: np.ndarray) -> np.ndarray:
    """A digest of each genome, ``[P, 16]`` uint8: equal exactly where two genomes decode to the same candidate."""
    return digests_in(space.groups(genomes), len(genomes))


def digests_in(groups: Sequence[Group], population: int) -> np.ndarray:
    """The digests ``[P, 16]`` of a population that is grouped by structure already, see `digests_of`."""
    digests = np.zeros((population, _DIGEST), np.uint8)
    for group in groups:
        leaves = [np.ascontiguousarray(leaf) for leaf in jax.tree.leaves(group.candidates)]
        for place, member in enumerate(group.members):
            digest = hashlib.blake2b(repr(group.structure).encode(), digest_size=_DIGEST)
            for leaf in leaves:
                digest.update(leaf[place].tobytes())
            digests[member] = np.frombuffer(digest.digest(), np.uint8)
    return digests
