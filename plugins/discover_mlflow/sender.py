"""The thread that sends a ledger to MLflow. Nobody waits for it but `Sender.finish`."""

from __future__ import annotations

import queue
import threading
import time
from pathlib import Path
from typing import Any

from discover_mlflow.ledger import load_state, records, save_state
from discover_mlflow.population import CHUNK, write_chunk
from discover_mlflow.run import Run, is_refusal
from discover_mlflow.stores import cause_of

_POINTS = 1000  # MLflow's limit of metrics in a batch
_GATHERING = 0.5  # seconds in which records of quick generations gather before they are sent
_LONGEST_PAUSE = 60.0  # seconds between attempts at a store that fails


class Sender(threading.Thread):
    """Follows a ledger from where it was left and sends every record, in order, until `finish`.

    A store that fails is tried again with growing pauses; the ledger waits. A record that the store refuses for good is
    skipped. Either is reported in ``problems``, the failure once.
    """

    def __init__(self, folder: Path, address: str, population_seconds: float = 60.0):
        super().__init__(name="discover-mlflow", daemon=True)
        self.problems: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._folder, self._address = folder, address
        self._state = load_state(folder, address)
        save_state(folder, self._state)  # where it is to go is known even if the store never answers
        self._run: Run | None = None
        self._wake, self._closing, self._given_up = threading.Event(), threading.Event(), threading.Event()
        self._pause, self._failing = 1.0, False
        self._population_seconds, self._population_sent = population_seconds, time.monotonic()
        sent = (record for end, record in records(folder) if end <= self._state.sent)
        self._chunks = {record["step"] // CHUNK for record in sent if "fitness" in record}

    @property
    def run_id(self) -> str | None:
        """Id of the MLflow run, once it is known."""
        return self._state.run_id or None

    def wake(self) -> None:
        """Say that the ledger has grown."""
        self._wake.set()

    def finish(self, patience: float) -> int:
        """Wait until all is sent, or nothing has been for ``patience`` seconds; returns how many records are left."""
        self._closing.set()
        self._wake.set()
        sent, deadline = self._state.sent, time.monotonic() + patience
        while self.is_alive() and time.monotonic() < deadline:
            self.join(0.1)
            if self._state.sent != sent:
                sent, deadline = self._state.sent, time.monotonic() + patience
        self._given_up.set()
        return sum(1 for _ in records(self._folder, self._state.sent))

    def run(self) -> None:
        while not self._given_up.is_set():
            closing = self._closing.is_set()
            end, batch = self._next()
            if batch:
                self._try(batch, end)
            elif closing:
                return
            else:
                self._wake.wait()
                self._closing.wait(_GATHERING)
                self._wake.clear()

    def _next(self) -> tuple[int, list[dict[str, Any]]]:
        """The next record, or as many records of metrics as fit in one batch, and the byte at which they end."""
        batch: list[dict[str, Any]] = []
        end, points = self._state.sent, 0
        for record_end, record in records(self._folder, end):
            points += len(record.get("metrics", ()))
            if batch and (record["kind"] != "metrics" or batch[0]["kind"] != "metrics" or points > _POINTS):
                break
            batch.append(record)
            end = record_end
            if record["kind"] != "metrics":
                break
        return end, batch

    def _try(self, batch: list[dict[str, Any]], end: int) -> None:
        try:
            self._send(batch)
        except Exception as error:
            if not is_refusal(error):
                self._fail(error)
                return
            self.problems.put(f"the tracking store refuses a record of kind '{batch[0]['kind']}' ({cause_of(error)})")
        self._pause, self._failing = 1.0, False
        self._advance(end)

    def _fail(self, error: Exception) -> None:
        if not self._failing:
            self.problems.put(f"the tracking store '{self._address}' fails ({cause_of(error)})")
        self._failing = True
        # While closing, `finish` counts the seconds; before it, only closing is worth waking up for.
        closing = self._closing.is_set()
        (self._given_up if closing else self._closing).wait(1.0 if closing else self._pause)
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)

    def _send(self, batch: list[dict[str, Any]]) -> None:
        run = self._run = self._run or Run(self._address)
        first = batch[0]
        match first["kind"]:
            case "run":
                self._save(run.begin(first, self._state))
                run.describe(first, self._state)
            case "tags":
                run.describe(first, self._state)
            case "metrics":
                run.metrics(batch, self._state)
                self._chunks |= {record["step"] // CHUNK for record in batch if "fitness" in record}
                if time.monotonic() - self._population_sent > self._population_seconds:
                    self._send_population(run)
            case "artifact":
                run.artifact(self._folder / "artifacts", first["path"], self._state)
            case "model":
                run.model(self._folder / "artifacts", first, self._state)
            case "status":
                self._send_population(run)
                run.status(first, self._state)

    def _send_population(self, run: Run) -> None:
        for chunk in sorted(self._chunks):
            run.artifact(self._folder / "artifacts", write_chunk(self._folder, chunk), self._state)
        self._chunks.clear()
        self._population_sent = time.monotonic()

    def _save(self, state: Any) -> None:
        self._state = state
        save_state(self._folder, state)

    def _advance(self, end: int) -> None:
        self._save(self._state._replace(sent=end))
