"""Figures never cost a run: one that cannot be drawn costs a line, and a foreign ``MPLBACKEND`` nothing at all."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from discover_mlflow import limits
from discover_mlflow.figures import file_name, later
from discover_mlflow.lineage import Lineage, lineage_figure
from discover_mlflow.names import distinct
from discover_mlflow.session import Session


class Notes(Session):
    """A session that keeps what is drawn in mind, and sends nothing."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.names: list[str] = []

    def file(self, name: str, data: bytes) -> None:
        self.names.append(name)


class Drawing:
    """A figure; one with an error cannot be drawn."""

    def __init__(self, error: BaseException | None = None):
        self.error = error

    def savefig(self, file: Any, **how: Any) -> None:
        if self.error is not None:
            raise self.error
        file.write(b"a figure")


def failing(error: BaseException) -> Callable[[], Any]:
    def draw() -> Any:
        raise error

    return draw


@pytest.mark.parametrize("error", [ValueError("no\ncanvas"), SystemExit(3)], ids=["error", "exit"])
def test_a_figure_that_cannot_be_drawn_costs_a_line(error: BaseException) -> None:
    notes = Notes()
    notes.figures(later("a.png", failing(error)))
    notes.figures(later("b.png", Drawing))
    assert notes.names == ["b.png"]
    told = " ".join(str(error).split())
    assert notes.problems == [f"figures cannot be drawn ({type(error).__name__}: {told})"]


def test_many_figures_that_cannot_be_drawn_cost_one_line() -> None:
    def found() -> Iterator[tuple[str, Any]]:
        for number in range(9):
            yield f"{number}.png", Drawing(None if number == 4 else OSError("no font"))

    notes = Notes()
    notes.figures(found())
    assert notes.names == ["4.png"]
    assert notes.problems == ["the figure 0.png cannot be drawn (OSError: no font), and 7 more"]


def test_ctrl_c_passes_a_figure() -> None:
    with pytest.raises(KeyboardInterrupt):
        Notes().figures(later("a.png", failing(KeyboardInterrupt())))


@pytest.mark.parametrize(
    "backend",
    ["nonsense", pytest.param("TkAgg", marks=pytest.mark.slow), pytest.param("module://nowhere", marks=pytest.mark.slow)],
)
def test_a_foreign_backend_changes_nothing(tmp_path: Path, backend: str) -> None:
    script = (
        "import os, numpy as np\n"
        "from discover_mlflow.figures import fitness_figure, later\n"
        "from discover_mlflow.population import History\n"
        "history = History(np.arange(2), np.ones((2, 3)), np.zeros((2, 3)))\n"
        "for name, figure in later('a.png', lambda: fitness_figure(history, 1.0)):\n"
        "    figure.savefig(name)\n"
        "print(os.environ['MPLBACKEND'])\n"
    )
    environment = {key: value for key, value in os.environ.items() if key != "DISPLAY"} | {
        "MPLBACKEND": backend,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    made = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=False, cwd=tmp_path, env=environment
    )
    assert (made.returncode, made.stdout) == (0, f"{backend}\n"), made.stderr
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_names_that_become_equal_stay_apart() -> None:
    assert distinct(map(file_name, ["a b", "a/b", "a_b"])) == ["a_b", "a_b 2", "a_b 3"]
    assert limits.keys("iqm", ["a+b", "a@b", "c"]) == ["iqm/a_b", "iqm/a_b 2", "iqm/c"]
    assert limits.texts({"a+b": 1, "a@b": 2}, 500) == {"a_b": "1", "a_b 2": "2"}
    assert all(len(key) <= 250 for key in limits.keys("return_of_best", ["x" * 300, "x" * 400]))


def test_a_lineage_is_drawn_on_a_scale_that_suits_its_numbers() -> None:
    """The best of the end, member 1, went on with the lifetime of member 0."""
    numbers = {
        "rate": np.array([[0.001, 0.1], [0.002, 0.1]]),
        "share": np.array([[0.2, 0.4], [0.3, 0.4]]),
        "shift": np.array([[-1.0, 100.0], [0.0, 100.0]]),
    }
    figure = lineage_figure(Lineage(np.array([[0, 1], [0, 0]]), np.array([[1.0, 2.0], [1.0, 3.0]]), numbers))
    labels = [axes.get_ylabel() for axes in figure.axes]
    assert dict(zip(labels, [axes.get_yscale() for axes in figure.axes], strict=True)) == {
        "member": "linear",
        "rate": "log",
        "share": "linear",
        "shift": "linear",
    }
    for axes, values in zip(figure.axes, [np.array([[0, 1], [0, 1]]), *numbers.values()], strict=True):
        kept, copied, best = axes.lines
        np.testing.assert_array_equal(kept.get_ydata(), values[:, 0])
        np.testing.assert_array_equal(copied.get_ydata(), [values[0, 0], values[1, 1]])
        np.testing.assert_array_equal(best.get_ydata(), [values[0, 0], values[1, 1]])
