"""Workers that are actors of Ray. Only bytes travel: JSON and arrays, which Ray takes as they are."""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
import signal
import threading
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from typing import Any

from discover import Parcel, UserError, Worker, Workshop, cores

_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1",
    "RAY_DISABLE_IMPORT_WARNING": "1",
}
"""Settings of Ray: it reports nothing to anyone."""

_ALONE = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
"""The setting by which a cluster of one machine listens on the loopback address, on any system; its address alone does not."""

_DEATH = 5.0
"""Seconds within which Ray knows that an actor is lost, once one of its tasks has failed."""


@functools.cache
def imported(alone: bool = False) -> Any:
    """The module of Ray.

    Args:
        alone: whether it shall begin a cluster of this machine alone; it matters the first time.

    Raises:
        UserError: it is not installed.
    """
    for name, value in (_QUIET | (_ALONE if alone else {})).items():
        os.environ.setdefault(name, value)
    try:
        with _own_signals():
            return importlib.import_module("ray")
    except ImportError as error:
        raise UserError(f"the executor 'ray' needs Ray ({error}): pip install 'discover-rl[ray]'.") from None


def connect(address: str, least: int) -> None:
    """Connect to a cluster, unless this process is connected to one.

    Args:
        address: of the cluster; empty for one of this machine alone, on the loopback address, that ends with this process.
        least: CPUs that such a one has at least.

    Raises:
        UserError: there is no cluster.
    """
    ray = imported()
    if ray.is_initialized():
        return
    here = {"num_cpus": max(cores(), least), "_node_ip_address": "127.0.0.1", "include_dashboard": False}
    try:
        with _own_signals(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="os.fork", category=RuntimeWarning)  # what forks runs another program
            ray.init(address=address or "local", configure_logging=False, log_to_driver=False, **({} if address else here))
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise UserError(
            f"executor.ray.address '{address}': no cluster answers there ({error}): start one with `ray start --head`, or "
            "leave the address out."
        ) from None


def room(cpus: int, gpus: int) -> int:
    """The number of workers that a cluster has room for, at least 1."""
    resources = imported().cluster_resources()
    return max(1, int(min(resources.get("CPU", 0) / cpus, resources.get("GPU", 0) / gpus if gpus else float("inf"))))


class RayParcel:
    """A parcel that stays in Ray's store until the other worker takes it."""

    def __init__(self, reference: Any):
        self.reference = reference

    def future(self) -> Future[bytes]:
        return self.reference.future()


class RayWorker(Worker):
    """A worker that is an actor.

    Args:
        cpus, gpus: what it has for itself.
    """

    def __init__(self, cpus: int, gpus: int):
        self._actor = _actor_class().options(num_cpus=cpus, num_gpus=gpus).remote()
        self._watch: Future[None] = self._actor.watch.remote().future()

    def has_ended(self) -> bool:
        return self._watch.done()

    def begin(self, settings: bytes) -> Future[bytes]:
        return self._actor.begin.remote(settings).future()

    def ask(self, job: bytes, parcels: Sequence[Parcel]) -> Future[bytes]:
        contents = [parcel.reference if isinstance(parcel, RayParcel) else parcel.future().result() for parcel in parcels]
        return self._actor.job.remote(job, *contents).future()

    def pack(self, token: int, rows: Sequence[int]) -> Parcel:
        return RayParcel(self._actor.pack.remote(token, list(rows)))

    def drop(self, token: int) -> None:
        self._actor.drop.remote(token)

    def end(self) -> None:
        with contextlib.suppress(Exception):  # Ray itself may have ended
            imported().kill(self._actor)

    def is_lost_by(self, error: BaseException) -> bool:
        died = getattr(error, "actor_id", None)  # where lifetimes did not arrive, it is the actor that had them
        return died == self._actor._actor_id.hex() if died else bool(wait_for([self._watch], timeout=_DEATH).done)


@functools.cache
def _actor_class() -> Any:
    """The class of actors: what it is asked about lifetimes that it holds is answered beside a job that runs."""
    ray = imported()

    class Actor(Workshop):
        def job(self, job: bytes, *parcels: bytes) -> bytes:
            return self.answer(job, parcels)

        @ray.method(concurrency_group="aside")
        def pack(self, token: int, rows: Sequence[int]) -> bytes:
            return super().pack(token, rows)

        @ray.method(concurrency_group="aside")
        def drop(self, token: int) -> None:
            super().drop(token)

        @ray.method(concurrency_group="watch")
        def watch(self) -> None:
            """Answer never: who waits for it learns that the actor is lost."""
            threading.Event().wait()

    return ray.remote(max_restarts=0, concurrency_groups={"aside": 1, "watch": 1})(Actor)


@contextlib.contextmanager
def _own_signals() -> Iterator[None]:
    """Keep the answers of this process to signals, which Ray would replace."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {each: signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for each, handler in before.items():
            if handler is not None:
                signal.signal(each, handler)
