"""The best candidates of a search so far: one row per candidate, however often it is evaluated."""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

import jax
import numpy as np

from discover.components.space import Space
from discover.contract.events import Status

_DIGEST = 16  # bytes by which a candidate is known again


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
        """The genomes of the first rows that are not empty."""
        return np.asarray(self.genomes)[:rows][np.isfinite(np.asarray(self.fitness)[:rows])]


def empty_archive(rows: int, dimension: int) -> Archive:
    return Archive(
        genomes=np.zeros((rows, dimension), np.float32),
        digests=np.zeros((rows, _DIGEST), np.uint8),
        fitness=np.full(rows, -np.inf, np.float32),
        count=np.zeros(rows, np.int32),
    )


def archived(
    archive: Archive, space: Space, genomes: np.ndarray, fitness: np.ndarray, status: np.ndarray, anew: bool = False
) -> Archive:
    """The best of an archive and an evaluated generation.

    A candidate that stands in a generation several times has one evaluation by it, since all members see the same seeds.

    Args:
        archive: so far.
        space: what the genomes mean.
        genomes, fitness, status: ``[P, D]``, ``[P]``, ``[P]`` of the generation; members that broke count for nothing.
        anew: a candidate's earlier fitness no longer counts: it was that of an earlier part of a lifetime that went on.
    """
    found = digests_of(space, genomes)
    members: dict[bytes, list[int]] = {}
    for member in np.flatnonzero(status == Status.OK):
        members.setdefault(found[member].tobytes(), []).append(int(member))
    rows = {
        digest.tobytes(): (genome, float(mean), int(count))
        for genome, digest, mean, count in zip(*map(np.asarray, archive), strict=True)
        if count
    }
    for digest, places in members.items():
        genome, mean, count = rows.get(digest, (genomes[places[0]], 0.0, 0))
        count = 0 if anew else count
        now = float(fitness[places].mean(dtype=np.float64))
        rows[digest] = genome, (mean * count + now) / (count + 1), count + 1
    size, dimension = np.shape(archive.genomes)
    made = empty_archive(size, dimension)
    best = sorted(rows.items(), key=lambda row: -row[1][1])[:size]
    for place, (digest, (genome, mean, count)) in enumerate(best):
        made.genomes[place], made.digests[place] = genome, np.frombuffer(digest, np.uint8)
        made.fitness[place], made.count[place] = mean, count
    return made


def digests_of(space: Space, genomes: np.ndarray) -> np.ndarray:
    """``[P, 16]`` uint8: equal exactly for genomes that decode to one candidate."""
    digests = np.zeros((len(genomes), _DIGEST), np.uint8)
    for group in space.groups(genomes):
        leaves = [np.ascontiguousarray(leaf) for leaf in jax.tree.leaves(group.candidates)]
        for place, member in enumerate(group.members):
            digest = hashlib.blake2b(repr(group.structure).encode(), digest_size=_DIGEST)
            for leaf in leaves:
                digest.update(leaf[place].tobytes())
            digests[member] = np.frombuffer(digest.digest(), np.uint8)
    return digests
