"""Checks of plugins that watch."""

from __future__ import annotations

import inspect
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pluggy

from discover.base.errors import cause_of
from discover.components.open_values import free
from discover.components.space import Space
from discover.contract import hooks as hookspecs
from discover.contract.events import Command, Generation, SearchInfo, TaskRun
from discover.contract.registry import Registry
from discover.testing.failures import ConformanceError, require
from discover.testing.guard import place_in
from discover.testing.hill import Point

SLOW = 5.0
"""Seconds after which a hook is too slow: a search waits for it."""


def check_watcher(plugin: object) -> None:
    """Check a plugin that watches, by the events of a search of two generations in a temporary folder.

    The search is stopped after them, and goes on: the second generation is told once more. The plugin raises nothing, and
    returns soon.

    Args:
        plugin: a module, or an object with methods, that is marked by ``@hookimpl``.

    Raises:
        ConformanceError: the first check that fails, in one sentence.
    """
    name = getattr(plugin, "__name__", type(plugin).__name__)
    manager = pluggy.PluginManager("discover")
    manager.add_hookspecs(hookspecs)
    manager.register(plugin)
    manager.check_pending()
    watches = {caller.name for caller in manager.get_hookcallers(plugin) or ()} - {"discover_register"}
    require(
        watches,
        f"{name} watches nothing.",
        "A plugin watches by its hooks.",
        "Mark a function by @discover.hookimpl, such as discover_generation_done.",
    )
    with tempfile.TemporaryDirectory() as folder:
        command = Command("search", Path(folder), tracking=False)
        for observers in _called(plugin, name, lambda: manager.hook.discover_observers(command=command)):
            for observer in observers:
                manager.register(observer)
        for hook, facts in _events(_search(Path(folder))):
            _called(plugin, name, lambda hook=hook, facts=facts: getattr(manager.hook, hook)(**facts))


def _called(plugin: object, name: str, call: Callable[[], Any]) -> Any:
    """The result of a hook; an error becomes a sentence with a place."""
    started = time.perf_counter()
    try:
        result = call()
    except Exception as error:
        file = inspect.getsourcefile(plugin if inspect.ismodule(plugin) else type(plugin))
        raised = ConformanceError(
            f"{name} raises while it watches a search ({cause_of(error)}).",
            "What a watcher raises costs a warning, and what it was to do.",
            "Repair that line.",
        )
        raised.place = place_in(error, Path(file).parent) if file else ""
        raise raised from error
    seconds = time.perf_counter() - started
    require(
        seconds < SLOW,
        f"{name} takes {seconds:.0f} s for one event.",
        "A search waits for every hook.",
        "Do long work in a thread or a process of your own.",
    )
    return result


def _events(search: SearchInfo) -> Iterator[tuple[str, dict[str, Any]]]:
    """The events of a search that is stopped after its second generation, and goes on before it."""
    first, second = _generation(0), _generation(1)
    yield "discover_search_started", {"search": search}
    yield "discover_generation_done", {"search": search, "generation": first}
    yield "discover_checkpoint", {"search": search}
    yield "discover_generation_done", {"search": search, "generation": second}
    yield "discover_search_failed", {"search": search, "error": KeyboardInterrupt()}
    yield "discover_search_started", {"search": search}
    yield "discover_generation_done", {"search": search, "generation": second}
    yield "discover_checkpoint", {"search": search}
    yield "discover_command_finished", {}


def _search(folder: Path) -> SearchInfo:
    return SearchInfo(
        name="a search",
        directory=folder,
        config={},
        space=Space(Point(x=free(), y=free(), z=free())),
        tasks=[TaskRun("a task", 100)],
        population=4,
        generations=2,
        seeds=1,
        provenance={},
        registry=Registry(),
    )


def _generation(index: int) -> Generation:
    fitness = np.asarray([0.1, 0.4, 0.3, -0.1], np.float32) + index
    return Generation(
        index=index,
        genomes=np.zeros((4, 3), np.float32),
        fitness=fitness,
        status=np.asarray([0, 0, 0, 3]),
        errors={3: "ValueError: an example"},
        returns=[np.zeros((4, 1, 100), np.float32)],
        structures=1,
        env_steps=400,
        env_steps_so_far=400 * (index + 1),
        evaluation_seconds=0.1,
        seconds=0.2,
        best_fitness=float(fitness.max()),
        broken_so_far={"ERROR": index + 1},
    )
