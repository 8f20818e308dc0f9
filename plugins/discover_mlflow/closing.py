"""The ends of sessions: what the store has of them, what it lacks, and what a command tells of that."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from discover import DiscoverError, UserError, directory_lock
from discover_mlflow.addresses import public_address
from discover_mlflow.earlier import is_sent, ledgers_in
from discover_mlflow.ledger import ledger_folder, ledger_path
from discover_mlflow.page import link_on_server
from discover_mlflow.sent import load_state
from discover_mlflow.session import Session


class Closing:
    """Closes the sessions of a command, and knows what became of them.

    Attributes:
        run_id: id of the run that ended last, once the store has created it.

    Args:
        address: of the store.
        patience: seconds without any progress after which the end of a session no longer waits for the store.
    """

    def __init__(self, address: str, patience: float):
        self.run_id: str | None = None
        self._address, self._patience = address, patience
        self._closed: set[Path] = set()  # folders of ledgers that were sent
        self._lacking: Path | None = None  # the last folder with records that the store lacks
        self._lost: list[str] = []
        self._model: dict[str, str] = {}  # addresses of the last registered champion

    def close(self, session: Session) -> bool:
        """Wait for the store to have all of a session; returns whether it has."""
        complete = session.close(self._patience)
        self._closed.add(session.folder.absolute())
        self.run_id = session.run_id or self.run_id
        self._model |= _addresses(*session.version)
        if not complete:
            self._lacking = session.folder
        if session.unwritten:
            path = ledger_path(session.folder)
            self._lost.append(
                f"{session.unwritten} records of the run could not be written into {path} and are lost: free some space, then "
                "go on with the search (discover resume) or train again, which repeats them"
            )
        return complete

    def lose(self, what: str) -> None:
        """Keep a sentence on what is lost, for the end of the command."""
        self._lost.append(what)

    def send_rest(self, directory: Path, in_use: Iterable[Path]) -> None:
        """Send the records that the store lacks of a search, and of those inside it, unless another process does.

        Args:
            directory: of the search.
            in_use: folders of ledgers whose sessions are open.
        """
        if not directory.is_dir():
            return
        used = self._closed | {folder.absolute() for folder in in_use}
        folders = [folder for folder in ledgers_in(directory.absolute()) if folder not in used]
        folders = [folder for folder in folders if not is_sent(folder, self._address)]
        with contextlib.suppress(UserError), contextlib.ExitStack() as locks:  # another process that holds the lock sends it
            if folders:
                locks.enter_context(directory_lock(directory))
            for folder in folders:
                self.close(Session(folder, self._address))

    def take(self, directory: Path) -> None:
        """Take the run and the champion of a search for those of the command, whichever session ended last."""
        state = load_state(ledger_folder(directory), self._address)
        self.run_id = state.run_id or None
        self._model |= _addresses(state.version, "")

    def check(self) -> None:
        """Check that nothing is lost.

        Raises:
            DiscoverError: something is.
        """
        if self._lost:
            raise DiscoverError("; ".join(self._lost) + ".")

    def facts(self) -> Mapping[str, Any]:
        """The facts that the command tells: the store, the run and its page, the champion, and the ledger that is left."""
        facts: dict[str, Any] = {"tracking": public_address(self._address)}
        if self.run_id is not None:
            facts["run_id"] = self.run_id
            link = link_on_server(self._address, self.run_id)
            facts |= {} if link is None else {"link": link}
        facts |= self._model
        if self._lacking is not None:
            facts["ledger"] = str(self._lacking)
        return facts


def end_runs(session: Session, status: str) -> None:
    """Record that a run has ended, and with it those below it that are still running."""
    for run in session.parts():
        if run.status in ("", "RUNNING"):
            run.end(status)
    session.end(status)


def status_of(error: BaseException) -> str:
    """The status of a run that an error has ended."""
    return "KILLED" if isinstance(error, KeyboardInterrupt | SystemExit) else "FAILED"


def _addresses(version: str, alias: str) -> dict[str, str]:
    """The facts on a registered champion."""
    return {key: address for key, address in (("model", version), ("model_alias", alias)) if address}
