"""The thread that sends a ledger to MLflow. Only `Sender.finish` waits for it."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from discover_mlflow.addresses import public_address
from discover_mlflow.ledger import State, artifacts_folder, generation_of, load_state, make_durable, records, save_state
from discover_mlflow.logs import divert, log_clause, log_path
from discover_mlflow.population import CHUNK, write_chunk
from discover_mlflow.registered import NoRegistryError
from discover_mlflow.run import MOST_POINTS, NoParentError, ReplacedError, Run, is_missing, is_refusal
from discover_mlflow.stores import root_cause

_GATHERING = 0.5  # seconds in which records of quick generations gather before they are sent
_LONGEST_PAUSE = 60.0  # seconds between attempts at a store that fails


class Sender(threading.Thread):
    """Follows a ledger and sends every record, in order, until `finish`.

    A store that fails is tried again with growing pauses. The place of a record that the store refuses is saved, and the next
    sender tries it again; without a run nothing else is sent. A store that has lost the run gets everything again, as a new
    run. Problems are reported in ``problems``, each once.

    Args:
        folder: folder of the ledger.
        address: address of the store.
        population_seconds: seconds between two uploads of the population's fitness.
        alone: send the ledger also if the parent of its run is not in the store.
    """

    def __init__(self, folder: Path, address: str, population_seconds: float = 60.0, alone: bool = False):
        super().__init__(name="discover-mlflow", daemon=True)
        self.problems: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._folder, self._address, self._alone = folder, address, alone
        self._state = load_state(folder, address)
        save_state(folder, self._state)  # so that the address is saved even if the store never answers
        self._run: Run | None = None
        self._again = list(self._state.refused)  # sent first
        self._restarted = False
        self._last_status = ""
        self._alias = ""
        self._wake, self._closing, self._given_up = threading.Event(), threading.Event(), threading.Event()
        self._pause, self._failing = 1.0, False
        self._population_seconds, self._population_sent = population_seconds, time.monotonic()
        sent = (record for end, record in records(folder) if end <= self._state.sent)
        self._chunks = {generation_of(record) // CHUNK for record in sent if "fitness" in record}

    @property
    def run_id(self) -> str | None:
        """Id of the MLflow run, once it is known."""
        return self._state.run_id or None

    @property
    def version(self) -> tuple[str, str]:
        """Address of the registered version of the champion, and that by its alias if it has just got it; else empty."""
        return self._state.version, self._alias

    def wake(self) -> None:
        """Notify the thread that the ledger has grown."""
        self._wake.set()

    def finish(self, patience: float, status: str = "") -> int:
        """Wait until all is sent, or for ``patience`` seconds without progress.

        Args:
            patience: seconds.
            status: the last status of the run, whatever its ledger holds; for a ledger that could not be completed.

        Returns:
            The number of records that the store lacks.
        """
        self._last_status = status
        self._closing.set()
        self._wake.set()
        sent, deadline = self._state, time.monotonic() + patience
        while self.is_alive() and time.monotonic() < deadline:
            self.join(0.1)
            if self._state != sent:
                sent, deadline = self._state, time.monotonic() + patience
        self._given_up.set()
        return sum(1 for _ in records(self._folder, self._state.sent)) + len(self._state.refused)

    def run(self) -> None:
        """Send records until `finish`; runs in the thread."""
        divert(log_path(self._folder))
        try:
            self._follow()
        except Exception as error:  # else the thread would print a traceback
            self.problems.put(f"nothing is sent to the tracking store any more ({root_cause(error, self._address)})")

    def _follow(self) -> None:
        while not self._given_up.is_set():
            closing = self._closing.is_set()
            if self._run is None:
                self._guarded(self._open)
                continue
            start, end, batch = self._next()
            if batch:
                self._guarded(lambda batch=batch, start=start, end=end: self._deliver(batch, start, end))
            elif closing:
                if self._last_status and self._state.run_id:
                    self._guarded(self._end)
                return
            else:
                self._wake.wait()
                self._closing.wait(_GATHERING)
                self._wake.clear()

    def _open(self) -> None:
        """Open the store, and begin a new run if it has lost the old one."""
        run = Run(self._address)
        if self._state.run_id and not run.exists(self._state):
            self._begin_anew()
        self._run = run

    def _next(self) -> tuple[int, int, list[dict[str, Any]]]:
        """The first and last byte of the next records, and the records: one, or as many of metrics as fit in one batch."""
        if self._again and self._state.run_id:
            start = self._again[0]
            return start, start, [next(records(self._folder, start))[1]]
        batch: list[dict[str, Any]] = []
        start = end = self._state.sent
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

    def _guarded(self, work: Callable[[], None]) -> None:
        """Call a function that uses the store; after a failure, pause or give up as the error demands."""
        try:
            self._check_place()
            work()
        except NoParentError:
            self._wait()
        except ReplacedError as error:
            self._failing = False  # so that this is reported, whatever was reported before
            self._fail(error)
            self._state = State(self._address)
            save_state(self._folder, self._state)
            self._given_up.set()
        except Exception as error:
            self._fail(error)
        else:
            self._pause, self._failing = 1.0, False

    def _deliver(self, batch: list[dict[str, Any]], start: int, end: int) -> None:
        make_durable(self._folder)
        try:
            self._send(batch)
        except Exception as error:
            if is_missing(error) and self._run_is_gone():
                self._begin_anew()
                return
            if not is_refusal(error) or not self._state.run_id:
                raise
            if len(batch) > 1:
                self._one_by_one(start)
                return
            self._refuse(batch[0], start, end, error)
            return
        self._check_place()
        if start == end:
            self._again.remove(start)
            left = tuple(one for one in self._state.refused if one != start)
            self._save(self._state._replace(refused=left))
        else:
            self._save(self._state._replace(sent=end))

    def _one_by_one(self, start: int) -> None:
        """Send the metrics of a refused batch record by record, so that all but the refused ones arrive."""
        end, record = next(records(self._folder, start))
        self._deliver([record], start, end)

    def _refuse(self, record: dict[str, Any], start: int, end: int, error: Exception) -> None:
        problem = f"the tracking store refuses a record of kind '{record['kind']}' ({root_cause(error, self._address)})"
        self.problems.put(problem)
        if start == end:
            self._again.remove(start)
        else:
            self._save(self._state._replace(sent=end, refused=(*self._state.refused, start)))

    def _run_is_gone(self) -> bool:
        run = self._run
        return run is not None and bool(self._state.run_id) and not self._restarted and not run.exists(self._state)

    def _begin_anew(self) -> None:
        """Reset the progress: the store has lost the run."""
        address = public_address(self._address)
        self.problems.put(f"the tracking store '{address}' does not know run {self._state.run_id} any more: it gets a new one")
        self._restarted = True
        self._again.clear()
        self._save(State(self._address))

    def _check_place(self) -> None:
        if self._run is not None:
            self._run.check_place()

    def _fail(self, error: Exception) -> None:
        if not self._failing:
            log = log_clause(log_path(self._folder))
            address, cause = public_address(self._address), root_cause(error, self._address)
            self.problems.put(f"the tracking store '{address}' fails ({cause}{log})")
        self._failing = True
        if self._closing.is_set() and is_refusal(error):
            self._given_up.set()  # no run can begin, and waiting does not change that
        else:
            self._wait()

    def _wait(self) -> None:
        # While closing, `finish` measures the time; before that, only closing ends the pause.
        closing = self._closing.is_set()
        (self._given_up if closing else self._closing).wait(1.0 if closing else self._pause)
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)

    def _send(self, batch: list[dict[str, Any]]) -> None:
        run = self._run
        assert run is not None
        first = batch[0]
        if first["kind"] == "run":
            self._save(run.begin(first, self._state, self._alone))
        elif not self._state.run_id:
            raise LookupError("its ledger does not begin with a run")
        match first["kind"]:
            case "run" | "tags":
                run.describe(first, self._state)
            case "metrics":
                run.metrics(batch, self._state)
                self._chunks |= {generation_of(record) // CHUNK for record in batch if "fitness" in record}
                if time.monotonic() - self._population_sent > self._population_seconds:
                    self._send_population(run)
            case "curves":
                run.curves(first, self._state)
            case "artifact":
                of = first.get("of", "")
                run.artifact(artifacts_folder(self._folder, of), first["path"], self._state, of)
            case "model":
                run.model(artifacts_folder(self._folder), first, self._state)
            case "version":
                self._register(run, first)
            case "status":
                if "of" not in first:
                    self._send_population(run)
                run.status(first, self._state)

    def _register(self, run: Run, record: dict[str, Any]) -> None:
        try:
            version, self._alias = run.version(record, self._state)
            self._save(self._state._replace(version=version))
        except NoRegistryError as error:
            address, cause = public_address(self._address), root_cause(error, self._address)
            self.problems.put(
                f"the tracking store '{address}' has no registry of models ({cause}), so that the champion is a model of "
                f"run {self._state.run_id} alone"
            )

    def _end(self) -> None:
        """Set the last status of the run, and of those below it that have not ended."""
        assert self._run is not None
        end = {"status": self._last_status, "time": time.time_ns() // 1_000_000}
        for name in self._state.below:
            if self._run.is_running(name, self._state):
                self._run.status({**end, "of": name}, self._state)
        self._run.status(end, self._state)

    def _send_population(self, run: Run) -> None:
        for chunk in sorted(self._chunks):
            run.artifact(artifacts_folder(self._folder), write_chunk(self._folder, chunk), self._state)
        self._chunks.clear()
        self._population_sent = time.monotonic()

    def _save(self, state: State) -> None:
        save_state(self._folder, state)
        self._state = state


def _joint(record: dict[str, Any]) -> tuple[str, str]:
    """Records in which this is the same may go in one batch, if they are metrics."""
    return record["kind"], record.get("of", "")
