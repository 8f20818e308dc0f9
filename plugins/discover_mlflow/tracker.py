"""The tracker: says in a ledger what happens, and has a thread send it to MLflow."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from discover import Comparison, Generation, SearchInfo, SearchResult, Training, hookimpl, text_of
from discover_mlflow import content, figures
from discover_mlflow.ledger import ledger_folder, records
from discover_mlflow.population import history
from discover_mlflow.session import Session
from discover_mlflow.stores import check_tracking, resolve_store

CHAMPION = "champion.candidate"


class Tracker:
    """Tracks a command in MLflow: a plugin object for ``load_plugins(extra=[Tracker()])``.

    One run per search, training or comparison; none per candidate. What happens is written into a ledger at once, and sent
    from there by a thread of its own, so that a slow or failing store neither delays nor loses anything.

    Args:
        address: of the store, such as ``sqlite:///mlflow.db`` or ``http://host:5000``; None takes ``MLFLOW_TRACKING_URI``,
            else ``sqlite:///mlflow.db`` in the working folder.
        experiment: under which the runs are filed; None takes ``MLFLOW_EXPERIMENT_NAME``, else ``discover``.
        patience: seconds without any progress after which the end of a command no longer waits for the store.

    Raises:
        UserError: the store cannot be used; found out within seconds.
    """

    def __init__(self, address: str | None = None, experiment: str | None = None, patience: float = 30.0):
        self.address = resolve_store(address)
        self.run_id: str | None = None
        self._experiment = experiment or os.environ.get("MLFLOW_EXPERIMENT_NAME") or "discover"
        self._patience = patience
        self._open: dict[Path, Session] = {}  # by directory; a search may run others inside, to tune baselines
        check_tracking(self.address)

    def finish(self) -> str | None:
        """Wait until the store has everything, or patience is over; returns the id of the run, if the store has made it.

        With several runs it is that of the one which ended last: the outermost search.
        """
        for directory in reversed([*self._open]):
            self._close(self._open.pop(directory))
        return self.run_id

    @hookimpl
    def discover_command_finished(self) -> Mapping[str, Any]:
        return {"run_id": self.finish(), "tracking": self.address}

    @hookimpl
    def discover_search_started(self, search: SearchInfo) -> None:
        folder = ledger_folder(search.directory)
        if folder.exists() and not _continues(folder, search):
            shutil.rmtree(folder)
        outer = next(reversed(self._open.values()), None)
        session = self._open[search.directory] = Session(folder, self.address)
        if session.generations:
            session.record("status", status="RUNNING")
            session.json(f"provenance_resumed_{search.resumed_from:06d}.json", search.provenance)
            return
        tags = content.search_tags(search) | content.parent_tags(outer.run_id if outer else None)
        session.begin(self._experiment, search.name, content.search_params(search), tags)
        session.text("config.yaml", text_of(content.plain(search.config), "the config"))
        session.json("provenance.json", search.provenance)

    @hookimpl
    def discover_generation_done(self, search: SearchInfo, generation: Generation) -> None:
        session = self._open.get(search.directory)
        if session is None or generation.index in session.generations:
            return  # a resumed search repeats the generations after its checkpoint, to the same bits
        session.generation(generation, search)

    @hookimpl
    def discover_search_finished(self, search: SearchInfo, result: SearchResult) -> None:
        session = self._open.get(search.directory)
        if session is None:
            return
        try:
            session.record("metrics", step=result.generations, metrics=content.result_metrics(result))
            session.record("tags", tags=content.described(content.result_description(search, result)))
            session.file(CHAMPION, lambda path: shutil.copyfile(result.champion_path, path))
            session.record("model", path=CHAMPION, name="champion", params=content.model_params(result))
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
        session.record("tags", tags=content.error_tags(error))
        self._end(search.directory, "KILLED" if isinstance(error, KeyboardInterrupt | SystemExit) else "FAILED")

    def _end(self, directory: Path, status: str, champion: float | None = None) -> None:
        session = self._open.pop(directory)
        session.figures([("figures/fitness.png", figures.fitness_figure(history(session.folder), champion))])
        session.lineage()
        session.errors()
        session.record("status", status=status)
        self._close(session)

    def _close(self, session: Session) -> bool:
        complete = session.close(self._patience)
        self.run_id = session.run_id or self.run_id
        return complete

    @hookimpl
    def discover_training_finished(self, training: Training) -> None:
        with self._short_session() as session:
            tags = content.provenance_tags("training", training.provenance)
            tags |= content.described(content.training_description(training))
            name = f"{training.name} on {training.run.label}"
            session.begin(self._experiment, name, content.training_params(training), tags)
            for step, metrics in content.training_metrics(training):
                session.record("metrics", step=step, metrics=metrics)
            session.json("training.json", content.training_facts(training))
            session.figures([("figures/curve.png", figures.curves_figure([training], training.run.label))])
            session.figures(figures.component_figures(training.algorithm, session.problems))

    @hookimpl
    def discover_comparison_finished(self, comparison: Comparison) -> None:
        with self._short_session() as session:
            tags = content.provenance_tags("comparison", comparison.provenance)
            tags |= content.described(content.comparison_description(comparison))
            name = " against ".join(comparison.candidates)
            session.begin(self._experiment, name, content.comparison_params(comparison), tags)
            for step, metrics in content.comparison_metrics(comparison):
                session.record("metrics", step=step, metrics=metrics)
            session.comparison(comparison)

    @contextlib.contextmanager
    def _short_session(self) -> Iterator[Session]:
        """A session for what is over already; its ledger is kept only if the store lacks some of it."""
        folder = Path(tempfile.mkdtemp(prefix="discover-"))
        session, status = Session(folder, self.address), "FAILED"
        try:
            yield session
            status = "FINISHED"
        finally:
            session.record("status", status=status)
            if self._close(session):
                shutil.rmtree(folder)


def _continues(folder: Path, search: SearchInfo) -> bool:
    """Whether a ledger found in the directory is this search's own: it was resumed, or stopped before its first checkpoint."""
    if search.resumed_from:
        return True
    known = [record for _, record in records(folder) if record["kind"] in ("run", "status")]
    same = bool(known) and known[0].get("params") == content.search_params(search)
    return same and known[-1].get("status") != "FINISHED"
