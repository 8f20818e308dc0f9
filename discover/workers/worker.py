"""A worker: another process that runs lifetimes, as the process that gives it work sees it."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from typing import Protocol

from discover.base.errors import DiscoverError


class WorkerLostError(DiscoverError):
    """A worker has ended, by whatever means."""


class Parcel(Protocol):
    """Lifetimes on their way from one worker to another."""

    def future(self) -> Future[bytes]:
        """Their bytes, once they are there."""
        ...


class ReadyParcel:
    """Lifetimes that this process sends.

    Attributes:
        data: their bytes.
    """

    def __init__(self, data: bytes):
        self.data = data

    def future(self) -> Future[bytes]:
        """Their bytes, at once."""
        future: Future[bytes] = Future()
        future.set_result(self.data)
        return future


class Worker:
    """A worker. All of its answers are promises; none of its methods waits.

    A class derived from it says how the bytes travel. What they mean is known to `discover.workers.workshop.Workshop`, at the
    other end.

    Attributes:
        lost: whether it is known to have ended.
    """

    lost = False

    def has_ended(self) -> bool:
        """Whether it has ended, as far as that is known without asking it."""
        return False

    def begin(self, settings: bytes) -> Future[bytes]:
        """Send the first message; the answer comes once the worker is ready."""
        raise NotImplementedError

    def ask(self, job: bytes, parcels: Sequence[Parcel]) -> Future[bytes]:
        """Send a job; the answer is its result, or a `WorkerLostError` if the worker ends before."""
        raise NotImplementedError

    def pack(self, token: int, rows: Sequence[int]) -> Parcel:
        """Lifetimes that the worker holds, for another worker or for this process; a job that runs does not delay them.

        Args:
            token: under which they are held.
            rows: which of their members.
        """
        raise NotImplementedError

    def drop(self, token: int) -> None:
        """Let the worker forget lifetimes that it holds."""
        raise NotImplementedError

    def end(self) -> None:
        """End the worker at once, also in the middle of a job."""
        raise NotImplementedError

    def is_lost_by(self, error: BaseException) -> bool:
        """Whether an error of one of its promises says that this worker has ended."""
        return isinstance(error, WorkerLostError)
