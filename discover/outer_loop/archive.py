"""The best candidates of a search so far: one row per candidate, however often it is evaluated."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from discover.components.space import Group, Space
from discover.contract.events import Status
from discover.outer_loop.effort import Effort

_DIGEST = 16  # bytes that identify a candidate


class Archive(NamedTuple):
    """Rows, the best first; arrays of one shape from the first generation to the last.

    A row with a larger budget is better than any with a smaller one. Among equals, better is a higher lower bound of the
    fitness: its mean less its standard error, for which the noise of one seed is taken to be the same for all rows. So a
    candidate that was lucky with one seed does not stand above one that was as good with many; where all have as many seeds,
    the order is that of their means.

    Attributes:
        genomes: ``[A, D]``.
        digests: ``[A, 16]`` uint8: equal for genomes that decode to one candidate.
        fitness: ``[A]``, the mean over all seeds with which it was evaluated and sound; -inf where a row is empty.
        seeds: ``[A]`` int32, their number; 0 where a row is empty.
        squares: ``[A]`` the sum of the squared deviations of single seeds from their mean.
        later: ``[A]`` of the candidate that led the archive before the last generation: the mean fitness over the seeds of the
            generations since it came to lead; 0 for all others.
        later_seeds: ``[A]`` int32, their number.
        budget: ``[A]`` the share of the env steps that its lifetimes lasted.
    """

    genomes: Any
    digests: Any
    fitness: Any
    seeds: Any
    squares: Any
    later: Any
    later_seeds: Any
    budget: Any

    def best(self, rows: int) -> np.ndarray:
        """The genomes of the first ``rows`` rows, without those that are empty: ``[<= rows, D]``."""
        return np.asarray(self.genomes)[:rows][np.asarray(self.seeds)[:rows] > 0]

    def best_fitness(self) -> float:
        """Fitness of the best candidate without the luck that made it the best; -inf while there is none.

        This is that of the candidate that led the archive before the last generation: the mean over its evaluations since it
        came to lead. If there are none, it is the mean of the first row: the highest of many noisy values, which is too high on
        average.
        """
        again = np.flatnonzero(np.asarray(self.later_seeds))
        return float(np.asarray(self.later)[again[0]] if len(again) else np.asarray(self.fitness)[0])


class _Row(NamedTuple):
    """One candidate: the columns of `Archive`."""

    genome: np.ndarray
    digest: np.ndarray
    fitness: float
    seeds: int
    squares: float
    later: float
    later_seeds: int
    budget: float

    def together(self, row: _Row) -> _Row:
        """The row with another evaluation of the candidate; the one with the larger budget alone counts if they differ."""
        if row.budget != self.budget:
            return max(self, row, key=lambda either: either.budget)
        seeds, gap = self.seeds + row.seeds, row.fitness - self.fitness
        later_seeds = self.later_seeds + row.later_seeds
        return self._replace(
            fitness=(self.fitness * self.seeds + row.fitness * row.seeds) / seeds,
            seeds=seeds,
            squares=self.squares + row.squares + gap**2 * self.seeds * row.seeds / seeds,
            later=(self.later * self.later_seeds + row.later * row.later_seeds) / max(later_seeds, 1),
            later_seeds=later_seeds,
        )


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
        seeds=np.zeros(rows, np.int32),
        squares=np.zeros(rows, np.float32),
        later=np.zeros(rows, np.float32),
        later_seeds=np.zeros(rows, np.int32),
        budget=np.zeros(rows, np.float32),
    )


class Evaluated(NamedTuple):
    """An evaluated generation, as an archive needs it.

    Attributes:
        genomes, fitness, status: ``[P, D]``, ``[P]``, ``[P]``; members that are not sound are left out.
        spread: ``[P]`` the standard error of the fitness; infinite where it is not known.
        effort: that each member was worth.
    """

    genomes: np.ndarray
    fitness: np.ndarray
    status: np.ndarray
    spread: np.ndarray
    effort: Effort


def update_archive(archive: Archive, space: Space, made: Evaluated, *, anew: bool = False) -> Archive:
    """The best of an archive and an evaluated generation.

    A candidate that appears several times in a generation has one evaluation in it, the one with the most effort, since all
    members have the same seeds.

    Args:
        archive: before the generation.
        space: decodes the genomes.
        made: the generation.
        anew: whether an earlier fitness of a candidate no longer counts, because it is that of an earlier part of the same
            lifetimes.
    """
    rows, leader = {row.digest.tobytes(): row for row in _rows(archive)}, np.asarray(archive.digests)[0].tobytes()
    for digest, row in rows.items():
        if digest != leader:
            rows[digest] = row._replace(later=0.0, later_seeds=0)
    for row in _evaluations(space, made):
        digest = row.digest.tobytes()
        known = None if anew else rows.get(digest)
        if known is not None and digest == leader:
            row = row._replace(later=row.fitness, later_seeds=row.seeds)
        rows[digest] = row if known is None else known.together(row)
    size, dimension = np.shape(archive.genomes)
    updated = empty_archive(size, dimension)
    for place, row in enumerate(_ordered(list(rows.values()))[:size]):
        for column, value in zip(updated, row, strict=True):
            column[place] = value
    return updated


def _rows(archive: Archive) -> list[_Row]:
    """The rows of an archive that are not empty."""
    columns = [np.asarray(column) for column in archive]
    count = int((columns[3] > 0).sum())
    genomes, digests, *numbers = (column[:count] for column in columns)
    return [_Row(*row) for row in zip(genomes, digests, *(column.tolist() for column in numbers), strict=True)]


def _evaluations(space: Space, made: Evaluated) -> list[_Row]:
    """One row for each candidate of a generation."""
    digests, effort = digests_of(space, made.genomes), list(zip(made.effort.budget, made.effort.seeds, strict=True))
    members: dict[bytes, list[int]] = {}
    for member in np.flatnonzero(made.status == Status.OK):
        members.setdefault(digests[member].tobytes(), []).append(int(member))
    rows = []
    for places in members.values():
        most = max(effort[place] for place in places)
        alike = [place for place in places if effort[place] == most]
        first, (budget, seeds) = alike[0], most
        known = seeds > 1 and np.isfinite(made.spread[first])
        row = _Row(
            made.genomes[first],
            digests[first],
            fitness=float(made.fitness[alike].mean(dtype=np.float64)),
            seeds=int(seeds),
            squares=float(made.spread[first]) ** 2 * int(seeds) * (int(seeds) - 1) if known else 0.0,
            later=0.0,
            later_seeds=0,
            budget=float(budget),
        )
        rows.append(row)
    return rows


def _ordered(rows: list[_Row]) -> list[_Row]:
    """Rows in the order of an archive."""
    freedom = sum(row.seeds - 1 for row in rows)
    noise = np.sqrt(sum(row.squares for row in rows) / freedom) if freedom else 0.0
    return sorted(rows, key=lambda row: (-row.budget, -(row.fitness - noise / np.sqrt(row.seeds))))


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
