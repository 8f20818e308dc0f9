"""Progress: what is said, and how often."""

import contextlib
import io
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from discover.plugin.progress import Lines, Progress, Standing, progress_on_stderr, typical
from discover.plugin.terminal_display import TerminalDisplay


class Recorder:
    """A display that remembers."""

    def __init__(self) -> None:
        self.shown: list[Any] = []

    def open(self) -> None: ...

    def close(self) -> None: ...

    def begin(self, name: str, done: int, generations: int) -> None:
        self.shown.append((name, done, generations))

    def stand(self, standing: Standing) -> None:
        self.shown.append(standing)

    def doing(self, what: str, share: float) -> None:
        self.shown.append((what, share))


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def search(name: str = "a", resumed_from: int = 0) -> Any:
    return SimpleNamespace(name=name, generations=10, resumed_from=resumed_from, directory=Path(name))


def generation(index: int, seconds: float) -> Any:
    return SimpleNamespace(
        index=index,
        fitness=np.asarray([1.0, 3.0, 1.0]),
        status=np.asarray([0, 0, 1]),
        best_fitness=4.0,
        env_steps=600,
        seconds=seconds,
        broken_so_far={"not_finite": 1, "error": 2},
    )


def test_a_generation_is_summed_up() -> None:
    display = Recorder()
    progress = Progress(display)
    progress.discover_search_started(search())
    progress.discover_generation_done(search(), generation(0, 60.0))
    progress.discover_generation_done(search(), generation(1, 2.0))
    progress.discover_generation_done(search(), generation(2, 4.0))
    assert display.shown[0] == ("a", 0, 10)
    # The mean leaves out the broken member; the time left leaves out the first generation, which compiled.
    assert display.shown[-1] == Standing("a", 3, 10, best=4.0, mean=2.0, rate=150.0, left=7 * 3.0, broken=3, spread=1.0)
    assert str(display.shown[-1]) == "generation 3/10, ETA 0:21, best 4.000, mean 2.000, 150 env steps/s, 3 broken"


def test_the_search_of_the_command_is_the_first_one() -> None:
    progress = Progress(Recorder())
    progress.discover_search_started(search("outer"))
    progress.discover_search_started(search("outer: tuned"))
    assert progress.search is not None
    assert progress.search.name == "outer"


def test_the_time_left_follows_the_last_ten() -> None:
    assert typical([50.0]) == 50.0
    assert typical([50.0, *[100.0] * 5, *[1.0] * 10]) == 1.0


def standing(done: int) -> Standing:
    return Standing("a", done, 100, 0.5, float("nan"), 1e6, 30.0, 0)


def test_lines_come_every_ten_seconds_at_most(clock: Clock) -> None:
    written: list[str] = []
    lines = Lines(written.append, clock)
    lines.open()
    lines.begin("a", 0, 100)
    for done in range(1, 100):
        clock.now += 1.0
        lines.doing(f"search {done}", 0.5)
        lines.stand(standing(done))
    lines.stand(standing(100))
    assert written[0] == "a: 100 generations"
    assert written[-1] == "a: generation 100/100, ETA 0:30, best 0.500, mean nan, 1,000,000 env steps/s"
    assert 10 <= len(written) <= 13


def test_the_first_work_is_told_at_once(clock: Clock) -> None:
    written: list[str] = []
    lines = Lines(written.append, clock)
    lines.open()
    lines.begin("a", 7, 100)
    lines.doing("search 8: payday", 0.0)
    lines.doing("search 8: payday", 0.5)
    assert written == ["a: goes on after generation 7/100", "search 8: payday (0%)"]


def test_a_terminal_shows_the_same_and_more(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")
    display = TerminalDisplay()
    progress = Progress(display)
    with progress:
        progress.discover_search_started(search())
        progress("search 1: [payday]", 0.25)
        display._live.refresh()
        progress.discover_generation_done(search(), generation(0, 2.0))
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "a: 10 generations" in printed.err
    assert "generation 1/10, ETA 0:18, best 4.000, mean 2.000" in printed.err
    assert "mean 2.000, spread 1.000, 3 broken" in printed.err
    assert "search 1: [payday], 25%" in printed.err


def drawn(clock: Clock, work: Callable[[Progress], None], *, error: type[BaseException] | None = None) -> str:
    """What a terminal receives of some work, which may be interrupted."""
    text = io.StringIO()
    display = TerminalDisplay(Console(file=text, force_terminal=True, width=120), clock)
    with contextlib.suppress(KeyboardInterrupt), Progress(display) as progress:
        work(progress)
        if display._live.is_started:
            display._live.refresh()
        if error is not None:
            raise error
    return text.getvalue()


def test_the_work_of_a_report_has_its_share_and_the_time_left(clock: Clock) -> None:
    def work(progress: Progress) -> None:
        clock.now = 5.0
        progress("champion on payday @ 100", 0.0)
        clock.now = 15.0
        progress("climb on payday @ 100", 0.25)

    picture = drawn(clock, work)
    assert "climb on payday @ 100, 25%, 0:10, 0:30 left" in picture
    assert "generation" not in picture
    assert picture.endswith("\x1b[?25h\r\x1b[1A\x1b[2K")  # nothing of it stays


def test_a_terminal_stays_as_it_is_where_nothing_runs(clock: Clock) -> None:
    assert drawn(clock, lambda progress: None) == ""


def test_ctrl_c_leaves_the_terminal_clean(clock: Clock) -> None:
    def work(progress: Progress) -> None:
        clock.now = 1.0
        progress.discover_search_started(search())
        progress.discover_generation_done(search(), generation(0, 2.0))
        progress("search 2: payday", 0.5)

    received = drawn(clock, work, error=KeyboardInterrupt)
    assert received.endswith("\n") or received.rstrip("\x1b[?25h").endswith("\n")
    assert received.rfind("\x1b[?25h") > received.rfind("\x1b[?25l") >= 0  # the cursor is shown again
    last = received.rpartition("\x1b[2K")[2]
    assert "env steps/s" in last
    assert "search 2" not in last


def test_no_bars_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_on_stderr() as progress:
        progress("training", 0.0)
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "training (0%)\n")
