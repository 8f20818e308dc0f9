"""A cluster of Ray on the loopback address, whose workers and nodes a test kills."""

import contextlib
import importlib
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from discover_zoo.executors import ray_actors
from discover_zoo.executors.ray_actors import RayWorker

SETTINGS = {
    "RAY_worker_niceness": "0",
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_health_check_period_ms": "500",
    "RAY_health_check_failure_threshold": "4",
}
"""Settings of Ray: the loopback address alone, and a lost node is noticed in seconds."""

_NODE = {"num_cpus": 1, "include_dashboard": False, "node_ip_address": "127.0.0.1", "object_store_memory": 80 * 2**20}
_END = 30.0  # seconds within which all processes have ended


class Nodes:
    """A cluster of nodes, each with room for one worker. The first one keeps the books.

    Args:
        count: how many to begin with.
    """

    def __init__(self, count: int):
        self._folder = tempfile.mkdtemp(prefix="ray")  # short, since sockets in it have names of at most 107 bytes
        self._cluster: Any = None
        ray_actors.imported()
        try:
            self._cluster = importlib.import_module("ray.cluster_utils").Cluster()
            self._state = importlib.import_module("ray._private.state")
            self.nodes = [self._added() for _ in range(count)]
        except BaseException:
            self.end()
            raise
        self.address = self._cluster.address

    def add(self) -> str:
        """Start another node; its name."""
        self.nodes.append(self._added())
        return self.nodes[-1].node_id

    def place_of(self, worker: RayWorker) -> tuple[str, int]:
        """The node and the process of a worker."""
        facts = self._state.actors(worker._actor._actor_id.hex())
        return facts["Address"]["NodeID"], facts["Pid"]

    def kill(self, name: str) -> bool:
        """Kill a node with all of its processes, as if its plug was pulled, unless it is the first one."""
        for node in self.nodes[1:]:
            if node.node_id == name:
                node_manager = node.all_processes["raylet"][0].process.pid
                for process in (node_manager, *_children(node_manager)):
                    _kill(process)
                self.nodes.remove(node)
                return True
        return False

    def end(self) -> None:
        """End all processes of the cluster, whatever has become of them."""
        try:
            ray_actors.imported().shutdown()
            if self._cluster is not None:
                self._cluster.shutdown()
        finally:
            last = time.monotonic() + _END
            while (left := _processes_with(self._folder)) and time.monotonic() < last:
                time.sleep(0.2)
            for process in left:
                _kill(process)
            shutil.rmtree(self._folder, ignore_errors=True)
            assert not left, "Ray left processes behind"

    def _added(self) -> Any:
        self._cluster._shutdown_at_exit = threading.current_thread() is threading.main_thread()  # it would set a signal handler
        return self._cluster.add_node(temp_dir=self._folder, **_NODE)


def _kill(process: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


def _children(process: int) -> list[int]:
    return [child for child, parent, _ in _processes() if parent == process]


def _processes_with(text: str) -> list[int]:
    """Processes in whose command the text stands."""
    return [process for process, _, command in _processes() if text.encode() in command]


def _processes() -> Iterator[tuple[int, int, bytes]]:
    """The number, the parent and the command of each process."""
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int((place / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1])
            yield int(place.name), parent, (place / "cmdline").read_bytes()
