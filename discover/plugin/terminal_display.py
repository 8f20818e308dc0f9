"""A live display for a terminal: where a search stands, its best fitness so far, and the work in progress."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rich.console import Console, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from discover.base.durations import duration
from discover.base.text_table import counted

if TYPE_CHECKING:
    from discover.plugin.standing import Standing

_BAR, _SPARKS = 12, 40
_LEVELS = "▁▂▃▄▅▆▇█"
_SURE = 0.02
"""Share of a piece of work from which the time that is left can be told."""


class TerminalDisplay:
    """Two or three lines at the end of a terminal, which change in place; other output goes above them.

    Args:
        console: where to draw; standard error unless given.
        clock: seconds.
    """

    def __init__(self, console: Console | None = None, clock: Callable[[], float] = time.monotonic):
        self._clock, self._console = clock, console or Console(stderr=True)
        self._standing: Standing | None = None
        self._best: list[float] = []
        self._generations = (0, 1)  # how many are done, of how many
        self._work, self._share = "", 0.0
        self._work_since = 0.0
        self._searches = False
        self._live = Live(console=self._console, get_renderable=self._picture, refresh_per_second=4, redirect_stdout=False)

    def open(self) -> None:
        pass  # the first line opens it, so that a mistake in a config leaves none

    def close(self) -> None:
        self._work = ""
        self._live.transient = not self._searches  # nothing of a training or a comparison is worth keeping
        self._live.stop()

    def begin(self, name: str, done: int, generations: int) -> None:
        self._live.start()
        self._console.print(f"{name}: {counted(generations, 'generation')}", markup=False, highlight=False)
        self._standing, self._best, self._generations = None, [], (done, generations)
        self._searches = True

    def stand(self, standing: Standing) -> None:
        self._standing, self._generations = standing, (standing.done, standing.generations)
        self._best.append(standing.best)

    def doing(self, what: str, share: float) -> None:
        if what != self._work and (share <= self._share or not self._work):
            self._work_since = self._clock()
        self._work, self._share = what, share
        self._live.start()

    def _picture(self) -> RenderableType:
        """The lines as they are now."""
        lines = Table.grid(padding=(0, 1))
        if self._searches:
            lines.add_row(self._bar(self._generations[0] / self._generations[1]), Text(self._search_line()))
        if self._standing is not None:
            sparks = "" if self._console.options.ascii_only else sparkline(self._best, _SPARKS) + " "
            lines.add_row(Text("best fitness"), Text(f"{sparks}{self._standing.rate:,.0f} env steps/s"))
        if self._work:
            lines.add_row(self._bar(self._share), Text(self._work_line()))
        return lines

    def _bar(self, share: float) -> RenderableType:
        return ProgressBar(
            total=1.0, completed=share, width=_BAR, style="bright_black", complete_style="cyan", finished_style="green"
        )

    def _search_line(self) -> str:
        if self._standing is None:
            return f"generation {self._generations[0]}/{self._generations[1]}"
        return self._standing.in_words(f"spread {self._standing.spread:.3f}")

    def _work_line(self) -> str:
        passed = self._clock() - self._work_since
        left = f", {duration(passed * (1.0 - self._share) / self._share)} left" if self._share > _SURE else ""
        return f"{self._work}, {self._share:.0%}, {duration(passed)}{left}"


def sparkline(values: Sequence[float], width: int) -> str:
    """Numbers as a line of bars of eight heights; of more than ``width`` numbers, the last one of each part.

    >>> sparkline([0.0, 1.0, 2.0, 4.0], 10), sparkline([1.0, 1.0], 10), sparkline(range(100), 4)
    ('▁▂▄█', '▁▁', '▁▃▆█')
    """
    count = min(width, len(values))
    chosen = [values[(place + 1) * len(values) // count - 1] for place in range(count)]
    finite = [value for value in chosen if math.isfinite(value)]
    low, span = min(finite, default=0.0), max(finite, default=0.0) - min(finite, default=0.0)
    heights = (int((value - low) / span * 7.999) if span and math.isfinite(value) else 0 for value in chosen)
    return "".join(_LEVELS[height] for height in heights)
