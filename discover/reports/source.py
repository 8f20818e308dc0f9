"""The sources of a report: searches, comparisons and trainings, wherever they come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from discover.components.space import Space
from discover.contract.ablation import Ablation
from discover.contract.results import Comparison
from discover.outer_loop.history import History

Kind: TypeAlias = Literal["search", "comparison", "training"]


@dataclass(frozen=True)
class Population:
    """The population of a search, generation by generation.

    Attributes:
        name: of the search.
        history: its generations.
        space: of the search.
        champion_fitness: fitness of the champion on seeds of its own; None while there is none.
    """

    name: str
    history: History
    space: Space
    champion_fitness: float | None = None


@dataclass(frozen=True)
class Source:
    """One source of a report.

    Attributes:
        label: the address by which the user knows it: a directory, or the id of a run.
        kind: its kind.
        name: its name.
        comparison: its results; None for a search without a report, or one that is not finished.
        population: of a search; None without its history.
        ablation: what each value of a search's champion pays; None if it was not measured.
        notes: sentences on what it lacks.
        facts: totals of a search (generations, env steps, seconds, broken candidates), if it is finished.
        provenance: versions, plugins, git commit, device.
    """

    label: str
    kind: Kind
    name: str
    comparison: Comparison | None = None
    population: Population | None = None
    ablation: Ablation | None = None
    notes: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
