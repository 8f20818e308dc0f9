"""One run of a ledger: the methods that add its records."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from discover_mlflow import figures
from discover_mlflow.ledger import Entry, artifacts_folder, record_line
from discover_mlflow.limits import plain


class Part:
    """One of the runs in a ledger: its own one, or one below it, such as that of a candidate of a comparison.

    Attributes:
        name: the run among those of the ledger; empty for the ledger's own one.
        key: identifies the run before it has an id.
        begun: whether the ledger has the record that begins the run.
        status: last status in the ledger, or an empty text.
        problems: sentences for the next warning.

    Args:
        name: see above.
        folder: folder of the ledger.
        earlier: the records of this run that the ledger has.
        append: appends a record to the ledger.
        problems: the list of the session, which warns of them.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        earlier: Iterable[Mapping[str, Any]],
        *,
        append: Callable[[Entry], None],
        problems: list[str],
    ):
        earlier = list(earlier)
        self.name, self.problems = name, problems
        beginning = next((record for record in earlier if record["kind"] == "run"), None)
        self.begun = beginning is not None
        self.key: str | None = beginning.get("key") if beginning is not None else None
        self.status: str = next((record["status"] for record in reversed(earlier) if record["kind"] == "status"), "")
        self._append, self._artifacts = append, artifacts_folder(folder, name)
        self._once: dict[str, str | None] = {record["once"]: record.get("mark") for record in earlier if "once" in record}
        self._files = {record["path"]: record.get("sha256") for record in earlier if record["kind"] == "artifact"}

    def begin(
        self, experiment: str, title: str, *, params: Mapping[str, str], tags: Mapping[str, str], parent: str | None = None
    ) -> None:
        """Begin the run. Its key is in the ledger before the store gets the run.

        Args:
            experiment: name of the experiment.
            title: name of the run in the store.
            params, tags: of the run.
            parent: key of the run below which this one is filed, if any.
        """
        self.key, self.begun = uuid.uuid4().hex, True
        above = {} if parent is None else {"parent": parent}
        self.record("run", experiment=experiment, name=title, params=params, tags=tags, key=self.key, **above)

    def go_on(self) -> None:
        """Record that a run that was stopped is running again."""
        if self.status not in ("", "RUNNING", "FINISHED"):
            self.record("status", status="RUNNING")

    def end(self, status: str) -> None:
        """Record the last status of the run, if it has begun and the ledger says otherwise."""
        if self.begun and self.status != status:
            self.record("status", status=status)

    def record(self, kind: str, once: str | None = None, mark: str = "", **facts: Any) -> None:
        """Append a record; with ``once``, only if the run's last record of this name has another ``mark``."""
        if once is not None:
            if once in self._once and self._once[once] in (None, mark):  # None: of an earlier version
                return
            self._once[once] = mark
            facts |= {"once": once, "mark": mark}
        if kind == "status":
            self.status = facts["status"]
        self._write(kind, facts)

    def mark(self, once: str) -> str | None:
        """The mark of the run's last record with this name in ``once``; None if there is none."""
        return self._once.get(once)

    def record_new(self, kind: str, once: str, **facts: Any) -> None:
        """Append a record, unless the run's last record of this name holds the same."""
        self.record(kind, once=once, mark=checksum(json.dumps(facts, sort_keys=True).encode()), **facts)

    def text(self, name: str, text: str) -> None:
        """Add an artifact that is a text."""
        self.file(name, text.encode(errors="backslashreplace"))

    def json(self, name: str, value: object) -> None:
        """Add an artifact that is JSON."""
        self.text(name, json.dumps(plain(value), indent=2))

    def file(self, name: str, data: bytes) -> None:
        """Add an artifact, unless the ledger has it already."""
        digest = checksum(data)
        if self._files.get(name) == digest:
            return
        self._files[name] = digest
        self._write("artifact", {"path": name, "sha256": digest}, self._artifacts / name, data)

    def figures(self, named: Iterable[tuple[str, Any]]) -> None:
        """Add matplotlib figures as artifacts; those that cannot be drawn cost one line."""
        problems = []
        try:
            for name, figure in named:
                try:
                    data = figures.png_bytes(figure)
                except (Exception, SystemExit) as error:
                    problems.append(figures.drawing_problem(f"the figure {name}", error))
                else:
                    self.file(name, data)
        except (Exception, SystemExit) as error:
            problems.append(figures.drawing_problem("figures", error))
        if problems:
            more = f", and {len(problems) - 1} more" if problems[1:] else ""
            self.problems.append(problems[0] + more)

    def _write(self, kind: str, facts: Mapping[str, Any], path: Path | None = None, data: bytes = b"") -> None:
        of = {"of": self.name} if self.name else {}
        self._append(Entry(record_line(kind, **facts, **of), path, data))


def checksum(data: bytes) -> str:
    """The SHA-256 of bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()
