"""The checkpoint of a search: one file in its directory, replaced as a whole."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import shlex
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

from discover.base.errors import DiscoverError, DiscoverWarning, StorageError, UserError
from discover.contract.held import gathered
from discover.outer_loop.directory import STATE_FILE, Origin, is_search, write_origin
from discover.outer_loop.state import Counters, Snapshot, State
from discover.storage.array_file import tree_from_bytes, tree_to_bytes, write_atomically
from discover.storage.json_text import values_in_json

_FAILURES = (OSError, DiscoverError)
"""Errors that keep a file from being written."""


class CheckpointWarning(DiscoverWarning):
    """A checkpoint could not be written; the search continues, and tries again."""


class Checkpoint:
    """The checkpoint of one search.

    Args:
        directory: of the search.
        name: of the search, for messages.
        origin: of the search; it records that there has been a checkpoint.
        make_durable: called before each write, so that the watchers first store what led to the snapshot.
        plugins: folder of one-file plugins, if there is one, for the command that resumes the search.

    Attributes:
        origin: as it is in the directory now.
        generations: how many generations the file holds, 0 if there is none.
        late: whether the last attempt to write failed.
    """

    def __init__(
        self,
        directory: Path,
        *,
        name: str,
        origin: Origin,
        make_durable: Callable[[], None],
        plugins: Path | None,
    ):
        self.origin, self.generations, self.late = origin, 0, False
        self._directory, self._name, self._plugins = directory, name, plugins
        self._make_durable = make_durable

    def read(self, form: State, *, required: bool) -> Snapshot | None:
        """The snapshot in the file; None if the search was killed before its first checkpoint.

        Args:
            form: a state of the same structure, shapes and dtypes.
            required: whether the file must exist.

        Raises:
            UserError: the file is damaged, belongs to another config, or is missing though it is required.
        """
        path = self._directory / STATE_FILE
        if path.is_file():
            state, text = tree_from_bytes(path.read_bytes(), form, f"checkpoint '{path}'")
            snapshot = Snapshot(state, _counters(text, path))
            self.generations = snapshot.counters.generations
            return snapshot
        if required:
            raise UserError(f"the checkpoint '{path}' is missing: put it back, or start a new search in another directory.")
        return None

    def save(self, snapshot: Snapshot) -> bool:
        """Write the file, or warn once that this has to wait; the result is whether it is written."""
        try:
            self.write(snapshot)
        except _FAILURES as error:
            if not self.late:
                text = (
                    f"the checkpoint of the search '{self._name}' waits ({_cause(error)}): {self._standing(snapshot)}; it is "
                    "tried again after each generation."
                )
                warnings.warn(text, CheckpointWarning, stacklevel=2)
            self.late = True
        else:
            self.late = False
        return not self.late

    def write(self, snapshot: Snapshot) -> None:
        """Write the file, after the watchers have stored what led to the snapshot."""
        self._make_durable()
        text = json.dumps(snapshot.counters._asdict())
        write_atomically(self._directory / STATE_FILE, tree_to_bytes(gathered(snapshot.state), text))
        self.generations = snapshot.counters.generations
        if not self.origin.checkpoint:
            self.origin = dataclasses.replace(self.origin, checkpoint=True)
            write_origin(self._directory, self.origin)

    @contextlib.contextmanager
    def must_write(self, what: str, snapshot: Snapshot) -> Iterator[None]:
        """Turn a failure to write ``what`` into one sentence that ends the search.

        Raises:
            StorageError: the disk is full or fails; the message has the command that resumes the search.
        """
        try:
            yield
        except _FAILURES as error:
            self.late = True  # the sentence below says it all
            raise StorageError(
                f"the search '{self._name}' cannot write {what} ({_cause(error)}): {self._standing(snapshot)}; repair that, "
                f"and go on with it: {self._resume_command()}"
            ) from None

    def _standing(self, snapshot: Snapshot) -> str:
        return f"its directory keeps {self.generations} of {snapshot.counters.generations} generations"

    def _resume_command(self) -> str:
        """The command that resumes this search, or the search whose baseline it tunes."""
        above, folder = self._directory.parent, self._plugins
        outermost = above if is_search(above) else self._directory
        return shlex.join(["discover", "resume", str(outermost), *(("--plugins-dir", str(folder)) if folder else ())])


def _counters(text: str, path: Path) -> Counters:
    """The counters of a checkpoint, from JSON."""
    try:
        return Counters(**values_in_json(text))
    except (TypeError, ValueError) as error:
        raise UserError(f"checkpoint '{path}' is damaged ({error}): start from an older copy.") from None


def _cause(error: Exception) -> str:
    """A failure as part of a sentence."""
    return str(error).rstrip(".")
