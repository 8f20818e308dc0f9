"""A session: the ledger of one run and of those below it, and the thread that sends it."""

from __future__ import annotations

import contextlib
import io
import shlex
import time
import warnings
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from discover import DiscoverWarning, Generation, SearchInfo, UserError, say_when_killed
from discover_mlflow import content, figures
from discover_mlflow.addresses import public_address
from discover_mlflow.ledger import Entry, Ledger, generation_of, ledger_path, records
from discover_mlflow.lineage import lineage, lineage_figure, lineage_record, write_lineage
from discover_mlflow.packing import pack
from discover_mlflow.part import Part
from discover_mlflow.sender import Sender

_FULL_SECONDS = 5.0  # that the end of a run waits for a full disk


class TrackingWarning(DiscoverWarning):
    """A record is not tracked, or not yet; the command goes on. The message names the ledger that holds it."""


class Session(Part):
    """The tracking of one run, and of those below it: each record is in the ledger before the call returns, and sent later.

    Attributes:
        folder: folder of the ledger.
        generations: indices of the generations in the ledger.
        named: whether a warning has named the folder, which must not be removed then.

    Raises:
        UserError: the ledger cannot be written.
    """

    def __init__(self, folder: Path, address: str):
        self.folder = folder
        earlier: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        for _, record in records(folder):
            earlier[record.get("of", "")].append(record)
        super().__init__("", folder, earlier[""], append=self._append_entry, problems=[])
        self.generations = {generation_of(record) for record in earlier[""] if "fitness" in record}
        self.named = False
        self._parts = {name: self._part(name, some) for name, some in earlier.items() if name}
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
        how = f"'{self._command()}' sends what the store lacks, and ends its run"
        say_when_killed(str(folder), f"what was tracked is kept in '{folder}': {how}.")

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

    def part(self, name: str) -> Part:
        """A run below this one, by its name."""
        if name not in self._parts:
            self._parts[name] = self._part(name, [])
        return self._parts[name]

    def parts(self) -> Iterator[Part]:
        """The runs below this one that have begun; one that is filed below another comes before it."""
        return (part for name, part in sorted(self._parts.items(), reverse=True) if part.begun)

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
            step=generation.env_steps_so_far,
            generation=generation.index,
            metrics=content.generation_metrics(generation, search.tasks),
            fitness=pack(generation.fitness, "float32"),
            status=pack(generation.status, "uint8"),
            errors={str(member): message for member, message in generation.errors.items()},
            **lineage_record(generation, search.space),
        )

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
        errors = {str(generation_of(record)): record["errors"] for _, record in records(self.folder) if record.get("errors")}
        if errors:
            self.json("errors.json", errors)

    def close(self, patience: float) -> bool:
        """Wait for the store, at most ``patience`` seconds without progress; returns whether it has everything.

        A run whose ledger is not complete gets the status FAILED.
        """
        self._write_rest()
        left = self._sender.finish(patience, "FAILED" if self.unwritten else "")
        self._ledger.close()
        say_when_killed(str(self.folder), "")
        self.report()
        if left:
            self._warn(
                f"{left} records are not in the tracking store '{public_address(self._address)}' yet, and are kept: "
                f"send them with '{self._command()}'."
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

    def _command(self) -> str:
        """The command that sends this ledger later."""
        return f"python -m discover_mlflow {shlex.quote(str(self.folder))}"

    def _part(self, name: str, earlier: list[dict[str, Any]]) -> Part:
        return Part(name, self.folder, earlier, append=self._append_entry, problems=self.problems)

    def _append_entry(self, entry: Entry) -> None:
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
