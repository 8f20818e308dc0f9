"""The tracker: says in a ledger what happens, and has a thread send it to MLflow."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from discover import (
    Comparison,
    DiscoverError,
    Generation,
    SearchInfo,
    SearchResult,
    Training,
    UserError,
    directory_lock,
    hookimpl,
    text_of,
)
from discover_mlflow import content, figures
from discover_mlflow.addresses import resolve_store, shown, sqlite_path
from discover_mlflow.ledger import first_record, is_beginning, ledger_folder, ledger_path, load_state, records
from discover_mlflow.population import history
from discover_mlflow.session import Session, TrackingWarning
from discover_mlflow.sqlite_check import has_run
from discover_mlflow.stores import check_tracking, experiment_name

CHAMPION = "champion.candidate"


class _NoLedgerError(Exception):
    """There is no place for a ledger; the end of the command says so."""


class Tracker:
    """Tracks a command in MLflow: a plugin object for ``load_plugins(extra=[Tracker()])``.

    One run per search, training or comparison; none per candidate. What happens is written into a ledger at once, and sent
    from there by a thread of its own, so that a slow or failing store neither delays nor loses anything.

    Args:
        address: of the store, such as ``sqlite:///mlflow.db`` or ``http://host:5000``; None takes ``MLFLOW_TRACKING_URI``,
            else ``sqlite:///mlflow.db`` in the working folder.
        experiment: under which the runs are filed; None takes ``MLFLOW_EXPERIMENT_NAME``, else ``discover``.
        patience: seconds without any progress after which the end of a command no longer waits for the store.
        directory: of the search that is gone on with, if one is; what the store still lacks of it is sent in the end.

    Raises:
        UserError: the store cannot be used; found out within seconds.
    """

    def __init__(
        self,
        address: str | None = None,
        experiment: str | None = None,
        patience: float = 30.0,
        directory: Path | None = None,
    ):
        self.address = resolve_store(address)
        self.run_id: str | None = None
        self._directory, self._patience = directory, patience
        self._open: dict[Path, Session] = {}  # by directory; a search may run others inside, to tune baselines
        self._closed: set[Path] = set()  # folders of ledgers that were sent
        self._lacking: Path | None = None  # the last folder of which the store lacks something
        self._lost: list[str] = []
        begun = first_record(ledger_folder(directory)) if directory is not None else {}
        run_id = load_state(ledger_folder(directory), self.address).run_id if directory is not None else ""
        self._experiment = begun.get("experiment") or experiment_name(experiment)
        check_tracking(self.address, self._experiment, run_id)

    def finish(self) -> str | None:
        """Wait until the store has everything, or patience is over; returns the id of the run, if the store has made it.

        With several runs it is that of the one which ended last: the outermost search.

        Raises:
            DiscoverError: records could not be written, for want of space on the disk, and are lost with this process.
        """
        self._send_rest()
        for directory in reversed([*self._open]):
            self._close(self._open.pop(directory))
        if self._directory is not None:
            self.run_id = load_state(ledger_folder(self._directory), self.address).run_id or None
        if self._lost:
            raise DiscoverError("; ".join(self._lost) + ".")
        return self.run_id

    @hookimpl
    def discover_command_finished(self) -> Mapping[str, Any]:
        run_id = self.finish()
        facts: dict[str, Any] = {"tracking": shown(self.address)}
        if run_id is not None:
            facts["run_id"] = run_id
        if self._lacking is not None:
            facts["ledger"] = str(self._lacking)
        return facts

    @hookimpl
    def discover_search_started(self, search: SearchInfo) -> None:
        folder = ledger_folder(search.directory)
        _check_ledger(folder, search)
        outer = next(reversed(self._open.values()), None)
        session = self._open[search.directory] = Session(folder, self.address)
        if not session.begun:
            tags = content.search_tags(search)
            parent = outer.key if outer else None
            tags |= content.parent_tags(outer.run_id) if outer and parent is None else {}  # one of an earlier version
            session.begin(self._experiment, search.name, content.search_params(search), tags, parent)
        elif session.status != "FINISHED":
            session.record("status", status="RUNNING")
        session.text("config.yaml", text_of(content.plain(search.config), "the config"))
        if search.resumed_from and session.status != "FINISHED":
            session.json(f"provenance_resumed_{search.resumed_from:06d}.json", search.provenance)
        elif not search.resumed_from:
            session.json("provenance.json", search.provenance)
        with contextlib.suppress(OSError):
            session.sync()
        _warn_of_gaps(session, search)

    @hookimpl
    def discover_generation_done(self, search: SearchInfo, generation: Generation) -> None:
        session = self._open.get(search.directory)
        if session is None or generation.index in session.generations:
            return  # a resumed search repeats the generations after its checkpoint, to the same bits
        session.generation(generation, search)

    @hookimpl
    def discover_checkpoint(self, search: SearchInfo) -> None:
        session = self._open.get(search.directory)
        if session is not None:
            session.sync()

    @hookimpl
    def discover_search_finished(self, search: SearchInfo, result: SearchResult) -> None:
        session = self._open.get(search.directory)
        if session is None:
            return
        try:
            metrics, fitness = content.result_metrics(result), repr(result.champion_fitness)
            session.record("metrics", once="champion/metrics", mark=fitness, step=result.generations, metrics=metrics)
            text = content.result_description(search, result)
            session.record("tags", once="champion/description", mark=_checksum(text.encode()), tags=content.described(text))
            champion, params = result.champion_path.read_bytes(), content.model_params(result)
            session.file(CHAMPION, champion)
            mark = _checksum(champion)
            session.record("model", once="champion/model", mark=mark, path=CHAMPION, name="champion", params=params)
            if result.comparison is not None:
                session.comparison(result.comparison)
            session.figures(figures.component_figures(result.champion, session.problems))
        finally:
            self._end(search.directory, "FINISHED", result.champion_fitness)

    @hookimpl
    def discover_search_failed(self, search: SearchInfo, error: BaseException) -> None:
        session = self._open.get(search.directory)
        if session is None:
            return
        if search.phase == "finished" and session.status == "FINISHED":
            self._leave(search.directory)  # it could not be shown again, and is as finished as before
            return
        session.record("tags", tags=content.error_tags(error, self.address))
        self._end(search.directory, "KILLED" if isinstance(error, KeyboardInterrupt | SystemExit) else "FAILED")

    def _end(self, directory: Path, status: str, champion: float | None = None) -> None:
        """Say how a search has ended."""
        session = self._open[directory]
        session.figures(figures.later("figures/fitness.png", lambda: figures.fitness_figure(history(session.folder), champion)))
        session.lineage()
        session.errors()
        if session.status != status:
            session.record("status", status=status)
        self._leave(directory)

    def _leave(self, directory: Path) -> None:
        """Close the session of a search. It stays open if the disk is full: the next checkpoint tries again."""
        session = self._open[directory]
        with contextlib.suppress(OSError):
            session.sync()
        if not session.unwritten:
            self._close(self._open.pop(directory))

    def _close(self, session: Session) -> bool:
        complete = session.close(self._patience)
        self._closed.add(session.folder.absolute())
        self.run_id = session.run_id or self.run_id
        if not complete:
            self._lacking = session.folder
        if session.unwritten:
            path = ledger_path(session.folder)
            self._lost.append(
                f"{session.unwritten} records of the run could not be written into {path} and are lost: free some space, then "
                "go on with the search (discover resume) or train again, which repeats them"
            )
        return complete

    def _send_rest(self) -> None:
        """Send what the store lacks of a search that was resumed, and of those inside it, if nobody did so meanwhile."""
        if self._directory is None or not self._directory.is_dir():
            return
        folders = _ledgers(self._directory.absolute())
        used = self._closed | {session.folder.absolute() for session in self._open.values()}
        folders = [folder for folder in folders if folder not in used and not _is_sent(folder, self.address)]
        with contextlib.suppress(UserError), contextlib.ExitStack() as locks:  # if another process is at it, that one sends it
            if folders:
                locks.enter_context(directory_lock(self._directory))
            for folder in folders:
                self._close(Session(folder, self.address))

    @hookimpl
    def discover_training_finished(self, training: Training) -> None:
        with contextlib.suppress(_NoLedgerError), self._short_session() as session:
            tags = content.provenance_tags("training", training.provenance)
            tags |= content.described(content.training_description(training))
            name = f"{training.name} on {training.run.label}"
            session.begin(self._experiment, name, content.training_params(training), tags)
            for step, metrics in content.training_metrics(training):
                session.record("metrics", step=step, metrics=metrics)
            session.json("training.json", content.training_facts(training))
            session.figures(figures.later("figures/curve.png", training.plot))
            session.figures(figures.component_figures(training.algorithm, session.problems))

    @hookimpl
    def discover_comparison_finished(self, comparison: Comparison) -> None:
        with contextlib.suppress(_NoLedgerError), self._short_session() as session:
            tags = content.provenance_tags("comparison", comparison.provenance)
            tags |= content.described(content.comparison_description(comparison))
            name = " against ".join(comparison.candidates)
            session.begin(self._experiment, name, content.comparison_params(comparison), tags)
            for step, metrics in content.comparison_metrics(comparison):
                session.record("metrics", step=step, metrics=metrics)
            session.comparison(comparison)

    @contextlib.contextmanager
    def _short_session(self) -> Iterator[Session]:
        """A session for what is over already; its ledger is kept only if the store lacks some of it, or a warning names it."""
        try:
            folder = Path(tempfile.mkdtemp(prefix="discover-"))
            session, status = Session(folder, self.address), "FAILED"
        except (OSError, UserError) as error:
            self._lost.append(f"the run is not tracked: {str(error).rstrip('.')}")
            raise _NoLedgerError from None
        try:
            yield session
            status = "FINISHED"
        finally:
            session.record("status", status=status)
            if self._close(session) and not session.named:
                shutil.rmtree(folder)


def _checksum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _ledgers(directory: Path) -> list[Path]:
    """The folders of the ledgers of a search and of those that ran inside it; a ledger of anything else is not touched."""
    outer = ledger_folder(directory)
    key = _begun(outer).get("key")
    inside = [folder for folder in sorted(directory.glob("*/tracking")) if key and _begun(folder).get("parent") == key]
    return [folder for folder in (outer, *inside) if _begun(folder)]


def _begun(folder: Path) -> dict[str, Any]:
    """The record that begins the run of a ledger; empty also if it is not one of ours."""
    try:
        return first_record(folder)
    except (UserError, OSError):
        return {}


def _is_sent(folder: Path, address: str) -> bool:
    """Whether a store has all of a ledger, as far as can be told at once; also if there is no ledger."""
    path, place, state = ledger_path(folder), sqlite_path(address), load_state(folder, address)
    if not path.is_file():
        return True
    there = place is not None and place.exists() and has_run(place, state.run_id)
    return there and not state.refused and state.sent == path.stat().st_size


def _check_ledger(folder: Path, search: SearchInfo) -> None:
    """See whether what is found where a search's ledger belongs is this search's own: nothing else is touched.

    Raises:
        UserError: it is not.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    remedy = "move it away, or give another directory (--directory)."
    ours = folder.is_dir() and ledger_path(folder).is_file()
    begun = first_record(folder) if ours else {}
    if not begun and ours and is_beginning(folder):
        return  # its disk was full, or it was killed, before its first record was whole
    if not begun:
        raise UserError(f"'{folder}' is where the ledger of the search belongs, and holds something else: {remedy}")
    same = begun.get("name") == search.name
    if not search.resumed_from:  # it was killed before its first checkpoint
        status = [record["status"] for _, record in records(folder) if record["kind"] == "status"]
        same = same and begun.get("params") == content.search_params(search) and status[-1:] != ["FINISHED"]
    if not same:
        raise UserError(f"'{folder}' holds the ledger of another search ('{begun.get('name')}'): {remedy}")


def _warn_of_gaps(session: Session, search: SearchInfo) -> None:
    """Name the generations that lie before the checkpoint and are not in the ledger."""
    missing = sorted(set(range(search.resumed_from)) - session.generations)
    if missing:
        some = ", ".join(map(str, missing[:10])) + (", ..." if len(missing) > 10 else "")
        text = (
            f"{len(missing)} generations before the checkpoint are not in {ledger_path(session.folder)}, nor tracked: {some}."
        )
        warnings.warn(text, TrackingWarning, stacklevel=3)
