"""The way of records from a ledger into a store: which come next, and what becomes of those that the store refuses."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from discover_mlflow.addresses import public_address
from discover_mlflow.ledger import artifacts_folder, generation_of, make_durable, records
from discover_mlflow.population import CHUNK, write_chunk
from discover_mlflow.registered import NoRegistryError
from discover_mlflow.run import MOST_POINTS, Run, is_missing, is_refusal
from discover_mlflow.sent import State, load_state, save_state
from discover_mlflow.stores import root_cause


class Delivery:
    """The delivery of one ledger to one store, record by record. Used by one thread at a time.

    Attributes:
        state: the progress.
        alias: address of the champion by the alias of its registered model, if it has just got it; else empty.
        run: the runs in the store; None until `open`.

    Args:
        folder: folder of the ledger.
        address: address of the store.
        tell: takes sentences on problems.
        alone: deliver the ledger also if the parent of its run is not in the store.
        population_seconds: seconds between two uploads of the population's fitness.
    """

    def __init__(
        self, folder: Path, address: str, tell: Callable[[str], None], *, alone: bool = False, population_seconds: float = 60.0
    ):
        self.state, self.alias = load_state(folder, address), ""
        save_state(folder, self.state)  # so that the address is saved even if the store never answers
        self.run: Run | None = None
        self._folder, self._address, self._tell, self._alone = folder, address, tell, alone
        self._again = list(self.state.refused)  # sent first
        self._restarted = False
        self._population_seconds, self._population_sent = population_seconds, time.monotonic()
        sent = (record for end, record in records(folder) if end <= self.state.sent)
        self._chunks = {generation_of(record) // CHUNK for record in sent if "fitness" in record}

    def open(self) -> None:
        """Open the store, and begin a new run if it has lost the old one."""
        run = Run(self._address)
        if self.state.run_id and not run.exists(self.state):
            self._begin_anew()
        self.run = run

    def next(self) -> tuple[int, int, list[dict[str, Any]]]:
        """The first and last byte of the next records, and the records: one, or as many of metrics as fit in one batch."""
        if self._again and self.state.run_id:
            start = self._again[0]
            return start, start, [next(records(self._folder, start))[1]]
        batch: list[dict[str, Any]] = []
        start = end = self.state.sent
        points = 0
        for record_end, record in records(self._folder, start):
            points += len(record.get("metrics", ()))
            if batch and (_joint(record) != _joint(batch[0]) or record["kind"] != "metrics" or points > MOST_POINTS):
                break
            batch.append(record)
            end = record_end
            if record["kind"] != "metrics":
                break
        return start, end, batch

    def check_place(self) -> None:
        """Check that the store, if it is open, is still the one that was opened.

        Raises:
            ReplacedError: it is another one.
        """
        if self.run is not None:
            self.run.check_place()

    def forget(self) -> None:
        """Forget all progress: the store was replaced by another one."""
        self._save(State(self._address))

    def end(self, status: str) -> None:
        """Set the last status of the run, and of those below it that have not ended."""
        assert self.run is not None
        end = {"status": status, "time": time.time_ns() // 1_000_000}
        for name in self.state.below:
            if self.run.is_running(name, self.state):
                self.run.status({**end, "of": name}, self.state)
        self.run.status(end, self.state)

    def deliver(self, batch: list[dict[str, Any]], start: int, end: int) -> None:
        """Send the records between two bytes of the ledger, and save that they have arrived or are refused."""
        make_durable(self._folder)
        try:
            self._send(batch)
        except Exception as error:
            if is_missing(error) and self._run_is_gone():
                self._begin_anew()
                return
            if not is_refusal(error) or not self.state.run_id:
                raise
            if len(batch) > 1:
                self._one_by_one(start)
                return
            self._refuse(batch[0], start, end, error)
            return
        self.check_place()
        if start == end:
            self._again.remove(start)
            left = tuple(one for one in self.state.refused if one != start)
            self._save(self.state._replace(refused=left))
        else:
            self._save(self.state._replace(sent=end))

    def _one_by_one(self, start: int) -> None:
        """Send the metrics of a refused batch record by record, so that all but the refused ones arrive."""
        end, record = next(records(self._folder, start))
        self.deliver([record], start, end)

    def _refuse(self, record: dict[str, Any], start: int, end: int, error: Exception) -> None:
        problem = f"the tracking store refuses a record of kind '{record['kind']}' ({root_cause(error, self._address)})"
        self._tell(problem)
        if start == end:
            self._again.remove(start)
        else:
            self._save(self.state._replace(sent=end, refused=(*self.state.refused, start)))

    def _run_is_gone(self) -> bool:
        run = self.run
        return run is not None and bool(self.state.run_id) and not self._restarted and not run.exists(self.state)

    def _begin_anew(self) -> None:
        """Reset the progress: the store has lost the run."""
        address = public_address(self._address)
        self._tell(f"the tracking store '{address}' does not know run {self.state.run_id} any more: it gets a new one")
        self._restarted = True
        self._again.clear()
        self._save(State(self._address))

    def _send(self, batch: list[dict[str, Any]]) -> None:
        run = self.run
        assert run is not None
        first = batch[0]
        if first["kind"] == "run":
            self._save(run.begin(first, self.state, self._alone))
        elif not self.state.run_id:
            raise LookupError("its ledger does not begin with a run")
        match first["kind"]:
            case "run" | "tags":
                run.describe(first, self.state)
            case "metrics":
                run.metrics(batch, self.state)
                self._chunks |= {generation_of(record) // CHUNK for record in batch if "fitness" in record}
                if time.monotonic() - self._population_sent > self._population_seconds:
                    self._send_population(run)
            case "curves":
                run.curves(first, self.state)
            case "artifact":
                of = first.get("of", "")
                run.artifact(artifacts_folder(self._folder, of), first["path"], self.state, of)
            case "model":
                run.model(artifacts_folder(self._folder), first, self.state)
            case "version":
                self._register(run, first)
            case "status":
                if "of" not in first:
                    self._send_population(run)
                run.status(first, self.state)

    def _register(self, run: Run, record: dict[str, Any]) -> None:
        try:
            version, self.alias = run.version(record, self.state)
            self._save(self.state._replace(version=version))
        except NoRegistryError as error:
            address, cause = public_address(self._address), root_cause(error, self._address)
            self._tell(
                f"the tracking store '{address}' has no registry of models ({cause}), so that the champion is a model of "
                f"run {self.state.run_id} alone"
            )

    def _send_population(self, run: Run) -> None:
        for chunk in sorted(self._chunks):
            run.artifact(artifacts_folder(self._folder), write_chunk(self._folder, chunk), self.state)
        self._chunks.clear()
        self._population_sent = time.monotonic()

    def _save(self, state: State) -> None:
        save_state(self._folder, state)
        self.state = state


def _joint(record: dict[str, Any]) -> tuple[str, str]:
    """Records in which this is the same may go in one batch, if they are metrics."""
    return record["kind"], record.get("of", "")
