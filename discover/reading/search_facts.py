"""The facts about the champion of a search: from its result, or from its directory."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from discover.base.errors import UserError
from discover.base.short_number import short_number
from discover.base.text_table import counted
from discover.components.space import Space
from discover.config.build import ORIGIN, algorithm_from
from discover.config.reading import read_config
from discover.contract.algorithm import Algorithm
from discover.contract.events import SearchInfo, TaskRun
from discover.contract.registry import Registry
from discover.contract.results import SearchResult
from discover.evaluation.comparison_file import REPORT_FILE, load_comparison
from discover.outer_loop.directory import CHAMPION_FILE, CONFIG_FILE, is_search, read_origin
from discover.outer_loop.history import read_history
from discover.outer_loop.result_file import read_result
from discover.reading.birth import birth_of
from discover.reading.facts import CandidateFacts, Facts, comparison_facts, cost_facts, name_of_part, provenance_facts

_NO_PARENTS = "not recorded: a strategy proposes values, and does not tell from which members they come"


def facts_of_search(search: SearchInfo, result: SearchResult) -> CandidateFacts:
    """The facts about the champion of a search, for `candidate_page`.

    Args:
        search: the search, as its watchers see it.
        result: its result.
    """
    numbers = vars(result)
    sizes = Sizes(
        search.name,
        search.config.get("strategy"),
        search.population,
        generations=search.generations,
        tasks=tuple(search.tasks),
        config=search.config,
    )
    return CandidateFacts(
        **comparison_facts(result.comparison),
        lineage={**_lineage(search.directory, sizes, search.space, result.champion), **_choice(numbers)},
        cost=cost_facts(numbers),
        provenance=provenance_facts(search.provenance),
    )


def facts_in(file: Path, champion: Algorithm, registry: Registry) -> CandidateFacts:
    """The facts about a champion whose file lies in the directory of its search.

    There are none where it does not, or where the files beside it were damaged: the champion itself is whole.

    Args:
        file: of the champion.
        champion: the candidate in it.
        registry: of the loaded plugins.
    """
    if file.name != CHAMPION_FILE or not is_search(file.parent):
        return CandidateFacts()
    try:
        return _facts_in(file.parent, champion, registry)
    except (UserError, KeyError, TypeError):
        return CandidateFacts()


def _facts_in(directory: Path, champion: Algorithm, registry: Registry) -> CandidateFacts:
    numbers, config = read_result(directory), read_config(directory / CONFIG_FILE)
    space = comparison = None
    with contextlib.suppress(UserError):  # there is no report, or a plugin that it needs is missing
        comparison = load_comparison(directory / REPORT_FILE, registry)
    with contextlib.suppress(UserError):  # a plugin with another option of the space is missing
        space = Space(algorithm_from(registry, config["candidate"]))
    tasks = tuple(TaskRun(item["task"], item["steps"]) for item in config["tasks"])
    sizes = Sizes(
        config["name"],
        config["strategy"],
        config["population"],
        generations=config["generations"],
        tasks=tasks,
        config=config,
    )
    return CandidateFacts(
        **comparison_facts(comparison),
        lineage={**_lineage(directory, sizes, space, champion), **(_choice(numbers) if numbers else {})},
        cost=cost_facts(numbers) if numbers else {},
        provenance=provenance_facts(read_origin(directory).provenance),
    )


class Sizes(NamedTuple):
    """Name, strategy (as its config has it), sizes and config of a search."""

    name: str
    strategy: Any
    population: int
    generations: int
    tasks: tuple[TaskRun, ...]
    config: Mapping[str, Any]


def _lineage(directory: Path, sizes: Sizes, space: Space | None, champion: Algorithm) -> dict[str, str]:
    """The search and the generation that a champion comes from."""
    lineage = {
        "search": sizes.name,
        "directory": str(directory),
        "strategy": name_of_part(sizes.strategy),
        "population": f"{counted(sizes.population, 'candidate')} in each of {counted(sizes.generations, 'generation')}",
        "searched on": ", ".join(run.label for run in sizes.tasks),
    }
    lineage |= _origins(sizes.config)
    if space is not None:
        lineage["space"] = counted(len(space.genes), "open value")
        with contextlib.suppress(UserError):  # a damaged history costs two lines, not the page
            lineage |= _first_seen(directory, sizes, space, champion)
    lineage["parents"] = _NO_PARENTS
    return {name: text for name, text in lineage.items() if text}


def _origins(config: Mapping[str, Any]) -> dict[str, str]:
    """The versions or files from which the space and the baselines of a search come, see `discover.config.elsewhere`."""
    baselines = (config.get("report") or {}).get("baselines") or {}
    origins = {name: _origin(words) for name, words in baselines.items()}
    others = ", ".join(f"{name}: {origin}" for name, origin in origins.items() if origin)
    return {"space from": _origin(config.get("candidate")), "baselines from": others}


def _origin(words: Any) -> str:
    """The origin of an algorithm, or of a space to tune, as a config names it; empty without one."""
    if isinstance(words, Mapping) and set(words) == {"tune"}:
        words = words["tune"]
    return str(words.get(ORIGIN, "")) if isinstance(words, Mapping) else ""


def _first_seen(directory: Path, sizes: Sizes, space: Space, champion: Algorithm) -> dict[str, str]:
    """The generation in which a champion appeared first, if the history of the population tells it."""
    history = read_history(directory)
    birth = None if history is None else birth_of(champion, space, history)
    if birth is None:
        return {}
    place = f"generation {birth.generation + 1:,} of {sizes.generations:,}"
    return {
        "first seen in": f"{place}, with the fitness {short_number(birth.fitness)}",
        "evaluated in": counted(birth.evaluations, "generation"),
    }


def _choice(numbers: Mapping[str, Any]) -> Facts:
    """The choice of a champion from the finalists, from the attributes of the result of a search."""
    return {
        "chosen from": f"{len(numbers['finalist_fitness']):,} finalists",
        "fitness on seeds of its own": short_number(numbers["champion_fitness"]),
    }
