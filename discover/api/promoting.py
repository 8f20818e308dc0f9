"""Promotions from Python."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from discover.api.comparing import compare_in
from discover.api.listing import find_search
from discover.api.loaded import plugins
from discover.api.running import command_session, count, store_of, task_runs

if TYPE_CHECKING:
    from discover.contract.promotion import Promotion
    from discover.plugin.loader import Plugins


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


def save_recipe(
    search: str | os.PathLike[str], name: str, folder: str | os.PathLike[str], *, tracking: bool | str = False
) -> Path:
    """Write the champion of a finished search as the recipe ``discovered/NAME``, with the record of its search.

    The record holds the search with its config and seed, what it has seen and spent, versions and commit, the table and the
    verdict of its report, its ablation, and where the champion fails. A plugin registers the recipes in a folder by
    ``registry.add_discovered(folder)``.

    Args:
        search: directory of the search, or its name (the newest of that name), or the id of its tracked run.
        name: of the recipe, without the prefix; small letters, digits, ``-`` and ``_``.
        folder: where to; made if it is not there.
        tracking: whether to look for the search in the tracking store too, or the address of the store.

    Returns:
        The JSON file of the recipe.

    Raises:
        UserError: there is no such search, it is not finished, or the name is wrong or that of another search's recipe.
    """
    place = find_search(plugins(), os.fspath(search), store=store_of(tracking), tracking=bool(tracking))
    return write_recipe(plugins(), place, name, Path(folder))


def write_recipe(loaded: Plugins, directory: Path, name: str, folder: Path) -> Path:
    """`save_recipe`, by plugins that are loaded already, of the search in a directory."""
    from discover.contract.found_recipe import check_not_of_another, found_recipe_file
    from discover.outer_loop.found_recipe import found_recipe
    from discover.storage.array_file import write_atomically

    recipe = found_recipe(directory, loaded.registry, name)
    path, data = found_recipe_file(folder, recipe)
    check_not_of_another(path, recipe)
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(path, data)
    return path
