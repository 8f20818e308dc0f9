"""Versions of registered models, and the promotion of one to the champion of its model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from discover.contract.events import TaskRun
from discover.contract.results import Comparison


@dataclass(frozen=True)
class ModelVersion:
    """A version of a registered model: the champion of one search, in the registry of a tracking store.

    Attributes:
        address: such as ``models:/quickstart/3``.
        champion: address of the version that holds the alias ``champion`` of the same model; None if none does.
        runs: tasks and steps of the search's report, or those that it searched if it has none; empty if they are not known.
    """

    address: str
    champion: str | None
    runs: Sequence[TaskRun] = ()


@dataclass(frozen=True, repr=False)
class Promotion:
    """The outcome of an attempt to make a version the champion of its registered model.

    Attributes:
        version: the version, and the champion before.
        promoted: whether the version has become the champion.
        outcome: a sentence.
        comparison: the comparison with the champion before, if there was one.
        facts: facts that watchers add once the command is over (``run_id``, ...).
    """

    version: ModelVersion
    promoted: bool
    outcome: str
    comparison: Comparison | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        return "\n".join([*([self.comparison.table()] if self.comparison else []), self.outcome])
