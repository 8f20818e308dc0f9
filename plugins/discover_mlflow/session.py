"""A session: the ledger of one run, the thread that sends it, and the methods that add records."""

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
from discover_mlflow.addresses import public_address
from discover_mlflow.ledger import Entry, Ledger, ledger_path, pack, record_line, records
from discover_mlflow.lineage import lineage, lineage_figure, lineage_record, write_lineage
from discover_mlflow.report_files import add_comparison
from discover_mlflow.sender import Sender

_FULL_SECONDS = 5.0  # that the end of a run waits for a full disk


class TrackingWarning(DiscoverWarning):
    """A record is not tracked, or not yet; the command goes on. The message names the ledger that holds it."""


class Session:
    """The tracking of one run: each record is written to the ledger before the call returns, and sent to the store later.

    Attributes:
        folder: folder of the ledger.
        generations: indices of the generations in the ledger.
        status: last status in the ledger, or an empty text.
        key: identifies the run before it has an id.
        begun: whether the ledger has the record that begins the run.
        problems: sentences for the next warning.
        named: whether a warning has named the folder, which must not be removed then.

    Raises:
        UserError: the ledger cannot be written.
    """

    def __init__(self, folder: Path, address: str):
        self.folder = folder
        earlier = [record for _, record in records(folder)]
        self.generations = {record["step"] for record in earlier if "fitness" in record}
        self.status: str = next((record["status"] for record in reversed(earlier) if record["kind"] == "status"), "")
        self.key: str | None = next((record.get("key") for record in earlier if record["kind"] == "run"), None)
        self.begun = any(record["kind"] == "run" for record in earlier)
        self.problems: list[str] = []
        self.named = False
        self._once: dict[str, str | None] = {record["once"]: record.get("mark") for record in earlier if "once" in record}
        self._files = {record["path"]: record.get("sha256") for record in earlier if record["kind"] == "artifact"}
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
        """Id of the MLflow run, once the store has created it."""
        return self._sender.run_id

    @property
    def version(self) -> tuple[str, str]:
        """Addresses of the champion in the registry of models, see `Sender.version`."""
        return self._sender.version

    @property
    def unwritten(self) -> int:
        """The number of records that are not on the disk yet."""
        return self._ledger.waiting

    def begin(
        self, experiment: str, name: str, *, params: Mapping[str, str], tags: Mapping[str, str], parent: str | None = None
    ) -> None:
        """Begin the run. Its key is in the ledger before the store gets the run.

        Args:
            experiment: name of the experiment.
            name: name of the run.
            params, tags: of the run.
            parent: key of the run below which this one is filed, if any.
        """
        self.key = uuid.uuid4().hex
        above = {} if parent is None else {"parent": parent}
        self.record("run", experiment=experiment, name=name, params=params, tags=tags, key=self.key, **above)

    def has(self, once: str) -> bool:
        """Whether the ledger has a record with this name in ``once``."""
        return once in self._once

    def record(self, kind: str, once: str | None = None, mark: str = "", **facts: Any) -> None:
        """Append a record; with ``once``, only if the ledger's last record of this name has another ``mark``."""
        if once is not None:
            if once in self._once and self._once[once] in (None, mark):  # None: of an earlier version
                return
            self._once[once] = mark
            facts |= {"once": once, "mark": mark}
        if kind == "status":
            self.status = facts["status"]
        self._append(Entry(record_line(kind, **facts)))

    def sync(self) -> None:
        """Make all records durable.

        Raises:
            OSError: they are not; those that the disk rejected stay in memory, and are written first next time.
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
        """Add an evaluated generation: its metrics, and the fitness of the whole population."""
        self.generations.add(generation.index)
        self.record(
            "metrics",
            step=generation.index,
            metrics=content.generation_metrics(generation, search.tasks),
            fitness=pack(generation.fitness, "float32"),
            status=pack(generation.status, "uint8"),
            errors={str(member): message for member, message in generation.errors.items()},
            **lineage_record(generation, search.space),
        )

    def text(self, name: str, text: str) -> None:
        """Add an artifact that is a text."""
        self.file(name, text.encode(errors="backslashreplace"))

    def json(self, name: str, value: object) -> None:
        """Add an artifact that is JSON."""
        self.text(name, json.dumps(content.plain(value), indent=2))

    def file(self, name: str, data: bytes) -> None:
        """Add an artifact, unless the ledger has it already."""
        checksum = hashlib.sha256(data).hexdigest()
        if self._files.get(name) == checksum:
            return
        self._files[name] = checksum
        self._append(Entry(record_line("artifact", path=name, sha256=checksum), self._ledger.artifacts / name, data))

    def figures(self, named: Iterable[tuple[str, Any]]) -> None:
        """Add matplotlib figures as artifacts; those that cannot be drawn cost one line."""
        problems = []
        try:
            for name, figure in named:
                try:
                    data = figures.png_bytes(figure)
                except (Exception, SystemExit) as error:
                    problems.append(figures.drawing_problem(f"the figure {name}", error))
                else:
                    self.file(name, data)
        except (Exception, SystemExit) as error:
            problems.append(figures.drawing_problem("figures", error))
        if problems:
            more = f", and {len(problems) - 1} more" if problems[1:] else ""
            self.problems.append(problems[0] + more)

    def comparison(self, comparison: Comparison) -> None:
        """Add the table of a comparison, for people and for programs, and its learning curves."""
        self.text("comparison.md", f"{comparison.verdict}\n\n{content.comparison_table(comparison)}\n")
        self.json("comparison.json", {"verdict": comparison.verdict, "table": comparison.rows()})
        add_comparison(self, comparison)
        self.figures(figures.comparison_figures(comparison))

    def lineage(self) -> None:
        """Add the descent of the members, if lifetimes went on: as arrays and as a figure."""
        descent = lineage(self.folder)
        if descent is not None:
            file = io.BytesIO()
            write_lineage(descent, file)
            self.file("population/lineage.npz", file.getvalue())
            self.figures(figures.later("figures/lineage.png", lambda: lineage_figure(descent)))

    def errors(self) -> None:
        """Add the errors of broken candidates, by generation and member, if there are any."""
        errors = {str(record["step"]): record["errors"] for _, record in records(self.folder) if record.get("errors")}
        if errors:
            self.json("errors.json", errors)

    def close(self, patience: float) -> bool:
        """Wait for the store, at most ``patience`` seconds without progress; returns whether it has everything.

        A run whose ledger is not complete gets the status FAILED.
        """
        self._write_rest()
        left = self._sender.finish(patience, "FAILED" if self.unwritten else "")
        self._ledger.close()
        self.report()
        if left:
            self._warn(
                f"{left} records are not in the tracking store '{public_address(self._address)}' yet, and are kept: "
                f"send them with 'python -m discover_mlflow {shlex.quote(str(self.folder))}'."
            )
        return not left and not self.unwritten

    def report(self) -> None:
        """Warn of the problems since the last call. Called by the thread that owns the session alone."""
        while not self._sender.problems.empty():
            extent = (
                "has everything" if not self.unwritten else f"has all but {self.unwritten} records that are still in memory"
            )
            self.problems.append(f"{self._sender.problems.get()}; nothing is lost: {ledger_path(self.folder)} {extent}")
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
        """Make the ledger durable, after some attempts if the disk is full."""
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
