"""A search of the toys that takes seconds, who watches it, and what it leaves behind."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import toys

from discover import hookimpl
from discover.contract.events import Generation, SearchInfo
from discover.contract.results import SearchResult
from discover.outer_loop.search import search
from discover.plugin.loader import Plugins, load_plugins

WORDS: dict[str, Any] = {
    "name": "Laws & order",
    "seed": 5,
    "candidate": {"recipe": "climb", "rule": {"toy_climb": {"slope": "free"}}},
    "strategy": "toy_hill",
    "objective": "toy_finalreturn",
    "population": 3,
    "generations": 4,
    "seeds": 2,
    "finalists": 2,
    "selection_seeds": 2,
    "tasks": [{"task": "late-payday", "steps": 96}, {"task": "payday", "steps": 40}],
}


class Watcher:
    """Takes notes of a search, and may end it."""

    def __init__(self, stop_in: int | None = None):
        self.events: list[str] = []
        self.generations: list[Generation] = []
        self.phases: list[tuple[str, bool]] = []
        self.stop_in = stop_in

    @hookimpl
    def discover_search_started(self, search: SearchInfo) -> None:
        self.events.append(f"started from {search.resumed_from}")
        self.phases.append((search.phase, search.resumed))

    @hookimpl
    def discover_generation_done(self, search: SearchInfo, generation: Generation) -> None:
        self.events.append(f"generation {generation.index}")
        self.generations.append(generation)
        if generation.index == self.stop_in:
            raise KeyboardInterrupt

    @hookimpl
    def discover_search_finished(self, search: SearchInfo, result: SearchResult) -> None:
        self.events.append("finished")

    @hookimpl
    def discover_search_failed(self, search: SearchInfo, error: BaseException) -> None:
        self.events.append(f"failed: {type(error).__name__}")


def watched(*watchers: object) -> Plugins:
    return load_plugins(extra=[toys, *watchers])


def run(directory: Path, watcher: Watcher | None = None, **change: Any) -> SearchResult:
    return search(watched(*([watcher] if watcher else [])), {**WORDS, **change}, directory)


def state(directory: Path) -> dict[str, bytes]:
    """The arrays of the checkpoint."""
    with np.load(directory / "state.npz", allow_pickle=False) as stored:
        return {name: stored[name].tobytes() for name in stored.files if name != "text"}


def counters(directory: Path) -> Mapping[str, Any]:
    """What the checkpoint counts, without the time that it took."""
    with np.load(directory / "state.npz", allow_pickle=False) as stored:
        return {key: value for key, value in json.loads(bytes(stored["text"]).decode()).items() if key != "seconds"}
