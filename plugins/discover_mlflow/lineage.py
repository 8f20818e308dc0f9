"""Descent in populations whose lifetimes go on: the parents of all members, and the numbers that they trained with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import numpy as np

from discover import Domain, Generation, Space
from discover_mlflow.ledger import generation_of, records
from discover_mlflow.packing import pack, unpack

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_NUMBERS = 12  # panels of the figure


class Lineage(NamedTuple):
    """A population over its generations.

    Attributes:
        parents: ``[G, P]``; member i went on with the lifetime of member ``parents[g, i]`` of the generation before.
        fitness: ``[G, P]``.
        numbers: ``[G, P]`` each, by path: the numbers that the members trained with.
    """

    parents: np.ndarray
    fitness: np.ndarray
    numbers: Mapping[str, np.ndarray]

    def ancestors(self) -> np.ndarray:
        """The members ``[G]`` from which the best member of the last generation descends, one per generation."""
        line = [int(np.argmax(self.fitness[-1]))]
        for parents in self.parents[:0:-1]:
            line.append(int(parents[line[-1]]))
        return np.asarray(line[::-1])


def lineage_record(generation: Generation, space: Space) -> dict[str, Any]:
    """The part of a ledger's record on the descent of one generation; empty if all its lifetimes were new."""
    if generation.parents is None:
        return {}
    genes = [gene for gene in space.genes if gene.size == 1]
    numbers = {gene.path: _decoded(gene.domain, generation.genomes[:, gene.start : gene.start + 1]) for gene in genes}
    return {
        "parents": pack(generation.parents, "int32"),
        "numbers": {path: pack(values, "float32") for path, values in numbers.items()},
    }


def lineage(folder: Path) -> Lineage | None:
    """The descent that a ledger holds, or None."""
    by_step = {generation_of(record): record for _, record in records(folder) if "parents" in record}
    if not by_step:
        return None
    rows = [by_step[step] for step in sorted(by_step)]
    numbers = {path: np.stack([unpack(r["numbers"][path], "float32") for r in rows]) for path in rows[0]["numbers"]}
    parents, fitness = (np.stack([unpack(r[k], t) for r in rows]) for k, t in (("parents", "int32"), ("fitness", "float32")))
    return Lineage(parents, fitness, numbers)


def write_lineage(descent: Lineage, file: IO[bytes]) -> None:
    """Write a descent as an ``.npz``; each number is an array named by its path."""
    np.savez_compressed(file, allow_pickle=False, parents=descent.parents, fitness=descent.fitness, **descent.numbers)


def lineage_figure(descent: Lineage) -> Figure:
    """The descent of the members, and each number over the generations; the ancestors of the best are drawn black."""
    from matplotlib.figure import Figure

    names = list(descent.numbers)[:_MOST_NUMBERS]
    figure = Figure(figsize=(7, 2.6 * (1 + len(names))), layout="constrained")
    axes = figure.subplots(1 + len(names), 1, squeeze=False, sharex=True)[:, 0]
    places = np.broadcast_to(np.arange(descent.parents.shape[1]), descent.parents.shape)
    for panel, (label, values) in zip(axes, [("member", places), *((n, descent.numbers[n]) for n in names)], strict=True):
        _draw(panel, descent, values)
        panel.set_ylabel(label)
        panel.grid(alpha=0.3)
        if label != "member" and values.min() > 0 and values.max() > 10 * values.min():
            panel.set_yscale("log")
    axes[0].set_title("Lineage: red lines are copies, black the ancestors of the best")
    axes[-1].set_xlabel("generation")
    return figure


def _draw(panel: Axes, descent: Lineage, values: np.ndarray) -> None:
    """A line from each member's parent to itself."""
    steps, members = np.arange(1, len(values)), np.arange(values.shape[1])
    for step in steps:
        parents = descent.parents[step]
        copied = parents != members
        ends = np.stack([values[step - 1][parents], values[step]])
        panel.plot([step - 1, step], ends[:, ~copied], color="tab:blue", linewidth=0.6, alpha=0.5)
        panel.plot([step - 1, step], ends[:, copied], color="tab:red", linewidth=0.8)
    line = descent.ancestors()
    panel.plot(np.arange(len(values)), values[np.arange(len(values)), line], color="black", linewidth=1.8)


def _decoded(domain: Domain, coordinates: np.ndarray) -> np.ndarray:
    """The value ``[P]`` of a number of each member, from its ``coordinates[P, 1]``."""
    return np.asarray([domain.decode(row) for row in coordinates], np.float32)
