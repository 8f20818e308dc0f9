"""Sources of a report, read from directories and from results in memory."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from discover.base.errors import UserError
from discover.components.space import Space
from discover.config.build import algorithm_from
from discover.contract.registry import Registry
from discover.contract.results import Comparison, SearchResult, Training
from discover.evaluation.ablation_file import read_ablation
from discover.evaluation.comparison_file import REPORT_FILE, load_comparison, training_alone
from discover.outer_loop.directory import CONFIG_FILE, ORIGIN_FILE, read_json
from discover.outer_loop.history import History, read_history
from discover.outer_loop.result_file import read_result
from discover.reports.seen import told_of_seen
from discover.reports.source import Kind, Population, Source
from discover.storage.yaml_text import values_in_file

RUN_FILE = "run.json"
"""The file beside the artifacts of a tracked run that says of which kind it is, and whether it has ended well."""

_TOTALS = ("generations", "env_steps", "seconds", "broken", "champion_fitness")


def source_from_file(path: Path, registry: Registry) -> Source:
    """The source in the file of a comparison (`save_comparison`).

    Raises:
        UserError: it is damaged, or needs a plugin that is not loaded.
    """
    comparison = load_comparison(path, registry)
    name = " against ".join(comparison.candidates)
    return Source(
        str(path), "comparison", name, comparison=comparison, notes=tuple(comparison.seen), provenance=comparison.provenance
    )


def source_in(folder: Path, registry: Registry, label: str | None = None) -> Source:
    """The source in the directory of a search, or in a folder with the artifacts of a tracked run.

    Args:
        folder: the directory.
        registry: components by name.
        label: the address by which the user knows it; by default the directory.

    Raises:
        UserError: it holds nothing that a report could show, is damaged, or needs a plugin that is not loaded.
    """
    label = label or str(folder)
    run = read_json(folder / RUN_FILE)
    if run is None and not (folder / CONFIG_FILE).is_file() and not (folder / REPORT_FILE).is_file():
        raise UserError(f"'{label}' holds neither a search nor a comparison: give the directory that a search printed.")
    if (folder / CONFIG_FILE).is_file() and (run is None or run.get("kind") == "search"):
        return _search_in(folder, registry, label, run)
    return _comparison_in(folder, registry, label, run or {})


def source_of(result: Comparison | Training | SearchResult, registry: Registry | None = None) -> Source:
    """The source of a result in memory.

    Args:
        result: the result.
        registry: components by name; with it, a search has the history in its directory too.
    """
    if isinstance(result, SearchResult):
        directory = result.champion_path.parent
        values = _config_in(directory) if (directory / CONFIG_FILE).is_file() else {}
        totals = {name: getattr(result, name) for name in _TOTALS}
        return Source(
            label=str(directory),
            kind="search",
            name=str(values.get("name", directory.name)),
            comparison=result.comparison,
            population=None
            if registry is None or not values
            else _population(directory, registry, values, result.champion_fitness),
            ablation=result.ablation,
            notes=told_of_seen(values, result.comparison),
            facts=totals,
            provenance=_provenance(directory),
        )
    comparison = training_alone(result) if isinstance(result, Training) else result
    name = " against ".join(comparison.candidates)
    kind: Kind = "training" if isinstance(result, Training) else "comparison"
    label = str(result.facts.get("run_id") or name)
    notes = tuple(comparison.seen)
    return Source(label=label, kind=kind, name=name, comparison=comparison, notes=notes, provenance=comparison.provenance)


def _comparison_in(folder: Path, registry: Registry, label: str, run: Mapping[str, Any]) -> Source:
    """The source of a comparison or of a training."""
    if not (folder / REPORT_FILE).is_file():
        status = str(run.get("status", "FINISHED"))
        how = "has failed" if status in ("FAILED", "KILLED") else "is not finished" if status == "RUNNING" else "has no results"
        raise UserError(f"run '{label}' {how} (there is no {REPORT_FILE} among its artifacts): run it again, or give another.")
    comparison = load_comparison(folder / REPORT_FILE, registry)
    kind: Kind = "training" if len(comparison.candidates) == 1 else "comparison"
    name = str(run.get("name") or " against ".join(comparison.candidates))
    notes = tuple(comparison.seen)
    return Source(label=label, kind=kind, name=name, comparison=comparison, notes=notes, provenance=comparison.provenance)


def _search_in(folder: Path, registry: Registry, label: str, run: Mapping[str, Any] | None) -> Source:
    values, result = _config_in(folder), read_result(folder)
    finished = result is not None or (run or {}).get("status") == "FINISHED"
    comparison = load_comparison(folder / REPORT_FILE, registry) if (folder / REPORT_FILE).is_file() else None
    fitness = None if result is None else float(result["champion_fitness"])
    if fitness is None and run is not None and run.get("champion_fitness") is not None:
        fitness = float(run["champion_fitness"])
    population = _population(folder, registry, values, fitness)
    name, planned = str(values.get("name", folder.name)), values.get("generations")
    if population is None and comparison is None:
        why = "it was written by an earlier version" if finished else "it has no checkpoint yet"
        raise UserError(f"the search '{label}' has nothing to report ({why}): let it go on (discover resume), or give another.")
    notes = []
    if not finished:
        done = 0 if population is None else len(population.history.generation)
        notes.append(
            f"The search '{name}' is not finished: {done} of {planned} generations are done, and there is no champion."
        )
    elif comparison is None:
        notes.append(f"The search '{name}' compared its champion with nothing: its config asks for no report.")
    if population is None:
        notes.append(f"The search '{name}' has no history of its population: an earlier version began it.")
    elif len(population.history.generation) and population.history.generation[0] > 0:
        first = int(population.history.generation[0])
        notes.append(f"The history of the search '{name}' begins with generation {first}: an earlier version began it.")
    notes += told_of_seen(values, comparison)
    return Source(
        label=label,
        kind="search",
        name=name,
        comparison=comparison,
        population=population,
        ablation=read_ablation(folder),
        notes=tuple(notes),
        facts={key: result[key] for key in _TOTALS} if result is not None else {},
        provenance=_provenance(folder) or (comparison.provenance if comparison else {}),
    )


def _population(
    folder: Path, registry: Registry, values: Mapping[str, Any], champion_fitness: float | None
) -> Population | None:
    """The population of the search in a directory; None without its history."""
    history: History | None = read_history(folder)
    if history is None or not len(history.generation):
        return None
    space = Space(algorithm_from(registry, values["candidate"], f"the config of the search in '{folder}'"))
    return Population(str(values.get("name", folder.name)), history, space, champion_fitness)


def _config_in(folder: Path) -> Mapping[str, Any]:
    values = values_in_file(folder / CONFIG_FILE, "config file")
    if not isinstance(values, dict) or "candidate" not in values:
        raise UserError(f"'{folder / CONFIG_FILE}' is not the config of a search: give the directory of another one.")
    return values


def _provenance(folder: Path) -> Mapping[str, Any]:
    """The provenance in the directory of a search, or among the artifacts of its run; empty if there is none."""
    origin = read_json(folder / ORIGIN_FILE) or {}
    return origin.get("provenance") or read_json(folder / "provenance.json") or {}
