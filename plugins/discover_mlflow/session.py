"""A session: one run's ledger, the thread that sends it, and the ways in which things get into it."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from discover import Comparison, table
from discover_mlflow import content, figures
from discover_mlflow.ledger import Ledger, ledger_path, records
from discover_mlflow.sender import Sender


class TrackingWarning(UserWarning):
    """Something could not be tracked; the command goes on, and the ledger has what the store lacks."""


class Session:
    """What goes in is on the disk when the call returns; the store learns of it later."""

    def __init__(self, folder: Path, address: str):
        self.folder, self.address = folder, address
        self.problems: list[str] = []
        self._ledger = Ledger(folder)
        self.sender = Sender(folder, address)
        self.sender.start()

    def begin(self, experiment: str, name: str, params: Mapping[str, str], tags: Mapping[str, str]) -> None:
        self.record("run", experiment=experiment, name=name, params=params, tags=tags)

    def record(self, kind: str, **content: Any) -> None:
        self._ledger.append(kind, **content)
        self.sender.wake()
        self.report()

    def text(self, name: str, text: str) -> None:
        """An artifact that is a text."""
        self.file(name, lambda path: path.write_text(text))

    def json(self, name: str, value: Any) -> None:
        """An artifact that is JSON."""
        self.text(name, json.dumps(content.plain(value), indent=2))

    def file(self, name: str, write: Callable[[Path], object]) -> None:
        """An artifact that ``write(path)`` makes."""
        path = self._ledger.artifacts / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path)
        self.record("artifact", path=name)

    def figures(self, found: Iterable[tuple[str, Any]]) -> None:
        """Artifacts that are matplotlib figures, by their names. One that cannot be drawn costs a line, not the others."""
        for name, figure in found:
            try:
                self.file(name, lambda path, figure=figure: figures.save_figure(figure, path))
            except Exception as error:
                self.problems.append(f"the figure {name} cannot be drawn ({type(error).__name__}: {error})")

    def comparison(self, comparison: Comparison) -> None:
        """A comparison's table, for people and for programs, and its learning curves."""
        self.text("comparison.md", f"{comparison.verdict}\n\n{content.comparison_table(comparison)}\n")
        self.json("comparison.json", {"verdict": comparison.verdict, "table": table(comparison)})
        self.figures(figures.comparison_figures(comparison))

    def errors(self) -> None:
        """What broke candidates, by generation and member, if anything did."""
        found = {str(record["step"]): record["errors"] for _, record in records(self.folder) if record.get("errors")}
        if found:
            self.json("errors.json", found)

    def close(self, patience: float) -> bool:
        """Wait for the store, at most ``patience`` seconds without progress; returns whether it has everything."""
        left = self.sender.finish(patience)
        self._ledger.close()
        self.report()
        if left:
            _warn(
                f"{left} records are not in the tracking store '{self.address}' yet, and are kept: send them with "
                f"'python -m discover_mlflow {self.folder}'."
            )
        return not left

    def report(self) -> None:
        """Warn of what has gone wrong since the last call. Only ever from the thread that owns the session."""
        while not self.sender.problems.empty():
            self.problems.append(f"{self.sender.problems.get()}; nothing is lost: {ledger_path(self.folder)} has everything")
        while self.problems:
            _warn(f"{self.problems.pop(0)}.")


def _warn(text: str) -> None:
    warnings.warn(text, TrackingWarning, stacklevel=4)
