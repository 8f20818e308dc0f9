"""A session: one run's ledger, the thread that sends it, and the ways in which things get into it."""

from __future__ import annotations

import json
import shlex
import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from discover import Comparison, DiscoverWarning, Generation, SearchInfo, table
from discover_mlflow import content, figures
from discover_mlflow.ledger import Ledger, ledger_path, packed, records
from discover_mlflow.lineage import lineage, lineage_figure, lineage_record, write_lineage
from discover_mlflow.sender import Sender


class TrackingWarning(DiscoverWarning):
    """Something could not be tracked; the command goes on, and the ledger has what the store lacks."""


class Session:
    """What goes in is on the disk when the call returns; the store learns of it later.

    Attributes:
        folder: of the ledger.
        generations: those that the ledger has.
        problems: sentences to warn of.
    """

    def __init__(self, folder: Path, address: str):
        self.folder = folder
        self.generations = {record["step"] for _, record in records(folder) if "fitness" in record}
        self.problems: list[str] = []
        self._address, self._ledger, self._sender = address, Ledger(folder), Sender(folder, address)
        self._sender.start()

    @property
    def run_id(self) -> str | None:
        """Id of the MLflow run, once the store has made it."""
        return self._sender.run_id

    def begin(self, experiment: str, name: str, params: Mapping[str, str], tags: Mapping[str, str]) -> None:
        self.record("run", experiment=experiment, name=name, params=params, tags=tags)

    def record(self, kind: str, **content: Any) -> None:
        self._ledger.append(kind, **content)
        self._sender.wake()
        self.report()

    def generation(self, generation: Generation, search: SearchInfo) -> None:
        """One evaluated generation: its metrics, and the fitness of the whole population."""
        self.generations.add(generation.index)
        self.record(
            "metrics",
            step=generation.index,
            metrics=content.generation_metrics(generation, search.tasks),
            fitness=packed(generation.fitness, "float32"),
            status=packed(generation.status, "uint8"),
            errors={str(member): message for member, message in generation.errors.items()},
            **lineage_record(generation, search.space),
        )

    def text(self, name: str, text: str) -> None:
        """An artifact that is a text."""
        self.file(name, lambda path: path.write_text(text, encoding="utf-8", errors="backslashreplace"))

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
        """Artifacts that are matplotlib figures, by their names; those that cannot be drawn cost one line."""
        problems = []
        try:
            for name, figure in found:
                try:
                    self.file(name, lambda path, figure=figure: figures.save_figure(figure, path))
                except (Exception, SystemExit) as error:
                    problems.append(f"the figure {name} cannot be drawn ({_one_line(error)})")
        except (Exception, SystemExit) as error:
            problems.append(f"figures cannot be drawn ({_one_line(error)})")
        if problems:
            more = f", and {len(problems) - 1} more" if problems[1:] else ""
            self.problems.append(problems[0] + more)

    def comparison(self, comparison: Comparison) -> None:
        """A comparison's table, for people and for programs, and its learning curves."""
        self.text("comparison.md", f"{comparison.verdict}\n\n{content.comparison_table(comparison)}\n")
        self.json("comparison.json", {"verdict": comparison.verdict, "table": table(comparison)})
        self.figures(figures.comparison_figures(comparison))

    def lineage(self) -> None:
        """Who descends from whom, if lifetimes went on: as arrays and as a figure."""
        found = lineage(self.folder)
        if found is not None:
            self.file("population/lineage.npz", lambda path: write_lineage(found, path))
            self.figures(figures.later("figures/lineage.png", lambda: lineage_figure(found)))

    def errors(self) -> None:
        """What broke candidates, by generation and member, if anything did."""
        found = {str(record["step"]): record["errors"] for _, record in records(self.folder) if record.get("errors")}
        if found:
            self.json("errors.json", found)

    def close(self, patience: float) -> bool:
        """Wait for the store, at most ``patience`` seconds without progress; returns whether it has everything."""
        left = self._sender.finish(patience)
        self._ledger.close()
        self.report()
        if left:
            _warn(
                f"{left} records are not in the tracking store '{self._address}' yet, and are kept: send them with "
                f"'python -m discover_mlflow {shlex.quote(str(self.folder))}'."
            )
        return not left

    def report(self) -> None:
        """Warn of what has gone wrong since the last call. Only ever from the thread that owns the session."""
        while not self._sender.problems.empty():
            self.problems.append(f"{self._sender.problems.get()}; nothing is lost: {ledger_path(self.folder)} has everything")
        while self.problems:
            _warn(f"{self.problems.pop(0)}.")


def _one_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


def _warn(text: str) -> None:
    warnings.warn(text, TrackingWarning, stacklevel=4)
