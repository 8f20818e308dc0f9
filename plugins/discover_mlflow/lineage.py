"""Lifetimes that go on: who descends from whom, and what every member lived by."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import numpy as np

from discover import Generation, Space
from discover_mlflow.ledger import packed, records, unpacked

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_NUMBERS = 12  # panels of the figure


class Lineage(NamedTuple):
    """A population over its generations.

    Attributes:
        parents: ``[G, P]``; member i went on with the lifetime of member ``parents[g, i]`` of the generation before.
        fitness: ``[G, P]``.
        numbers: ``[G, P]`` each, by path: what the members lived by.
    """

    parents: np.ndarray
    fitness: np.ndarray
    numbers: Mapping[str, np.ndarray]

    def ancestors(self) -> np.ndarray:
        """``[G]`` where the lifetime that is the best in the end stood in each generation."""
        line = [int(np.argmax(self.fitness[-1]))]
        for parents in self.parents[:0:-1]:
            line.append(int(parents[line[-1]]))
        return np.asarray(line[::-1])


def lineage_record(generation: Generation, space: Space) -> dict[str, Any]:
    """What a ledger says of one generation's descent; nothing if its lifetimes were all new."""
    if generation.parents is None:
        return {}
    numbers = {gene.path: _decoded(gene, generation.genomes) for gene in space.genes if gene.size == 1}
    return {
        "parents": packed(generation.parents, "int32"),
        "numbers": {path: packed(values, "float32") for path, values in numbers.items()},
    }


def lineage(folder: Path) -> Lineage | None:
    """The descent that a ledger tells of, or None."""
    found = {record["step"]: record for _, record in records(folder) if "parents" in record}
    if not found:
        return None
    told = [found[step] for step in sorted(found)]
    numbers = {path: np.stack([unpacked(r["numbers"][path], "float32") for r in told]) for path in told[0]["numbers"]}
    parents, fitness = (np.stack([unpacked(r[k], t) for r in told]) for k, t in (("parents", "int32"), ("fitness", "float32")))
    return Lineage(parents, fitness, numbers)


def write_lineage(found: Lineage, file: IO[bytes]) -> None:
    """Write a descent as an ``.npz``; each number is an array named by its path."""
    np.savez_compressed(file, allow_pickle=False, parents=found.parents, fitness=found.fitness, **found.numbers)


def lineage_figure(found: Lineage) -> Figure:
    """Who went on with whose lifetime, and each number over the generations; the best one's ancestors are drawn black."""
    from matplotlib.figure import Figure

    names = list(found.numbers)[:_MOST_NUMBERS]
    figure = Figure(figsize=(7, 2.6 * (1 + len(names))), layout="constrained")
    axes = figure.subplots(1 + len(names), 1, squeeze=False, sharex=True)[:, 0]
    places = np.broadcast_to(np.arange(found.parents.shape[1]), found.parents.shape)
    for panel, (label, values) in zip(axes, [("member", places), *((n, found.numbers[n]) for n in names)], strict=True):
        _draw(panel, found, values)
        panel.set_ylabel(label)
        panel.grid(alpha=0.3)
        if label != "member" and values.min() > 0 and values.max() > 10 * values.min():
            panel.set_yscale("log")
    axes[0].set_title("Lineage: red lines are copies, black the ancestors of the best")
    axes[-1].set_xlabel("generation")
    return figure


def _draw(panel: Any, found: Lineage, values: np.ndarray) -> None:
    """A line from each member's parent to itself."""
    steps, members = np.arange(1, len(values)), np.arange(values.shape[1])
    for step in steps:
        parents = found.parents[step]
        copied = parents != members
        ends = np.stack([values[step - 1][parents], values[step]])
        panel.plot([step - 1, step], ends[:, ~copied], color="tab:blue", linewidth=0.6, alpha=0.5)
        panel.plot([step - 1, step], ends[:, copied], color="tab:red", linewidth=0.8)
    line = found.ancestors()
    panel.plot(np.arange(len(values)), values[np.arange(len(values)), line], color="black", linewidth=1.8)


def _decoded(gene: Any, genomes: np.ndarray) -> np.ndarray:
    """The value ``[P]`` of a number of each member."""
    return np.asarray([gene.domain.decode(genome[gene.start : gene.start + 1]) for genome in genomes], np.float32)
