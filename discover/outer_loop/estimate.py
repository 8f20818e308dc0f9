"""The expected cost of a search, from one rehearsal: structures, compilations, env steps, time and memory."""

from __future__ import annotations

import contextlib
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax

from discover.base.durations import duration
from discover.base.text_table import text_table
from discover.components.space import Space
from discover.config.build import component_from
from discover.config.search_config import SearchConfig, checked_config
from discover.contract.events import Generation
from discover.contract.registry import Registry
from discover.contract.strategy import Strategy
from discover.outer_loop.rehearsal import Call, Ledger, rehearsing
from discover.outer_loop.rhythm import Profile, generations_to_rehearse, rhythm_of, stand_in
from discover.outer_loop.search import search
from discover.plugin.loader import Plugins

_EXECUTOR = "rehearsal"


@dataclass(frozen=True)
class Phase:
    """A part of a search: the generations of one search, or all that is not part of any generation.

    Attributes:
        name: of the search, or ``selection and report``.
        env_steps: that it runs.
        seconds: that it takes, without compilation.
    """

    name: str
    env_steps: int
    seconds: float


@dataclass(frozen=True, repr=False)
class Estimate:
    """The expected cost of a search; it prints as a table.

    Attributes:
        name: of the search.
        structures: of the first generation.
        possible_structures: of the space.
        compilations: programs that are compiled for lifetimes; more of them, if structures appear later.
        compilation_seconds: that they will take, or that it takes to find them in the cache of programs; part of ``seconds``.
        phases: the generations of the search and of those that tune baselines; then the rest.
        seconds: expected time of all, compilation and all work between lifetimes included, without tracking.
        memory: bytes of this process at most.
        device_memory: bytes of all accelerators at most; 0 on a CPU.
        rehearsal_seconds, rehearsal_compilation_seconds: that the rehearsal took, and of that all compilations.
    """

    name: str
    structures: int
    possible_structures: int
    compilations: int
    compilation_seconds: float
    phases: tuple[Phase, ...]
    seconds: float
    memory: int
    device_memory: int
    rehearsal_seconds: float
    rehearsal_compilation_seconds: float

    @property
    def env_steps(self) -> int:
        """Env steps of all phases."""
        return sum(phase.env_steps for phase in self.phases)

    def values(self) -> dict[str, Any]:
        """All figures as JSON can hold them."""
        phases = [vars(phase) for phase in self.phases]
        return {**vars(self), "env_steps": self.env_steps, "phases": phases}

    def __repr__(self) -> str:
        rows = [(phase.name, f"{phase.env_steps:,}", duration(phase.seconds)) for phase in self.phases]
        rows.append(("compilation", "", duration(self.compilation_seconds)))
        between = self.seconds - self.compilation_seconds - sum(phase.seconds for phase in self.phases)
        rows.append(("between lifetimes", "", duration(between)))
        table = text_table(("part", "env steps", "time"), rows, ("env steps", "time"))
        more = self.structures < self.possible_structures
        device = f", {_size(self.device_memory)} on accelerators" if self.device_memory else ""
        return "\n".join(
            [
                table,
                f"structures:    {self.structures:,} in the first generation, of {self.possible_structures:,} possible",
                f"compilations:  {self.compilations:,}{' or more' if more else ''}, "
                f"{duration(self.rehearsal_compilation_seconds)} in this rehearsal, "
                f"{duration(self.compilation_seconds)} in the search",
                f"env steps:     {self.env_steps:,}",
                f"time:          about {duration(self.seconds)} (measured in {duration(self.rehearsal_seconds)})",
                f"memory:        about {_size(self.memory)}{device}",
            ]
        )


def rehearsed(plugins: Plugins, config: Mapping[str, Any], progress: Callable[[str, float], None] | None = None) -> Estimate:
    """The cost of a search by one rehearsal in this process, which compiles what no cache has; see `estimating.estimate`."""
    started = time.perf_counter()
    checked = checked_config(plugins.registry, config)
    ledger = Ledger(checked.executor, checked.generations)
    registry = plugins.registry.copy()
    registry.add(_EXECUTOR, rehearsing(ledger))
    own, refining = _rhythms(registry, checked)
    shorter = {"generations": generations_to_rehearse(own), "executor": _EXECUTOR, "time_limit_seconds": None}
    if refining:
        after = checked.words["after"]
        few = {**after["refine"], "generations": generations_to_rehearse(refining)}
        shorter["after"] = {**after, "refine": few}
    watched = _Watched(**{**plugins._asdict(), "registry": registry})
    watched.events = events = _Events(ledger)
    with tempfile.TemporaryDirectory(prefix="discover-") as folder:
        search(watched, {**checked.words, **shorter}, Path(folder) / "rehearsal", progress=progress)
    return _estimate(checked, ledger, events, (own, refining), wall=time.perf_counter() - started)


