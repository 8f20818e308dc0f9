"""The thread that sends a ledger to MLflow. Only `Sender.finish` waits for it."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path

from discover_mlflow.addresses import public_address
from discover_mlflow.delivery import Delivery
from discover_mlflow.ledger import records
from discover_mlflow.logs import divert, log_clause, log_path
from discover_mlflow.run import NoParentError, ReplacedError, is_refusal
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
        self._folder, self._address = folder, address
        self._delivery = Delivery(folder, address, self.problems.put, alone=alone, population_seconds=population_seconds)
        self._last_status = ""
        self._wake, self._closing, self._given_up = threading.Event(), threading.Event(), threading.Event()
        self._pause, self._failing = 1.0, False

    @property
    def run_id(self) -> str | None:
        """Id of the MLflow run, once it is known."""
        return self._delivery.state.run_id or None

    @property
    def version(self) -> tuple[str, str]:
        """Address of the registered version of the champion, and that by its alias if it has just got it; else empty."""
        return self._delivery.state.version, self._delivery.alias

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
        sent, deadline = self._delivery.state, time.monotonic() + patience
        while self.is_alive() and time.monotonic() < deadline:
            self.join(0.1)
            if self._delivery.state != sent:
                sent, deadline = self._delivery.state, time.monotonic() + patience
        self._given_up.set()
        return sum(1 for _ in records(self._folder, self._delivery.state.sent)) + len(self._delivery.state.refused)

    def run(self) -> None:
        """Send records until `finish`; runs in the thread."""
        divert(log_path(self._folder))
        try:
            self._follow()
        except Exception as error:  # else the thread would print a traceback
            self.problems.put(f"nothing is sent to the tracking store any more ({root_cause(error, self._address)})")

    def _follow(self) -> None:
        delivery = self._delivery
        while not self._given_up.is_set():
            closing = self._closing.is_set()
            if delivery.run is None:
                self._guarded(delivery.open)
                continue
            start, end, batch = delivery.next()
            if batch:
                self._guarded(lambda batch=batch, start=start, end=end: delivery.deliver(batch, start, end))
            elif closing:
                if self._last_status and delivery.state.run_id:
                    self._guarded(lambda: delivery.end(self._last_status))
                return
            else:
                self._wake.wait()
                self._closing.wait(_GATHERING)
                self._wake.clear()

    def _guarded(self, work: Callable[[], None]) -> None:
        """Call a function that uses the store; after a failure, pause or give up as the error demands."""
        try:
            self._delivery.check_place()
            work()
        except NoParentError:
            self._wait()
        except ReplacedError as error:
            self._failing = False  # so that this is reported, whatever was reported before
            self._fail(error)
            self._delivery.forget()
            self._given_up.set()
        except Exception as error:
            self._fail(error)
        else:
            self._pause, self._failing = 1.0, False

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
