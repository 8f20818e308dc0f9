"""Progress on standard error: bars on a terminal, now and then a line elsewhere.

It watches a search through the public hooks, as any plugin may.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, Protocol, Self

from discover.base.errors import DiscoverWarning, cause_of
from discover.contract.hooks import hookimpl
from discover.process.interruption import raise_if_stopped

if TYPE_CHECKING:
    from discover.contract.events import Generation, SearchInfo

_PAUSE = 10.0  # seconds between two lines where there is no terminal


class Standing(NamedTuple):
    """Where a search stands after a generation.

    Attributes:
        name: of the search.
        done, generations: how many generations are done, and how many there will be.
        best, mean: fitness: the best so far, and the mean of this generation.
        rate: env steps per second in this generation.
        left: seconds until the last generation is done, if they last as long as those before.
        broken: candidates that have broken so far.
    """

    name: str
    done: int
    generations: int
    best: float
    mean: float
    rate: float
    left: float
    broken: int

    def __str__(self) -> str:
        broken = f", {self.broken} broken" if self.broken else ""
        return (
            f"generation {self.done}/{self.generations}, ETA {duration(self.left)}, best {self.best:.3f}, "
            f"mean {self.mean:.3f}, {self.rate:,.0f} env steps/s{broken}"
        )


class Display(Protocol):
    """Shows what `Progress` tells."""

    def open(self) -> None: ...

    def close(self) -> None: ...

    def begin(self, name: str, done: int, generations: int) -> None:
        """A search begins, or goes on after ``done`` generations."""
        ...

    def stand(self, standing: Standing) -> None:
        """A generation is done."""
        ...

    def doing(self, what: str, share: float) -> None:
        """Something is being done, and this share of it is."""
        ...


class Progress:
    """Watches a command and tells a display.

    Attributes:
        search: the search that the command runs, once it has started (not those that tune a baseline for it).
    """

    def __init__(self, display: Display):
        self.search: SearchInfo | None = None
        self._display: Display | None = display
        self._seconds: list[float] = []

    def __enter__(self) -> Self:
        self._show(lambda display: display.open())
        return self

    def __exit__(self, *error: object) -> None:
        self._show(lambda display: display.close())

    def __call__(self, what: str, share: float) -> None:
        raise_if_stopped()
        self._show(lambda display: display.doing(what, share))

    def _show(self, tell: Callable[[Display], None]) -> None:
        """Tell the display; one that fails is told no more."""
        try:
            if self._display is not None:
                tell(self._display)
        except Exception as error:
            self._display = None
            warnings.warn(f"progress is not shown any more ({cause_of(error)}).", DiscoverWarning, stacklevel=3)

    @hookimpl
    def discover_search_started(self, search: SearchInfo) -> None:
        self.search = self.search or search
        raise_if_stopped()
        self._seconds = []
        self._show(lambda display: display.begin(search.name, search.resumed_from, search.generations))

    @hookimpl
    def discover_generation_done(self, search: SearchInfo, generation: Generation) -> None:
        raise_if_stopped()
        self._seconds.append(generation.seconds)
        sound = generation.fitness[generation.status == 0]
        done = generation.index + 1
        standing = Standing(
            name=search.name,
            done=done,
            generations=search.generations,
            best=generation.best_fitness,
            mean=float(sound.mean()) if len(sound) else float("nan"),
            rate=generation.env_steps / generation.seconds,
            left=(search.generations - done) * typical(self._seconds),
            broken=sum(generation.broken_so_far.values()),
        )
        self._show(lambda display: display.stand(standing))


class Lines:
    """A line when something new happens, but not more often than every ten seconds; the last generation always."""

    def __init__(self, write: Callable[[str], None], clock: Callable[[], float] = time.monotonic):
        self._write, self._clock = write, clock
        self._next, self._last, self._name = 0.0, "", ""

    def open(self) -> None:
        self._next = self._clock()

    def close(self) -> None:
        pass

    def begin(self, name: str, done: int, generations: int) -> None:
        self._name = name
        self._say(f"{name}: " + (f"goes on after generation {done}/{generations}" if done else f"{generations} generations"))
        self._next = self._clock()

    def stand(self, standing: Standing) -> None:
        if standing.done == standing.generations or self._due():
            self._say(f"{standing.name}: {standing}")

    def doing(self, what: str, share: float) -> None:
        if what != self._last and self._due():
            self._last = what
            self._say(f"{what} ({share:.0%})")

    def _due(self) -> bool:
        return self._clock() >= self._next

    def _say(self, line: str) -> None:
        self._next = self._clock() + _PAUSE
        self._write(line)


class Bars:
    """Two bars on a terminal: the generations of a search, and what is being done."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as RichProgress

        self._rich = RichProgress(
            BarColumn(bar_width=10),
            TimeElapsedColumn(),
            TextColumn("{task.description}", markup=False),
            console=Console(stderr=True),
            redirect_stdout=False,
        )
        self._search = self._rich.add_task("", total=1, visible=False)
        self._work = self._rich.add_task("", total=1.0, visible=False)

    def open(self) -> None:
        self._rich.start()

    def close(self) -> None:
        self._rich.update(self._work, visible=False)
        self._rich.stop()

    def begin(self, name: str, done: int, generations: int) -> None:
        self._rich.console.print(f"{name}: {generations} generations", markup=False, highlight=False)
        where = f"generation {done}/{generations}"
        self._rich.reset(self._search, total=generations, completed=done, description=where, visible=True)

    def stand(self, standing: Standing) -> None:
        self._rich.update(self._search, completed=standing.done, description=str(standing))

    def doing(self, what: str, share: float) -> None:
        self._rich.update(self._work, description=what, completed=share, visible=True)


def progress_on_stderr() -> Progress:
    """Bars if standard error is a terminal, else lines."""
    if sys.stderr.isatty():
        return Progress(Bars())
    return Progress(Lines(lambda line: print(line, file=sys.stderr, flush=True)))


def typical(seconds: list[float]) -> float:
    """How long a generation lasts: the mean of the last ten, without the first one, which compiles."""
    known = seconds[1:] or seconds
    return sum(known[-10:]) / len(known[-10:])


def duration(seconds: float) -> str:
    """Minutes and seconds, or hours, minutes and seconds.

    >>> duration(61.2), duration(3725)
    ('1:01', '1:02:05')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
