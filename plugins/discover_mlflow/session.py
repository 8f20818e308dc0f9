"""A session: one run's ledger, the thread that sends it, and the ways in which things get into it."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import shlex
import time
import uuid
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from discover import Comparison, DiscoverWarning, Generation, SearchInfo, UserError
from discover_mlflow import content, figures
from discover_mlflow.addresses import shown
from discover_mlflow.ledger import Entry, Ledger, ledger_path, packed, record_line, records
from discover_mlflow.lineage import lineage, lineage_figure, lineage_record, write_lineage
from discover_mlflow.sender import Sender

_FULL_SECONDS = 5.0  # for which the end of a run waits for a disk that is full


class TrackingWarning(DiscoverWarning):
    """Something is not tracked, or not yet; the command goes on. The message says what is kept, and where."""


class Session:
    """What goes in is on its way to the disk when the call returns; the store learns of it later.

    Attributes:
        folder: of the ledger.
        generations: those that the ledger has.
        status: the last one that the ledger has, or an empty text.
        key: by which the run is known before it has an id.
        problems: sentences to warn of.
        named: whether a warning has named the folder, which must be there afterwards then.

    Raises:
        UserError: there can be no ledger.
    """

    def __init__(self, folder: Path, address: str):
        self.folder = folder
        found = [record for _, record in records(folder)]
        self.generations = {record["step"] for record in found if "fitness" in record}
        self.status: str = next((record["status"] for record in reversed(found) if record["kind"] == "status"), "")
        self.key: str | None = next((record.get("key") for record in found if record["kind"] == "run"), None)
        self.begun = any(record["kind"] == "run" for record in found)
        self.problems: list[str] = []
        self.named = False
        self._once: dict[str, str | None] = {record["once"]: record.get("mark") for record in found if "once" in record}
        self._files = {record["path"]: record.get("sha256") for record in found if record["kind"] == "artifact"}
        self._failing = False
        self._address = address
        try:
            self._ledger, self._sender = Ledger(folder), Sender(folder, address)
        except OSError as error:
            raise UserError(
                f"the ledger in '{folder}' cannot be written ({error.strerror}): choose another directory, or leave tracking "
                "out with --no-tracking."
            ) from None
        self._sender.start()

    @property
    def run_id(self) -> str | None:
        """Id of the MLflow run, once the store has made it."""
        return self._sender.run_id

    @property
    def unwritten(self) -> int:
        """How many records the disk has not taken yet."""
        return self._ledger.waiting

    def begin(
        self, experiment: str, name: str, params: Mapping[str, str], tags: Mapping[str, str], parent: str | None = None
    ) -> None:
        """Begin the run, below that of a parent's key if one is given. Its own key is in the ledger before the store hears."""
        self.key = uuid.uuid4().hex
        above = {} if parent is None else {"parent": parent}
        self.record("run", experiment=experiment, name=name, params=params, tags=tags, key=self.key, **above)

    def record(self, kind: str, once: str | None = None, mark: str = "", **facts: Any) -> None:
        """Append a record; one that is named by ``once`` only if the ledger's last of this name has another mark."""
        if once is not None:
            if once in self._once and self._once[once] in (None, mark):  # None: of an earlier version
                return
            self._once[once] = mark
            facts |= {"once": once, "mark": mark}
        if kind == "status":
            self.status = facts["status"]
        self._append(Entry(record_line(kind, **facts)))

    def sync(self) -> None:
        """Make all that went in durable.

        Raises:
            OSError: it is not; what the disk did not take is kept in memory, to be written first next time.
        """
        try:
            self._ledger.sync()
            self._failing = False
        except OSError as error:
            self._cannot_write(error)
            raise
        finally:
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
        self.file(name, text.encode(errors="backslashreplace"))

    def json(self, name: str, value: Any) -> None:
        """An artifact that is JSON."""
        self.text(name, json.dumps(content.plain(value), indent=2))

    def file(self, name: str, data: bytes) -> None:
        """An artifact; nothing if the ledger has it already."""
        checksum = hashlib.sha256(data).hexdigest()
        if self._files.get(name) == checksum:
            return
        self._files[name] = checksum
        self._append(Entry(record_line("artifact", path=name, sha256=checksum), self._ledger.artifacts / name, data))

    def figures(self, found: Iterable[tuple[str, Any]]) -> None:
        """Artifacts that are matplotlib figures, by their names; those that cannot be drawn cost one line."""
        problems = []
        try:
            for name, figure in found:
                try:
                    data = figures.drawn(figure)
                except (Exception, SystemExit) as error:
                    problems.append(figures.not_drawn(f"the figure {name}", error))
                else:
                    self.file(name, data)
        except (Exception, SystemExit) as error:
            problems.append(figures.not_drawn("figures", error))
        if problems:
            more = f", and {len(problems) - 1} more" if problems[1:] else ""
            self.problems.append(problems[0] + more)

    def comparison(self, comparison: Comparison) -> None:
        """A comparison's table, for people and for programs, and its learning curves."""
        self.text("comparison.md", f"{comparison.verdict}\n\n{content.comparison_table(comparison)}\n")
        self.json("comparison.json", {"verdict": comparison.verdict, "table": comparison.rows()})
        self.figures(figures.comparison_figures(comparison))

    def lineage(self) -> None:
        """Who descends from whom, if lifetimes went on: as arrays and as a figure."""
        found = lineage(self.folder)
        if found is not None:
            file = io.BytesIO()
            write_lineage(found, file)
            self.file("population/lineage.npz", file.getvalue())
            self.figures(figures.later("figures/lineage.png", lambda: lineage_figure(found)))

    def errors(self) -> None:
        """What broke candidates, by generation and member, if anything did."""
        found = {str(record["step"]): record["errors"] for _, record in records(self.folder) if record.get("errors")}
        if found:
            self.json("errors.json", found)

    def close(self, patience: float) -> bool:
        """Wait for the store, at most ``patience`` seconds without progress; returns whether it has everything.

        A run whose ledger could not be written to its end has failed.
        """
        self._write_rest()
        left = self._sender.finish(patience, "FAILED" if self.unwritten else "")
        self._ledger.close()
        self.report()
        if left:
            self._warn(
                f"{left} records are not in the tracking store '{shown(self._address)}' yet, and are kept: send them with "
                f"'python -m discover_mlflow {shlex.quote(str(self.folder))}'."
            )
        return not left and not self.unwritten

    def report(self) -> None:
        """Warn of what has gone wrong since the last call. Only ever from the thread that owns the session."""
        while not self._sender.problems.empty():
            kept = "has everything" if not self.unwritten else f"has all but {self.unwritten} records that are still in memory"
            self.problems.append(f"{self._sender.problems.get()}; nothing is lost: {ledger_path(self.folder)} {kept}")
        while self.problems:
            self._warn(f"{self.problems.pop(0)}.")

    def _append(self, entry: Entry) -> None:
        try:
            self._ledger.append(entry)
            self._failing = False
        except OSError as error:
            self._cannot_write(error)
        self._sender.wake()
        self.report()

    def _write_rest(self) -> None:
        """Make the ledger durable, if need be once the disk has been full for a while."""
        deadline = time.monotonic() + _FULL_SECONDS
        while True:
            with contextlib.suppress(OSError):
                self.sync()
                return
            if time.monotonic() > deadline:
                return
            time.sleep(0.1)

    def _cannot_write(self, error: OSError) -> None:
        if not self._failing:
            path, why = ledger_path(self.folder), error.strerror or error
            self.problems.append(f"the ledger {path} cannot be written ({why}): what it lacks is kept in memory until it can")
        self._failing = True

    def _warn(self, text: str) -> None:
        self.named |= str(self.folder) in text
        warnings.warn(text, TrackingWarning, stacklevel=5)
