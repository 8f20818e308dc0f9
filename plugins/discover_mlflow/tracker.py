"""The tracker: writes the events of a command into a ledger, which a thread sends to MLflow."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from discover import (
    Comparison,
    ComparisonInfo,
    DiscoverError,
    Generation,
    SearchInfo,
    SearchResult,
    Selection,
    Training,
    TrainingInfo,
    UserError,
    directory_lock,
    hookimpl,
    text_of,
    training_alone,
)
from discover_mlflow import content, figures, limits, returns
from discover_mlflow.addresses import public_address, resolve_store
from discover_mlflow.champion_page import add_page
from discover_mlflow.comparing import ComparisonRuns, record_table, record_training, report_name
from discover_mlflow.directories import check_copy, is_moved
from discover_mlflow.earlier import check_ledger, is_sent, ledgers_in, warn_of_gaps
from discover_mlflow.ledger import first_record, ledger_folder, ledger_path, load_state
from discover_mlflow.page import link_on_server
from discover_mlflow.part import checksum
from discover_mlflow.population import history
from discover_mlflow.report_files import add_comparison, add_history, add_report
from discover_mlflow.session import Session
from discover_mlflow.stores import check_tracking, experiment_name
from discover_mlflow.version_record import version_description, version_record

CHAMPION = "champion.candidate"


class Tracker:
    """Tracks a command in MLflow: a plugin object for ``load_plugins(extra=[Tracker()])``.

    One run per search, training and comparison; below a search one per phase of it, and below a comparison one per candidate.
    Events are written into a ledger at once, and a thread sends them from there, so that a slow or failing store neither delays
    nor loses anything.

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
        self._short: Session | None = None  # of a training or a comparison that is no search's report
        self._lock = contextlib.ExitStack()  # on its folder
        self._comparison: ComparisonRuns | None = None
        self._search = ""  # name of the outermost search
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
        if self._short is not None:
            self._end_short(self._short, "FAILED")
        for directory in reversed([*self._open]):
            self._close(self._open.pop(directory))
        if self._directory is not None:
            state = load_state(ledger_folder(self._directory), self.address)
            self.run_id = state.run_id or None
            self._model |= _addresses(state.version, "")
        if self._lost:
            raise DiscoverError("; ".join(self._lost) + ".")
        return self.run_id

    @hookimpl
    def discover_command_finished(self) -> Mapping[str, Any]:
        run_id = self.finish()
        facts: dict[str, Any] = {"tracking": public_address(self.address)}
        if run_id is not None:
            facts["run_id"] = run_id
            link = link_on_server(self.address, run_id)
            facts |= {} if link is None else {"link": link}
        facts |= self._model
        if self._lacking is not None:
            facts["ledger"] = str(self._lacking)
        return facts

    @hookimpl
    def discover_search_started(self, search: SearchInfo) -> None:
        folder = ledger_folder(search.directory)
        check_ledger(folder, search)
        outer = next(reversed(self._open.values()), None)
        self._search = self._search or search.name
        session = self._open[search.directory] = Session(folder, self.address)
        if not session.begun:
            tags = content.search_tags(search, self._search)
            parent = outer.key if outer else None
            tags |= content.parent_tags(outer.run_id) if outer and parent is None else {}  # one of an earlier version
            session.begin(self._experiment, search.name, params=content.search_params(search), tags=tags, parent=parent)
        elif session.status != "FINISHED":
            session.record("status", status="RUNNING")
        if is_moved(search.directory):
            session.record("tags", tags=content.directory_tags(search))
        session.text("config.yaml", text_of(limits.plain(search.config), "the config"))
        if search.resumed_from and session.status != "FINISHED":
            session.json(f"provenance_resumed_{search.resumed_from:06d}.json", search.provenance)
        elif not search.resumed_from:
            session.json("provenance.json", search.provenance)
        with contextlib.suppress(OSError):
            session.sync()
        warn_of_gaps(session, search)

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
            session.record("metrics", once="champion/metrics", mark=fitness, step=0, metrics=metrics)
            session.record_new("tags", "champion/description", tags=content.result_tags(search, result))
            champion, params = result.champion_path.read_bytes(), content.model_params(result)
            session.file(CHAMPION, champion)
            mark = checksum(champion)
            session.record("model", once="champion/model", mark=mark, path=CHAMPION, name="champion", params=params)
            if result.comparison is not None:
                record_table(session, result.comparison)
                session.figures(figures.comparison_figures(result.comparison))
            add_report(session, result, session.problems, search.registry)
            session.figures(figures.component_figures(result.champion, session.problems))
            if not first_record(session.folder).get("parent"):  # a tuned baseline is a part of the search around it
                self._register(session, search, result)
        finally:
            self._end(search.directory, "FINISHED", result.champion_fitness)

    def _register(self, session: Session, search: SearchInfo, result: SearchResult) -> None:
        """Record that the champion is a version of the registered model of the search's name."""
        once, record = "champion/version", version_record(search, result, promoted=self._promote)
        mark = checksum(json.dumps([record, content.result_description(search, result)]).encode())
        if session.mark(once) == mark:
            return  # the end was repeated, and took another time, which the page tells too
        if record["name"] != search.name and session.mark(once) is None:
            session.problems.append(
                f"the registered model of the search '{search.name}' is called '{record['name']}': MLflow takes no other name"
            )
        description = version_description(add_page(session, search, result))
        session.record("version", once=once, mark=mark, description=description, **record)

    @hookimpl
    def discover_search_failed(self, search: SearchInfo, error: BaseException) -> None:
        session = self._open.get(search.directory)
        if session is None:
            return
        if search.phase == "finished" and session.status == "FINISHED":
            self._leave(search.directory)  # only its report failed: it is as finished as before
            return
        session.record("tags", tags=content.error_tags(error, self.address))
        self._end(search.directory, _status_of(error))

    def _end(self, directory: Path, status: str, champion: float | None = None) -> None:
        """Record the end of a search."""
        session = self._open[directory]
        session.figures(figures.later("figures/fitness.png", lambda: figures.fitness_figure(history(session.folder), champion)))
        session.lineage()
        session.errors()
        add_history(session, directory)
        _end_runs(session, status)
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

    def _send_rest(self) -> None:
        """Send the records that the store lacks of a resumed search, and of those inside it, unless another process does."""
        if self._directory is None or not self._directory.is_dir():
            return
        folders = ledgers_in(self._directory.absolute())
        used = self._closed | {session.folder.absolute() for session in self._open.values()}
        folders = [folder for folder in folders if folder not in used and not is_sent(folder, self.address)]
        with contextlib.suppress(UserError), contextlib.ExitStack() as locks:  # another process that holds the lock sends it
            if folders:
                locks.enter_context(directory_lock(self._directory))
            for folder in folders:
                self._close(Session(folder, self.address))

    @hookimpl
    def discover_selection_started(self, search: SearchInfo) -> None:
        session = self._open.get(search.directory)
        if session is not None:
            run = session.part("selection")
            if run.begun:
                run.go_on()
            else:
                tags = content.run_tags("selection", search.provenance, search=self._search)
                run.begin(self._experiment, "selection", params={}, tags=tags, parent=session.key)

    @hookimpl
    def discover_selection_finished(self, search: SearchInfo, selection: Selection) -> None:
        session = self._open.get(search.directory)
        if session is not None:
            run = session.part("selection")
            run.record_new("metrics", "selection", step=0, metrics=content.selection_metrics(selection))
            run.json("finalists.json", content.selection_facts(selection, search.space))
            run.end("FINISHED")

    @hookimpl
    def discover_training_started(self, training: TrainingInfo) -> None:
        session = self._begin_short()
        if session is not None:
            tags = content.run_tags("training", training.provenance, role="candidate", fingerprint=training.fingerprint)
            params = returns.candidate_params(training.name, training.algorithm, [training.run], training.seeds)
            title = f"{training.name} on {training.run.label}"
            session.begin(self._experiment, title, params=params, tags=tags | content.described(f"`{training.algorithm!r}`"))
            session.json("provenance.json", training.provenance)

    @hookimpl
    def discover_training_finished(self, training: Training) -> None:
        session, status = self._short, "FAILED"
        if session is None:
            return
        try:
            record_training(session, training)
            session.record("tags", tags=content.described(returns.training_description(training)))
            session.json("training.json", returns.training_facts(training))
            add_comparison(session, training_alone(training))
            session.figures(figures.later("figures/curve.png", training.plot))
            session.figures(figures.component_figures(training.algorithm, session.problems))
            status = "FINISHED"
        finally:
            self._end_short(session, status)

    @hookimpl
    def discover_training_failed(self, training: TrainingInfo, error: BaseException) -> None:
        if self._short is not None:
            self._short.record("tags", tags=content.error_tags(error, self.address))
            self._end_short(self._short, _status_of(error))

    @hookimpl
    def discover_comparison_started(self, comparison: ComparisonInfo) -> None:
        search = self._open.get(comparison.directory) if comparison.directory is not None else None
        if comparison.directory is None and (session := self._begin_short()) is not None:
            self._comparison = ComparisonRuns(session, session, comparison)
            self._comparison.begin(self._experiment, " against ".join(comparison.candidates))
        elif search is not None:
            self._comparison = ComparisonRuns(search, search.part(report_name(comparison)), comparison, self._search)
            self._comparison.begin(self._experiment, "report", search.key)

    @hookimpl
    def discover_candidate_started(self, candidate: str) -> None:
        if self._comparison is not None:
            self._comparison.candidate_started(candidate)

    @hookimpl
    def discover_candidate_finished(self, training: Training) -> None:
        if self._comparison is not None:
            self._comparison.candidate_finished(training)

    @hookimpl
    def discover_comparison_finished(self, comparison: Comparison) -> None:
        runs, self._comparison, status = self._comparison, None, "FAILED"
        try:
            if runs is not None:
                runs.finish(comparison)
            if self._short is not None:
                add_report(self._short, comparison, self._short.problems)
            status = "FINISHED"
        finally:
            if self._short is not None:
                self._end_short(self._short, status)

    @hookimpl
    def discover_comparison_failed(self, comparison: ComparisonInfo, error: BaseException) -> None:
        runs, self._comparison = self._comparison, None
        if runs is not None:
            runs.fail(error, _status_of(error), self.address)
        if self._short is not None:
            self._end_short(self._short, _status_of(error))

    def _begin_short(self) -> Session | None:
        """A session for a command without a directory; None if it has no ledger, which the end of the command reports."""
        try:
            folder = Path(tempfile.mkdtemp(prefix="discover-"))
            self._lock.enter_context(directory_lock(folder))  # until then nobody else sends its ledger
            self._short = Session(folder, self.address)
        except (OSError, UserError) as error:
            self._lock.close()
            self._lost.append(f"the run is not tracked: {str(error).rstrip('.')}")
        return self._short

    def _end_short(self, session: Session, status: str) -> None:
        """End the runs of such a session; its ledger stays only if the store lacks records or a warning names it."""
        self._short = None
        _end_runs(session, status)
        complete = self._close(session)
        self._lock.close()
        if complete and not session.named:
            shutil.rmtree(session.folder)


def _end_runs(session: Session, status: str) -> None:
    """Record that a run has ended, and with it those below it that are still running."""
    for run in session.parts():
        if run.status in ("", "RUNNING"):
            run.end(status)
    session.end(status)


def _addresses(version: str, alias: str) -> dict[str, str]:
    """The facts on a registered champion."""
    return {key: address for key, address in (("model", version), ("model_alias", alias)) if address}


def _status_of(error: BaseException) -> str:
    """The status of a run that an error has ended."""
    return "KILLED" if isinstance(error, KeyboardInterrupt | SystemExit) else "FAILED"
