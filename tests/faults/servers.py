"""An MLflow server on the loopback address, with PostgreSQL behind it where that is installed, and SQLite elsewhere."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

_USERS = ("postgres", "nobody")  # PostgreSQL refuses to run as root


def programs() -> Path | None:
    """The folder of PostgreSQL's programs; None without them, or without Python's driver."""
    if importlib.util.find_spec("psycopg2") is None:
        return None
    places = (
        [*map(Path, sorted(os.listdir("/usr/lib/postgresql"), reverse=True))] if Path("/usr/lib/postgresql").is_dir() else []
    )
    folders = [Path("/usr/lib/postgresql") / place / "bin" for place in places]
    found = shutil.which("initdb")
    folders += [Path(found).resolve().parent] if found else []
    return next((folder for folder in folders if (folder / "initdb").exists() and (folder / "postgres").exists()), None)


@contextlib.contextmanager
def database(folder: Path) -> Iterator[str]:
    """The address of an empty database: of PostgreSQL on a socket of its own, without any port, or of SQLite in ``folder``."""
    binaries = programs()
    if binaries is None:
        yield f"sqlite:///{folder}/server.db"
        return
    user = _ordinary_user()
    place = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))  # the path of a socket has 107 characters at most
    try:
        if user is not None:
            shutil.chown(place, user)
        settings = ["-c", "listen_addresses=", "-k", str(place)]
        initialize = [str(binaries / "initdb"), "-D", str(place / "data"), "-A", "trust", "-U", "discover", "--no-sync"]
        subprocess.run(initialize, check=True, capture_output=True, user=user, cwd=place, timeout=120)
        server = subprocess.Popen(
            [str(binaries / "postgres"), "-D", str(place / "data"), *settings],
            user=user,
            cwd=place,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield _when_it_answers(place)
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(60)
    finally:
        shutil.rmtree(place)


class Server:
    """An MLflow server that can be killed and started again at the same port."""

    def __init__(self, folder: Path, backend: str, port: int):
        self.address = f"http://127.0.0.1:{port}"
        self._folder = folder
        self._line = [
            *(sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
            *("--backend-store-uri", backend, "--serve-artifacts", "--artifacts-destination", str(folder / "served")),
        ]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._line, cwd=self._folder, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + 180
        while not self.answers():
            assert self._process.poll() is None, (self._folder / "server.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.2)

    def kill(self) -> None:
        """Kill the server and all of its workers at once."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(30)

    def answers(self) -> bool:
        """Whether the server answers."""
        try:
            with urllib.request.urlopen(f"{self.address}/health", timeout=5) as response:
                return response.status == 200
        except OSError:
            return False


def _ordinary_user() -> str | None:
    """The user as whom PostgreSQL is run; None for this one."""
    import pwd

    names = {entry.pw_name for entry in pwd.getpwall()}
    return next((name for name in _USERS if name in names), None) if os.geteuid() == 0 else None


def _when_it_answers(place: Path) -> str:
    import psycopg2

    deadline = time.monotonic() + 60
    while True:
        try:
            psycopg2.connect(host=str(place), user="discover", dbname="postgres").close()
        except psycopg2.OperationalError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        else:
            return f"postgresql+psycopg2://discover@/postgres?host={place}"
