"""Workers that are threads of the test process: they share its programs, and are lost when a test says so."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import toys

from discover import Executor, Parcel, Registry, Surroundings, Worker, WorkerLostError, WorkerPool, Workshop, run_here
from discover.plugin.loader import Plugins
from discover.plugin.provenance import provenance
from discover.workers.assembly import to_bytes


class Bench(Workshop):
    """A workshop with the plugins of this process.

    Only one of them computes at a time: programs of several threads that all take the same two devices wait for each other for
    ever, and JAX then aborts the process. Real workers have devices of their own.
    """

    _devices = threading.Lock()

    def __init__(self, plugins: Plugins, chunk: int):
        super().__init__()
        self._plugins, self._chunk = plugins, chunk

    def answer(self, job: bytes, parcels: Sequence[bytes] = ()) -> bytes:
        with self._devices:
            return super().answer(job, parcels)

    def begin(self, settings: bytes) -> bytes:
        return to_bytes({"host": "here", "versions": provenance(self._plugins.registry)["versions"], "device": "cpu"})


class Promised:
    """A parcel that is a promise."""

    def __init__(self, future: Future[bytes]):
        self._future = future

    def future(self) -> Future[bytes]:
        return self._future


class ThreadWorker(Worker):
    """A worker in a thread.

    Args:
        bench: does the work.
        before: called with the number of the worker and of its job before each job; it may lose the worker.

    Attributes:
        content: bytes of its last job.
    """

    def __init__(self, number: int, bench: Workshop, before: Callable[["ThreadWorker", int], None]):
        self.number, self.bench, self._before = number, bench, before
        self._main, self._aside = ThreadPoolExecutor(1), ThreadPoolExecutor(1)
        self._promises, self.dead = list[Future[bytes]](), threading.Event()
        self.jobs, self.content = 0, b""

    def begin(self, settings: bytes) -> Future[bytes]:
        return self._later(self._main, lambda: self.bench.begin(settings))

    def ask(self, job: bytes, parcels: Sequence[Parcel]) -> Future[bytes]:
        def run() -> bytes:
            self.jobs, self.content = self.jobs + 1, job
            self._before(self, self.jobs)
            return self.bench.answer(job, [parcel.future().result() for parcel in parcels])

        return self._later(self._main, run)

    def pack(self, token: int, rows: Sequence[int]) -> Parcel:
        return Promised(self._later(self._aside, lambda: self.bench.pack(token, rows)))

    def drop(self, token: int) -> None:
        self._later(self._aside, lambda: self.bench.drop(token) or b"")

    def end(self) -> None:
        self.kill()

    def kill(self) -> None:
        """Be lost now, with all that was promised."""
        self.dead.set()
        self.bench = Bench(toys.plugins(), 1)
        for promise in self._promises:
            if not promise.done():
                promise.set_exception(WorkerLostError("killed"))
        self._main.shutdown(wait=False)
        self._aside.shutdown(wait=False)

    def _later(self, threads: ThreadPoolExecutor, run: Callable[[], bytes]) -> Future[bytes]:
        promise = Future[bytes]()
        self._promises.append(promise)
        if self.dead.is_set():
            promise.set_exception(WorkerLostError("killed"))
            return promise

        def keep() -> None:
            try:
                answer = run()
            except BaseException as error:
                if not promise.done():
                    promise.set_exception(error)
            else:
                if not promise.done():
                    promise.set_result(answer)

        threads.submit(keep)
        return promise


class Threads(Executor):
    """An executor with such workers.

    Args:
        chunk: lifetimes side by side.
        workers: how many there should be.
        before: see `ThreadWorker`.
    """

    def __init__(self, chunk: int, workers: int, before: Callable[[ThreadWorker, int], None] = lambda worker, job: None):
        self.chunk, self.workers, self.before = chunk, workers, before
        self.all: list[ThreadWorker] = []

    def __repr__(self) -> str:
        return f"Threads({self.chunk})"

    def settle(self, lifetimes: int, candidate: Any, environments: Any) -> Executor:
        return self

    def members_at_once(self, seeds: int) -> int:
        return max(1, self.chunk // seeds)

    def open(self, surroundings: Surroundings) -> WorkerPool:
        return WorkerPool(self, surroundings, start=self._start, wanted=lambda: self.workers, settings=b"")

    def run(self, work: Any, progress: Any = None) -> Any:
        return run_here(work, self.chunk, progress)

    def opened(self, registry: Registry) -> WorkerPool:
        return self.open(Surroundings(registry))

    def _start(self) -> ThreadWorker:
        self.all.append(ThreadWorker(len(self.all), Bench(toys.plugins(), self.chunk), self.before))
        return self.all[-1]
