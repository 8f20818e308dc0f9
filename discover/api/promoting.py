"""Promotions from Python."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from discover.api.comparing import compare_in
from discover.api.loaded import plugins
from discover.api.running import command_session, count, store_of, task_runs

if TYPE_CHECKING:
    from discover.contract.promotion import Promotion


def promote(
    version: str,
    tasks: Sequence[str] | Mapping[str, int] | str | None = None,
    *,
    steps: int = 100_000,
    seeds: int = 16,
    seed: int = 0,
    force: bool = False,
    tracking: bool | str = True,
) -> Promotion:
    """Make a version the champion of its registered model, if a comparison on fresh seeds finds it better.

    It must be better than the champion so far on one task or more, and worse on none. A model without a champion takes any
    version.

    Args:
        version: its address, such as ``models:/quickstart/3``.
        tasks: see `compare`; by default those of the report of the version's search.
        steps: env steps of each lifetime, unless ``tasks`` says so.
        seeds: number of lifetimes of both on each task, from a stream that no search, report or other promotion uses.
        seed: seed of that stream.
        force: whether to promote the version without a comparison.
        tracking: whether to track the comparison, or the address of the store, which is also that of the version.

    Returns:
        The promotion: it prints as a table, and says whether the version is the champion.

    Raises:
        UserError: there is no such version, or no comparison is possible; before any lifetime runs.
    """
    from discover.evaluation.promotion import promotion, promotion_plan

    store, runs = store_of(tracking), [] if tasks is None else task_runs(tasks, steps)
    seeds, seed = count("seeds", seeds), count("seed", seed, 0)
    plan, comparison, facts = promotion_plan(plugins(), version, store, runs=runs, seeds=seeds, force=force), None, {}
    if plan.candidates:
        with command_session("promote", tracking) as running:
            comparison = compare_in(running, plan.candidates, plan.runs, seeds, seed=seed, purpose=plan.purpose)
        facts = running.facts
    return dataclasses.replace(promotion(plugins(), plan, comparison, store, force=force), facts=facts)
