"""The tracker: writes the events of a command into a ledger, which a thread sends to MLflow."""

from __future__ import annotations

import contextlib
import hashlib
import json
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
    training_alone,
)
from discover_mlflow import content, figures
from discover_mlflow.addresses import public_address, resolve_store, sqlite_path
from discover_mlflow.directories import check_copy, is_moved
from discover_mlflow.ledger import first_record, is_beginning, ledger_folder, ledger_path, load_state, records
from discover_mlflow.population import history
from discover_mlflow.report_files import add_comparison, add_history
from discover_mlflow.session import Session, TrackingWarning
from discover_mlflow.sqlite_check import has_run
from discover_mlflow.stores import check_tracking, experiment_name
from discover_mlflow.version_record import version_record

CHAMPION = "champion.candidate"
MODEL_FACTS = ("model", "model_alias")
"""Facts of a command: the address of the champion as a registered version, and that by its alias if it holds it."""


class _NoLedgerError(Exception):
    """No ledger can be written; the end of the command reports it."""


class Tracker:
    """Tracks a command in MLflow: a plugin object for ``load_plugins(extra=[Tracker()])``.

    One run per search, training or comparison; none per candidate. Events are written into a ledger at once, and a thread sends
    them from there, so that a slow or failing store neither delays nor loses anything.

    Args:
        address: of the store, such as ``sqlite:///mlflow.db`` or ``http://host:5000``; None takes ``MLFLOW_TRACKING_URI``,
            else ``sqlite:///mlflow.db`` in the working folder.
        experiment: experiment of the runs; None takes ``MLFLOW_EXPERIMENT_NAME``, else ``discover``.
        patience: seconds without any progress after which the end of a command no longer waits for the store.
        directory: directory of the search that is resumed, if any; those of its records that the store lacks are sent in the
            end.
        promote: whether the champion of a search is to hold the alias of its registered model without a comparison.

    Raises:
        UserError: the store cannot be used; this is known within seconds.
    """

    def __init__(
        self,
        address: str | None = None,
        experiment: str | None = None,
        patience: float = 30.0,
        directory: Path | None = None,
        *,
        promote: bool = False,
    ):
        self.address = resolve_store(address)
        self.run_id: str | None = None
        self._directory, self._patience = directory, patience
        self._open: dict[Path, Session] = {}  # by directory; a search may run others inside, which tune baselines
        self._closed: set[Path] = set()  # folders of ledgers that were sent
        self._lacking: Path | None = None  # the last folder with records that the store lacks
        self._lost: list[str] = []
        self._promote = promote
        self._model: dict[str, str] = {}  # addresses of the last registered champion
        beginning = first_record(ledger_folder(directory)) if directory is not None else {}
        run_id = load_state(ledger_folder(directory), self.address).run_id if directory is not None else ""
        self._experiment = beginning.get("experiment") or experiment_name(experiment)
        check_tracking(self.address, self._experiment, run_id)
        if directory is not None:
            check_copy(directory, self.address)

    def finish(self) -> str | None:
        """Wait until the store has everything, or patience is over; returns the id of the run, if the store has created it.

        Of several runs it is that of the last one to end: the outermost search.

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
        facts: dict[str, Any] = {"tracking": public_address(self.address)}
        if run_id is not None:
            facts["run_id"] = run_id
        facts |= self._model
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
            session.begin(self._experiment, search.name, params=content.search_params(search), tags=tags, parent=parent)
        elif session.status != "FINISHED":
            session.record("status", status="RUNNING")
        if is_moved(search.directory):
            session.record("tags", tags=content.directory_tags(search))
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
            if not first_record(session.folder).get("parent"):  # a tuned baseline is a part of the search around it
                self._register(session, search, result)
        finally:
            self._end(search.directory, "FINISHED", result.champion_fitness)

    def _register(self, session: Session, search: SearchInfo, result: SearchResult) -> None:
        """Record that the champion is a version of the registered model of the search's name."""
        once, record = "champion/version", version_record(search, result, promoted=self._promote)
        if record["name"] != search.name and not session.has(once):
            session.problems.append(
                f"the registered model of the search '{search.name}' is called '{record['name']}': MLflow takes no other name"
            )
        session.record("version", once=once, mark=_checksum(json.dumps(record).encode()), **record)

    @hookimpl
    def discover_search_failed(self, search: SearchInfo, error: BaseException) -> None:
        session = self._open.get(search.directory)
        if session is None:
            return
        if search.phase == "finished" and session.status == "FINISHED":
            self._leave(search.directory)  # only its report failed: it is as finished as before
            return
        session.record("tags", tags=content.error_tags(error, self.address))
        self._end(search.directory, "KILLED" if isinstance(error, KeyboardInterrupt | SystemExit) else "FAILED")

    def _end(self, directory: Path, status: str, champion: float | None = None) -> None:
        """Record the end of a search."""
        session = self._open[directory]
        session.figures(figures.later("figures/fitness.png", lambda: figures.fitness_figure(history(session.folder), champion)))
        session.lineage()
        session.errors()
        add_history(session, directory)
        if session.status != status:
            session.record("status", status=status)
        self._leave(directory)

    def _leave(self, directory: Path) -> None:
        """Close the session of a search. It stays open if the disk is full: `finish` tries again."""
        session = self._open[directory]
        with contextlib.suppress(OSError):
            session.sync()
        if not session.unwritten:
            self._close(self._open.pop(directory))

    def _close(self, session: Session) -> bool:
        complete = session.close(self._patience)
        self._closed.add(session.folder.absolute())
        self.run_id = session.run_id or self.run_id
        self._model |= {key: address for key, address in zip(MODEL_FACTS, session.version, strict=True) if address}
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
        """Send the records that the store lacks of a resumed search, and of those inside it, unless another process does."""
        if self._directory is None or not self._directory.is_dir():
            return
        folders = _ledgers(self._directory.absolute())
        used = self._closed | {session.folder.absolute() for session in self._open.values()}
        folders = [folder for folder in folders if folder not in used and not _is_sent(folder, self.address)]
        with contextlib.suppress(UserError), contextlib.ExitStack() as locks:  # another process that holds the lock sends it
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
            session.begin(self._experiment, name, params=content.training_params(training), tags=tags)
            for step, metrics in content.training_metrics(training):
                session.record("metrics", step=step, metrics=metrics)
            session.json("training.json", content.training_facts(training))
            add_comparison(session, training_alone(training))
            session.figures(figures.later("figures/curve.png", training.plot))
            session.figures(figures.component_figures(training.algorithm, session.problems))

    @hookimpl
    def discover_comparison_finished(self, comparison: Comparison) -> None:
        with contextlib.suppress(_NoLedgerError), self._short_session() as session:
            tags = content.provenance_tags("comparison", comparison.provenance)
            tags |= content.described(content.comparison_description(comparison))
            name = " against ".join(comparison.candidates)
            session.begin(self._experiment, name, params=content.comparison_params(comparison), tags=tags)
            for step, metrics in content.comparison_metrics(comparison):
                session.record("metrics", step=step, metrics=metrics)
            session.comparison(comparison)

    @contextlib.contextmanager
    def _short_session(self) -> Iterator[Session]:
        """A session for a command that has ended; its ledger stays only if the store lacks records or a warning names it."""
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
    """The folders of the ledgers of a search and of those that ran inside it, and of nothing else."""
    outer = ledger_folder(directory)
    key = _first_record(outer).get("key")
    inside = [folder for folder in sorted(directory.glob("*/tracking")) if key and _first_record(folder).get("parent") == key]
    return [folder for folder in (outer, *inside) if _first_record(folder)]


