"""The champion of a finished search as a recipe, with the record of where it comes from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from discover.base.errors import UserError
from discover.config.build import config_of
from discover.config.candidate_file import fingerprint_of, load_candidate
from discover.config.seen import SEEN, seen_in_config
from discover.contract.ablation import Ablation
from discover.contract.found_recipe import PREFIX, FoundRecipe, checked_name
from discover.contract.registry import Registry
from discover.contract.results import Comparison
from discover.evaluation.ablation_file import read_ablation
from discover.evaluation.comparison_file import REPORT_FILE, load_comparison
from discover.evaluation.where_it_fails import failures_in
from discover.outer_loop.directory import CHAMPION_FILE, check_search, read_origin
from discover.outer_loop.result_file import read_result

_SPENT = ("generations", "env_steps", "seconds", "broken", "champion_fitness")
_OWN = ("directory", "checkpoint_minutes")
"""Keys of a config that say nothing of what was found."""


def found_recipe(directory: Path, registry: Registry, name: str) -> FoundRecipe:
    """The champion of the search in a directory as a recipe.

    Args:
        directory: of the search.
        registry: components by name.
        name: of the recipe, without the prefix ``discovered/``.

    Raises:
        UserError: there is no search, it is not finished, or the name cannot be that of a file.
    """
    name = checked_name(name)
    check_search(directory)
    result, origin = read_result(directory), read_origin(directory)
    if result is None:
        raise UserError(f"the search in '{directory}' has no champion yet: let it finish (discover resume '{directory}').")
    champion = load_candidate(directory / CHAMPION_FILE, registry)
    report = directory / REPORT_FILE
    comparison = load_comparison(report, registry) if report.is_file() else None
    config = {key: value for key, value in origin.config.items() if key not in _OWN}
    record = {
        "search": {"name": config["name"], "seed": config["seed"], "config": config},
        "fingerprint": fingerprint_of(registry, champion),
        SEEN: seen_in_config(config).words(),
        "spent": {key: result[key] for key in _SPENT},
        "provenance": dict(origin.provenance),
        **_compared(comparison),
        **_ablated(read_ablation(directory)),
    }
    summary = f"Found by the search '{config['name']}' with seed {config['seed']}"
    return FoundRecipe(PREFIX + name, summary, plain(config_of(registry, champion)), plain(record))


def _compared(comparison: Comparison | None) -> dict[str, Any]:
    """The table of a report, its verdict, and where the champion fails; nothing without one."""
    if comparison is None:
        return {}
    return {
        "table": comparison.rows(),
        "suite": [each.row() for each in comparison.suite],
        "verdict": comparison.verdict,
        "fails": failures_in(comparison),
    }


def _ablated(ablation: Ablation | None) -> dict[str, Any]:
    """The gain from each value; nothing where it was not measured."""
    if ablation is None:
        return {}
    return {"ablation": {"known": ablation.known, "table": ablation.rows(), "verdict": ablation.verdict}}


def plain(value: Any) -> Any:
    """A value as JSON gives it back, with lists in the place of arrays.

    >>> plain({"a": np.array([0.5, 1.0], np.float32), "b": (1, None)})
    {'a': [0.5, 1.0], 'b': [1, None]}
    """

    def of_other(one: object) -> Any:
        return np.asarray(one).tolist() if hasattr(one, "__array__") else str(one)

    return json.loads(json.dumps(dict(value) if isinstance(value, Mapping) else value, default=of_other))
