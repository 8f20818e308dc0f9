"""The runs of searches: of the one that a command runs, and of those inside it that tune baselines."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from discover import ABLATION_FILE, Ablation, AblationInfo, Generation, SearchInfo, SearchResult, Selection, text_of
from discover_mlflow import content, figures, limits
from discover_mlflow.ablating import ablation_params, record_ablation
from discover_mlflow.champion_page import add_page
from discover_mlflow.closing import Closing, end_runs, status_of
from discover_mlflow.comparing import record_table
from discover_mlflow.directories import is_moved
from discover_mlflow.earlier import check_ledger, warn_of_gaps
from discover_mlflow.ledger import first_record, ledger_folder
from discover_mlflow.part import checksum
from discover_mlflow.population import history
from discover_mlflow.report_files import add_history, add_report
from discover_mlflow.session import Session
from discover_mlflow.version_record import version_description, version_record

CHAMPION = "champion.candidate"


class SearchRuns:
    """Adds what happens in searches to their ledgers.

    Attributes:
        name: of the outermost search; empty before one has started.

    Args:
        address: of the store.
        experiment: name of the experiment of the runs.
        closing: closes the sessions.
        promote: whether the champion of a search is to hold the alias of its registered model without a comparison.
    """

    def __init__(self, address: str, experiment: str, closing: Closing, *, promote: bool):
        self.name = ""
        self._open: dict[Path, Session] = {}  # by directory, the outermost first
        self._address, self._experiment, self._closing, self._promote = address, experiment, closing, promote

    def session(self, directory: Path) -> Session | None:
        """The open session of the search in a directory."""
        return self._open.get(directory)

    def folders(self) -> Iterable[Path]:
        """The folders of the ledgers whose sessions are open."""
        return [session.folder for session in self._open.values()]

    def close(self) -> None:
        """Close all sessions, the innermost first."""
        for directory in reversed([*self._open]):
            self._closing.close(self._open.pop(directory))

    def started(self, search: SearchInfo) -> None:
        """Begin the run of a search, or go on with it."""
        folder = ledger_folder(search.directory)
        check_ledger(folder, search)
        outer = next(reversed(self._open.values()), None)
        self.name = self.name or search.name
        session = self._open[search.directory] = Session(folder, self._address)
        if not session.begun:
            tags = content.search_tags(search, self.name)
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

    def generation_done(self, search: SearchInfo, generation: Generation) -> None:
        """Add a generation, unless it is there: a resumed search repeats those after its checkpoint, to the same bits."""
        session = self.session(search.directory)
        if session is not None and generation.index not in session.generations:
            session.generation(generation, search)

    def selection_started(self, search: SearchInfo) -> None:
        """Begin the run of the choice of a champion, or go on with it."""
        self._part_started(search, "selection")

    def selection_finished(self, search: SearchInfo, selection: Selection) -> None:
        """Add the choice of a champion."""
        session = self.session(search.directory)
        if session is not None:
            run = session.part("selection")
            run.record_new("metrics", "selection", step=0, metrics=content.selection_metrics(selection))
            run.json("finalists.json", content.selection_facts(selection, search.space))
            run.end("FINISHED")

    def ablation_started(self, search: SearchInfo, ablation: AblationInfo) -> None:
        """Begin the run of the ablation of the champion, or go on with it."""
        self._part_started(search, "ablation", ablation_params(ablation))

    def ablation_finished(self, search: SearchInfo, ablation: Ablation) -> None:
        """Add what each value of the champion pays."""
        session = self.session(search.directory)
        if session is not None:
            run = session.part("ablation")
            record_ablation(run, ablation)
            session.file(ABLATION_FILE.as_posix(), (search.directory / ABLATION_FILE).read_bytes())
            run.end("FINISHED")

    def finished(self, search: SearchInfo, result: SearchResult) -> None:
        """Add the result of a search: its champion, its report and its figures; its run ends."""
        session = self.session(search.directory)
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

    def failed(self, search: SearchInfo, error: BaseException) -> None:
        """Add the error that ends a search; its run ends, unless it had finished before and only its report failed."""
        session = self.session(search.directory)
        if session is None:
            return
        if search.phase == "finished" and session.status == "FINISHED":
            self._leave(search.directory)
            return
        session.record("tags", tags=content.error_tags(error, self._address))
        self._end(search.directory, status_of(error))

    def _part_started(self, search: SearchInfo, name: str, params: Mapping[str, str] | None = None) -> None:
        """Begin the run of a phase below that of its search, or go on with it."""
        session = self.session(search.directory)
        if session is not None:
            run = session.part(name)
            if run.begun:
                run.go_on()
            else:
                tags = content.run_tags(name, search.provenance, search=self.name)
                run.begin(self._experiment, name, params=params or {}, tags=tags, parent=session.key)

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

    def _end(self, directory: Path, status: str, champion: float | None = None) -> None:
        """Record the end of a search."""
        session = self._open[directory]
        session.figures(figures.later("figures/fitness.png", lambda: figures.fitness_figure(history(session.folder), champion)))
        session.lineage()
        session.errors()
        add_history(session, directory)
        end_runs(session, status)
        self._leave(directory)

    def _leave(self, directory: Path) -> None:
        """Close the session of a search. It stays open if the disk is full: `close` tries again."""
        session = self._open[directory]
        with contextlib.suppress(OSError):
            session.sync()
        if not session.unwritten:
            self._closing.close(self._open.pop(directory))
