"""A worker that is a process of this machine, reached by pipes."""

from __future__ import annotations

import contextlib
import itertools
import queue
import subprocess
import threading
from collections.abc import Sequence
from concurrent.futures import Future, InvalidStateError
from typing import Any

import numpy as np

from discover.base.errors import EvaluationError
from discover.process.children import command_of, environment_of_children
from discover.process.frames import read_message, write_message
from discover.workers.worker import Parcel, Worker, WorkerLostError

PROGRAM = command_of("discover.workers.process_end")
"""The command that starts the other end."""


class _Promise:
    """A parcel that is the promise of a worker."""

    def __init__(self, future: Future[bytes]):
        self._future = future

    def future(self) -> Future[bytes]:
        return self._future


class ProcessWorker(Worker):
    """A worker in a process of its own.

    Args:
        program: the command that starts it.
    """

    def __init__(self, program: Sequence[str] = PROGRAM):
        self.process = subprocess.Popen(
            program,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment_of_children(),
            start_new_session=True,  # ctrl-C reaches this process alone, which ends the other one
        )
        self._numbers, self._promised = itertools.count(), dict[int, Future[bytes]]()
        self._ended, self._outbox = threading.Event(), queue.SimpleQueue[tuple[dict[str, Any], list[bytes]] | None]()
        for run in (self._listen, self._speak):
            threading.Thread(target=run, daemon=True).start()

    def has_ended(self) -> bool:
        return self._ended.is_set()

    def begin(self, settings: bytes) -> Future[bytes]:
        return self._promise("begin", [settings])

    def ask(self, job: bytes, parcels: Sequence[Parcel]) -> Future[bytes]:
        if not parcels:
            return self._promise("answer", [job])
        promise, left = Future[bytes](), threading.Semaphore(len(parcels) - 1)
        contents = [parcel.future() for parcel in parcels]

        def arrived(_: Future[bytes]) -> None:
            if not left.acquire(blocking=False):  # this is the last one
                try:
                    blocks = [job, *(content.result() for content in contents)]
                except Exception as error:
                    promise.set_exception(EvaluationError(f"lifetimes that it goes on with did not arrive ({error})"))
                else:
                    self._promise("answer", blocks, promise=promise)

        for content in contents:
            content.add_done_callback(arrived)
        return promise

    def pack(self, token: int, rows: Sequence[int]) -> Parcel:
        return _Promise(self._promise("pack", [], token=token, rows=list(rows)))

    def drop(self, token: int) -> None:
        self._promise("drop", [], token=token)

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self._outbox.put(None)

    def _promise(self, do: str, blocks: list[bytes], *, promise: Future[bytes] | None = None, **more: Any) -> Future[bytes]:
        number, promise = next(self._numbers), promise or Future()
        self._promised[number] = promise
        self._outbox.put(({"do": do, "number": number, **more}, blocks))
        if self._ended.is_set():
            self._break_promises()
        return promise

    def _speak(self) -> None:
        """Send what is to be sent, in its order."""
        pipe = self.process.stdin
        assert pipe is not None
        with contextlib.suppress(OSError), pipe:
            while (message := self._outbox.get()) is not None:
                values, blocks = message
                write_message(pipe, values, *(np.frombuffer(block, np.uint8) for block in blocks))

    def _listen(self) -> None:
        """Keep promises until the process ends."""
        pipe = self.process.stdout
        assert pipe is not None
        with contextlib.suppress(EOFError, OSError, ValueError), pipe:
            while True:
                values, (answer,) = read_message(pipe)
                self._promised.pop(values["number"]).set_result(answer.tobytes())
        self._ended.set()
        self._break_promises()

    def _break_promises(self) -> None:
        status = self.process.wait()
        for number in list(self._promised):
            promise = self._promised.pop(number, None)
            if promise is not None:
                with contextlib.suppress(InvalidStateError):
                    promise.set_exception(WorkerLostError(f"its process ended (exit status {status})"))