def _first_record(folder: Path) -> dict[str, Any]:
    """The record that begins the run of a ledger; empty also if the file is no ledger."""
    try:
        return first_record(folder)
    except (UserError, OSError):
        return {}


def _is_sent(folder: Path, address: str) -> bool:
    """Whether a store has all of a ledger, as far as can be known at once; also if there is no ledger."""
    path, place, state = ledger_path(folder), sqlite_path(address), load_state(folder, address)
    if not path.is_file():
        return True
    exists = place is not None and place.exists() and has_run(place, state.run_id)
    return exists and not state.refused and state.sent == path.stat().st_size


def _check_ledger(folder: Path, search: SearchInfo) -> None:
    """Check that the folder for a search's ledger is empty or holds that search's own ledger.

    Raises:
        UserError: it holds something else.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    remedy = "move it away, or give another directory (--directory)."
    is_ledger = folder.is_dir() and ledger_path(folder).is_file()
    beginning = first_record(folder) if is_ledger else {}
    if not beginning and is_ledger and is_beginning(folder):
        return  # its disk was full, or it was killed, before its first record was whole
    if not beginning:
        raise UserError(f"'{folder}' is where the ledger of the search belongs, and holds something else: {remedy}")
    same = beginning.get("name") == search.name
    if not search.resumed_from:  # it was killed before its first checkpoint
        status = [record["status"] for _, record in records(folder) if record["kind"] == "status"]
        same = same and beginning.get("params") == content.search_params(search) and status[-1:] != ["FINISHED"]
    if not same:
        raise UserError(f"'{folder}' holds the ledger of another search ('{beginning.get('name')}'): {remedy}")


def _warn_of_gaps(session: Session, search: SearchInfo) -> None:
    """Warn of generations before the checkpoint that are not in the ledger."""
    missing = sorted(set(range(search.resumed_from)) - session.generations)
    if missing:
        some = ", ".join(map(str, missing[:10])) + (", ..." if len(missing) > 10 else "")
        text = (
            f"{len(missing)} generations before the checkpoint are not in {ledger_path(session.folder)}, nor tracked: {some}."
        )
        warnings.warn(text, TrackingWarning, stacklevel=3)
