"""Progress on standard error: a live display on a terminal, a line from time to time elsewhere.

It watches a search by the public hooks, as any plugin may.
"""

from __future__ import annotations

import os
import sys
import time
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, Self

from discover.base.durations import duration
from discover.base.errors import DiscoverWarning, cause_of
from discover.base.text_table import counted
from discover.contract.hooks import hookimpl
from discover.plugin.standing import Standing
from discover.plugin.time_left import TimeLeft
from discover.process.interruption import raise_if_stopped

if TYPE_CHECKING:
    from discover.contract.events import Generation, SearchInfo

_PAUSE = 10.0
"""Seconds between two lines where there is no terminal."""


class Display(Protocol):
    """The part of `Progress` that draws."""

    def open(self) -> None:
        """Start to draw."""
        ...

    def close(self) -> None:
        """Stop drawing."""
        ...

    def begin(self, name: str, done: int, generations: int) -> None:
        """Show that a search begins, or continues after ``done`` generations."""
        ...

    def stand(self, standing: Standing) -> None:
        """Show the state of a search after a generation."""
        ...

    def doing(self, what: str, share: float) -> None:
        """Show a piece of work, and the share of it that is done, in ``[0, 1]``."""
        ...


class Progress:
    """Watches a command and shows it on a display.

    Attributes:
        search: the search of the command, once it has started; not a search that tunes a baseline for its report.
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

    def _show(self, draw: Callable[[Display], None]) -> None:
        """Draw on the display. After an error, it is not used any more."""
        try:
            if self._display is not None:
                draw(self._display)
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
            spread=float(sound.std()) if len(sound) else float("nan"),
        )
        self._show(lambda display: display.stand(standing))


class Lines:
    """A display that writes a line for each piece of news, at most every ten seconds, and always for the last generation."""

    def __init__(self, write: Callable[[str], None], clock: Callable[[], float] = time.monotonic):
        self._write, self._clock = write, clock
        self._next, self._last, self._name = 0.0, "", ""
        self._left = TimeLeft(clock)

    def open(self) -> None:
        self._next = self._clock()

    def close(self) -> None:
        pass

    def begin(self, name: str, done: int, generations: int) -> None:
        self._name = name
        goes_on = "all generations are done" if done >= generations else f"goes on after generation {done}/{generations}"
        self._say(f"{name}: {goes_on if done else counted(generations, 'generation')}")
        self._next = self._clock()

    def stand(self, standing: Standing) -> None:
        if standing.done == standing.generations or self._due():
            self._say(f"{standing.name}: {standing}")

    def doing(self, what: str, share: float) -> None:
        left = self._left.seconds(share)
        line = f"{what} ({share:.0%})" if left is None else f"{what} ({share:.0%}, {duration(left)} left)"
        if line != self._last and self._due():
            self._last = line
            self._say(line)

    def _due(self) -> bool:
        return self._clock() >= self._next

    def _say(self, line: str) -> None:
        self._next = self._clock() + _PAUSE
        self._write(line)


def progress_on_stderr() -> Progress:
    """Progress with a live display if standard error is a terminal that can move its cursor, else with lines."""
    if sys.stderr.isatty() and os.environ.get("TERM") not in ("dumb", "unknown"):
        from discover.plugin.terminal_display import TerminalDisplay  # slow to import, and rarely needed

        return Progress(TerminalDisplay())
    return Progress(Lines(lambda line: print(line, file=sys.stderr, flush=True)))


def typical(seconds: list[float]) -> float:
    """The typical duration of a generation: the mean of the last ten, without the first one, which compiles.

    >>> typical([60.0, 4.0, 6.0])
    5.0
    """
    recent = (seconds[1:] or seconds)[-10:]
    return sum(recent) / len(recent)