@dataclass
class _Events:
    """The events of a rehearsal.

    Attributes:
        ledger: notes the cost of lifetimes.
        searches: the calls of each generation, by the name of the search; a search that tunes a baseline is one of them.
        between: seconds of the last generation of each search that were not spent on lifetimes.
        structures: of the first generation.
        rest: calls outside generations.
    """

    ledger: Ledger
    searches: dict[str, list[list[Call]]] = field(default_factory=dict)
    between: dict[str, float] = field(default_factory=dict)
    structures: int = 0
    rest: list[Call] = field(default_factory=list)
    _spent: float = 0.0

    def begin(self, name: str) -> None:
        """Note that a search begins."""
        self.rest += self.ledger.take()
        self.searches[name], self._spent = [], self.ledger.spent

    def generation(self, name: str, generation: Generation) -> None:
        """Note that a generation is over."""
        self.structures = self.structures or generation.structures
        self.searches[name].append(self.ledger.take())
        self.between[name] = max(0.0, generation.seconds - (self.ledger.spent - self._spent))
        self._spent = self.ledger.spent


class _Watched(Plugins):
    """Plugins that are told nothing of a rehearsal."""

    events: _Events

    def tell(self, hook: str, **facts: Any) -> list[Any]:
        if hook == "discover_search_started":
            self.events.begin(facts["search"].name)
        elif hook == "discover_generation_done":
            self.events.generation(facts["search"].name, facts["generation"])
        return []


def _estimate(
    config: SearchConfig, ledger: Ledger, events: _Events, rhythms: tuple[list[Profile], list[Profile]], *, wall: float
) -> Estimate:
    """The cost of a whole search from that of its rehearsal."""
    phases, between = [], wall - ledger.spent
    for name, generations in events.searches.items():
        rhythm, done = rhythms[name != config.name and name.rpartition(": ")[2].startswith("refine ")], len(generations)
        left = [generations[stand_in(rhythm, index, done)] for index in range(done, len(rhythm))]
        phases.append(_phase(name, [call for each in (*generations, *left) for call in each]))
        between += events.between[name] * len(left)
    phases.append(_phase("selection and report", [*events.rest, *ledger.take()]))
    compilation = ledger.compilation
    return Estimate(
        name=config.name,
        structures=events.structures,
        possible_structures=Space(config.template).structures,
        compilations=len(ledger.programs),
        compilation_seconds=compilation,
        phases=tuple(phases),
        seconds=between + compilation + sum(phase.seconds for phase in phases),
        memory=_peak_memory(),
        device_memory=sum((device.memory_stats() or {}).get("peak_bytes_in_use", 0) for device in jax.devices()),
        rehearsal_seconds=wall,
        rehearsal_compilation_seconds=compilation,
    )


def _rhythms(registry: Registry, config: SearchConfig) -> tuple[list[Profile], list[Profile]]:
    """The rhythm of a search, which those that tune baselines share, and that of its refinements, empty without any."""
    space, refine = Space(config.template), config.after.refine
    sizes = {"population": config.population, "seeds": config.seeds, "generations": config.generations}
    own = rhythm_of(config.strategy, space, **sizes, tasks=len(config.tasks))
    if refine is None:
        return own, []
    strategy = component_from(registry, Strategy, refine.strategy, "after.refine.strategy")
    sizes = {"population": refine.population, "seeds": refine.seeds, "generations": refine.generations}
    return own, rhythm_of(strategy, space, **sizes, tasks=len(config.tasks))


def _phase(name: str, calls: list[Call]) -> Phase:
    return Phase(name, sum(call.env_steps for call in calls), sum(call.seconds for call in calls))


def _peak_memory() -> int:
    """The most bytes of memory that this process has used; 0 where the system does not say.

    On Linux ``getrusage`` would count the process that started this one too.
    """
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return 1024 * int(line.split()[1])
    try:
        import resource
    except ImportError:  # Windows
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def _size(size: float) -> str:
    """A number of bytes in words.

    >>> _size(1_500_000_000), _size(20_000_000)
    ('1.5 GB', '20 MB')
    """
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"
