"""Searches that come to harm, and what they leave: bits, a ledger and a store, to be compared with those of a whole one."""

import json
import os
import re
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import toys
import yaml

KILLER = Path(__file__).parent / "faults" / "killer.py"
TIMED = re.compile(r"seconds|per_second|evaluation_share")
"""Metrics that say how long something took: no two runs agree on them."""

KEPT = re.compile(r"and are kept: send them with '(python -m discover_mlflow .*)'\.$", re.MULTILINE)
"""What the tracker says if the store was too slow, with the command that sends what it lacks."""

PATIENCE = 30.0
"""Seconds for which the tracker waits for a store before it says so: on a busy machine MLflow may take longer to import."""


class Moment(NamedTuple):
    """When to send a signal: at the n-th event (``number``) whose text holds ``text``, see `killer`, or after ``seconds``."""

    signal: signal.Signals
    text: str = ""
    number: int = 0
    seconds: float | None = None


@dataclass
class Workplace:
    """A folder with a config, plugins and a store, in which one search is run, killed and resumed.

    Attributes:
        folder: holds everything.
        words: the config.
        cache: of compiled programs, shared by all.
        seconds: that the last command took.
    """

    folder: Path
    words: Mapping[str, Any]
    cache: Path
    seconds: float = 0.0

    def __post_init__(self) -> None:
        plugins = self.folder / "plugins"
        plugins.mkdir(parents=True)
        shutil.copy(KILLER, plugins)
        shutil.copy(toys.__file__, plugins)
        (self.folder / "config.yaml").write_text(yaml.safe_dump(dict(self.words)), encoding="utf-8")

    @property
    def search(self) -> Path:
        return self.folder / "search"

    @property
    def store(self) -> Path:
        return self.folder / "mlflow.db"

    def command(self) -> list[str]:
        """``discover search``, or ``discover resume`` once there is something to resume."""
        begun = (self.search / "config.yaml").is_file()
        words = ["resume", "search"] if begun else ["search", "config.yaml", "--directory", "search"]
        return [sys.executable, "-m", "discover", *words, "--plugins-dir", "plugins", "--json"]

    def run(
        self, moment: Moment | None = None, log: Path | None = None, full: tuple[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run or resume the search until its end, or until it is killed; with ``full``, the disk is full between two events."""
        environment = {**os.environ, "KILL_WORKPLACE": str(self.folder), "DISCOVER_CACHE": str(self.cache)}
        environment["FULL"] = json.dumps(full or [])
        if log is not None:
            environment["KILL_LOG"] = str(log)
        if moment is not None and moment.seconds is None:
            environment["KILL"] = json.dumps({"text": moment.text, "count": moment.number, "signal": int(moment.signal)})
        started = time.monotonic()
        process = subprocess.Popen(
            self.command(), cwd=self.folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        if moment is not None and moment.seconds is not None:
            time.sleep(moment.seconds)
            process.send_signal(moment.signal)
        output, errors = process.communicate(timeout=300)
        self.seconds = time.monotonic() - started
        return subprocess.CompletedProcess(process.args, process.returncode, output, errors)

    def kill(self, moment: Moment) -> bool:
        """Run or resume the search and kill it; returns whether it was still there to be killed."""
        done = self.run(moment)
        status = done.returncode if done.returncode >= 0 else 128 - done.returncode  # as a shell tells it
        assert status in (0, 128 + moment.signal), (moment, done.returncode, done.stderr)
        assert "Traceback" not in done.stderr, (moment, done.stderr)
        return done.returncode != 0

    def finish(self) -> None:
        """Run or resume the search to its end; what a store that was too slow lacks then is sent as the warning says."""
        done = self.run()
        assert done.returncode == 0, (done.returncode, done.stderr)
        assert json.loads(done.stdout)["champion"]
        for words in KEPT.findall(done.stderr):
            assert self.seconds > PATIENCE, done.stderr
            command = [sys.executable, *shlex.split(words)[1:]]
            sent = subprocess.run(command, cwd=self.folder, text=True, capture_output=True, timeout=300, check=False)
            assert sent.returncode == 0, (words, sent.stderr)


def assert_same(killed: Workplace, whole: Workplace) -> None:
    """What two searches have left is the same."""
    assert bits(killed.search) == bits(whole.search)
    assert ledgers(killed.search) == ledgers(whole.search)
    assert stored(killed.store) == stored(whole.store)


# What is left ---------------------------------------------------------------------------------------------------------


def bits(search: Path) -> dict[str, bytes]:
    """Checkpoints (without the time that they took) and champions of a search and of those that tuned its baselines."""
    found = {}
    for path in sorted(search.rglob("state.npz")):
        with np.load(path, allow_pickle=False) as stored:
            found |= {f"{path.relative_to(search)} {name}": stored[name].tobytes() for name in stored.files if name != "text"}
    for path in sorted(search.rglob("*.candidate")):
        found[str(path.relative_to(search))] = path.read_bytes()
    return found


def ledgers(search: Path) -> dict[str, Counter[str]]:
    """By ledger, how often each record stands in it, but for times, and for what tells of interruptions alone.

    An artifact that is recorded again replaces the one before (the figure of a search that was stopped, say), and so does a
    status: they count once.
    """
    found = {}
    for path in sorted(search.rglob("ledger.jsonl")):
        entries = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        said = [f"{record.get('of', '')}: {text}" for record in entries if (text := _essence(record))]
        replaced = {text for text in said if text.partition(": ")[2].startswith(("artifact ", "status "))}
        others = [text for text in said if text not in replaced]
        found[str(path.relative_to(search))] = Counter(others) + Counter(replaced)
    return found


def _essence(record: dict[str, Any]) -> str:
    kind = record["kind"]
    if kind == "status":
        return "status FINISHED" if record["status"] == "FINISHED" else ""
    if kind == "artifact":
        return "" if "resumed" in record["path"] else f"artifact {record['path']}"
    if kind == "metrics":
        kept = {key: value for key, value in record["metrics"].items() if not TIMED.search(key)}
        return json.dumps({"step": record["step"], "metrics": kept, "fitness": record.get("fitness")}, sort_keys=True)
    if kind == "curves":
        return json.dumps({"steps": record["steps"], "curves": record["curves"]}, sort_keys=True)
    if kind == "tags":
        return "tags " + " ".join(sorted(record["tags"])) if "discover.error" not in record["tags"] else ""
    return kind


def stored(store: Path) -> dict[str, dict[str, Any]]:
    """What a store holds, by name of run and of those that it is below: read from its tables, without MLflow."""
    with sqlite3.connect(store) as database:
        runs = database.execute("SELECT run_uuid, name, status, lifecycle_stage FROM runs").fetchall()
        above = dict(database.execute("SELECT run_uuid, value FROM tags WHERE key = 'mlflow.parentRunId'").fetchall())
        names = {run: name for run, name, *_ in runs}
        for run in names:
            parent = run
            while (parent := above.get(parent)) is not None:
                names[run] = f"{dict(row[:2] for row in runs)[parent]} / {names[run]}"
        found: dict[str, dict[str, Any]] = {}
        for run, _, status, stage in runs:
            name = names[run]
            assert name not in found, f"two runs are called '{name}'"
            found[name] = {"status": status, "stage": stage, **_facts(database, run, names)}
    database.close()
    return found


def _facts(database: sqlite3.Connection, run: str, names: Mapping[str, str]) -> dict[str, Any]:
    def rows(question: str) -> list[tuple[Any, ...]]:
        return database.execute(question, (run,)).fetchall()

    metrics = rows("SELECT key, step, value FROM metrics WHERE run_uuid = ?")
    tags = dict(rows("SELECT key, value FROM tags WHERE run_uuid = ?"))
    models = rows("SELECT name, status FROM logged_models WHERE source_run_id = ?")
    return {
        "metrics": Counter((key, step, "" if TIMED.search(key) else repr(value)) for key, step, value in metrics),
        "params": dict(rows("SELECT key, value FROM params WHERE run_uuid = ?")),
        "tags": sorted(set(tags) - {"discover.error"}),
        "parent": names.get(tags.get("mlflow.parentRunId", ""), None),
        "models": models,
        "artifacts": _artifacts(rows("SELECT artifact_uri FROM runs WHERE run_uuid = ?")[0][0]),
    }


def _artifacts(address: str) -> list[str]:
    folder = Path(address.removeprefix("file://"))
    found = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return [name for name in found if "resumed" not in name and ".artifact.uploading." not in name]  # of a killed MLflow
