"""Promotion: a version of a registered model becomes the champion if a comparison on fresh seeds finds it better."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from discover.base.errors import UserError
from discover.base.secrets import without_secrets
from discover.base.statistics import seeds_for_verdict
from discover.base.text_table import counted
from discover.config.candidate_file import fingerprint_of
from discover.config.candidates import candidate_from
from discover.contract.algorithm import Algorithm
from discover.contract.events import TaskRun
from discover.contract.promotion import ModelVersion, Promotion
from discover.contract.results import Comparison
from discover.plugin.loader import Plugins


class Plan(NamedTuple):
    """The plan of a promotion, checked before any lifetime runs.

    Attributes:
        version: the version, and the champion so far.
        candidates: both of them by address; empty if no comparison is needed.
        runs: tasks and steps of the comparison.
    """

    version: ModelVersion
    candidates: Mapping[str, Algorithm]
    runs: Sequence[TaskRun]

    @property
    def purpose(self) -> str:
        """The name of the stream of seeds: that of these two versions.

        So the seeds had no part in a search, a choice of a champion, a report, or an earlier promotion; and a repetition of
        the same promotion is no second chance, since it runs the same lifetimes.
        """
        return f"promote {self.version.address} over {self.version.champion}"


def promotion_plan(
    plugins: Plugins, address: str, store: str | None, *, runs: Sequence[TaskRun], seeds: int, force: bool
) -> Plan:
    """The plan of a promotion.

    Args:
        plugins: one of them knows registered models.
        address: of a version, such as ``models:/quickstart/3``.
        store: address of the tracking store; None leaves it to the tracker.
        runs: tasks and steps; empty for those of the version's search.
        seeds: lifetimes of either candidate in each run.
        force: whether to promote the version without a comparison.

    Raises:
        UserError: there is no such version, no task is known, or the seeds are too few for a verdict.
    """
    version = plugins.hook.discover_model_version(address=address, store=store)
    if version is None:
        shown = without_secrets(address)
        raise UserError(f"'{shown}' is no version of a registered model: give one, such as models:/quickstart/3.")
    if force or version.champion in (None, version.address):
        return Plan(version, {}, ())
    runs = runs or version.runs
    if not runs:
        raise UserError(f"the tasks of the search of '{version.address}' are not known: name some with --tasks.")
    need = seeds_for_verdict(len(runs))
    if seeds < need:
        raise UserError(f"a verdict on {counted(len(runs), 'task')} needs {need} seeds or more; got {seeds}.")
    candidates = {place: candidate_from(plugins, place, store) for place in (version.address, version.champion)}
    if len({fingerprint_of(plugins.registry, candidate) for candidate in candidates.values()}) == 1:
        return Plan(version, {}, runs)
    return Plan(version, candidates, runs)


def promotion(plugins: Plugins, plan: Plan, comparison: Comparison | None, store: str | None, *, force: bool) -> Promotion:
    """Carry a plan out: move the alias if the version is due to get it.

    Args:
        plugins: one of them moves the alias.
        plan: the plan.
        comparison: of the plan's candidates, if it needs one.
        store: address of the tracking store.
        force: whether to promote the version without a comparison.

    Raises:
        UserError: the alias cannot be moved, or another version has become the champion in the meantime.
    """
    version, before = plan.version, plan.version.champion
    if version.address == before:
        return Promotion(version, False, f"{version.address} is the champion already; nothing is moved.")
    if comparison is not None and not is_better(comparison):
        return Promotion(version, False, f"{before} remains the champion (--force moves the alias all the same).", comparison)
    if not force and comparison is None and before is not None:
        return Promotion(
            version, False, f"{version.address} is the same algorithm as the champion, {before}; nothing is moved."
        )
    why = "its model had no champion" if before is None else f"without a comparison, instead of {before}"
    plugins.hook.discover_promote(version=version, why=comparison.verdict if comparison else why, store=store)
    now = f"{version.address} is the champion now"
    return Promotion(version, True, f"{now}, instead of {before}." if before else f"{now}; there was none before.", comparison)


def is_better(comparison: Comparison) -> bool:
    """Whether the first candidate is better than the other one in some run, and worse or incomparable in none."""
    verdicts = [difference.verdict for difference in comparison.differences]
    return len(verdicts) == len(comparison.runs) and "better" in verdicts and set(verdicts) <= {"better", "no difference"}
