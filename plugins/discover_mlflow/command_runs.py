"""The runs of trainings, comparisons, adaptations and ablations.

Without a directory, their ledger lies in a temporary folder.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path

from discover import (
    Ablation,
    AblationInfo,
    AdaptationInfo,
    AdaptationResult,
    Comparison,
    ComparisonInfo,
    Training,
    TrainingInfo,
    UserError,
    directory_lock,
    training_alone,
)
from discover_mlflow import content, figures, returns
from discover_mlflow.ablating import ablation_params, record_ablation
from discover_mlflow.adapting import AdaptationRuns
from discover_mlflow.agents import add_agents
from discover_mlflow.closing import Closing, end_runs, status_of
from discover_mlflow.comparing import ComparisonRuns, record_training, report_name
from discover_mlflow.report_files import add_comparison, add_report
from discover_mlflow.search_runs import SearchRuns
from discover_mlflow.session import Session


class CommandRuns:
    """Adds trainings, comparisons, adaptations and ablations to ledgers; the report of a search goes into that of the search.

    Attributes:
        session: of a training, an adaptation, an ablation, or of a comparison that is no search's report, while it runs.

    Args:
        address: of the store.
        experiment: name of the experiment of the runs.
        closing: closes the sessions.
        searches: the searches of the command.
    """

    def __init__(self, address: str, experiment: str, closing: Closing, searches: SearchRuns):
        self.session: Session | None = None
        self._lock = contextlib.ExitStack()  # on its folder
        self._comparison: ComparisonRuns | None = None
        self._adaptation: AdaptationRuns | None = None
        self._address, self._experiment, self._closing, self._searches = address, experiment, closing, searches

    def close(self) -> None:
        """Close the session of a command that did not end."""
        if self.session is not None:
            self._end(self.session, "FAILED")

    def training_started(self, training: TrainingInfo) -> None:
        """Begin the run of a training."""
        session = self._begin()
        if session is not None:
            tags = content.run_tags("training", training.provenance, role="candidate", fingerprint=training.fingerprint)
            params = returns.candidate_params(training.name, training.algorithm, [training.run], training.seeds)
            title = f"{training.name} on {training.run.label}"
            session.begin(self._experiment, title, params=params, tags=tags | content.described(f"`{training.algorithm!r}`"))
            session.json("provenance.json", training.provenance)

    def training_finished(self, training: Training) -> None:
        """Add the result of a training; its run ends."""
        session, status = self.session, "FAILED"
        if session is None:
            return
        try:
            record_training(session, training)
            session.record("tags", tags=content.described(returns.training_description(training)))
            session.json("training.json", returns.training_facts(training))
            add_comparison(session, training_alone(training))
            add_agents(session, training.agents)
            session.figures(figures.later("figures/curve.png", training.plot))
            session.figures(figures.component_figures(training.algorithm, session.problems))
            status = "FINISHED"
        finally:
            self._end(session, status)

    def training_failed(self, error: BaseException) -> None:
        """Add the error that ends a training; its run ends."""
        if self.session is not None:
            self.session.record("tags", tags=content.error_tags(error, self._address))
            self._end(self.session, status_of(error))

    def comparison_started(self, comparison: ComparisonInfo) -> None:
        """Begin the run of a comparison, or go on with that of a report."""
        search = self._searches.session(comparison.directory) if comparison.directory is not None else None
        if comparison.directory is None and (session := self._begin()) is not None:
            self._comparison = ComparisonRuns(session, session, comparison)
            self._comparison.begin(self._experiment, " against ".join(comparison.candidates))
        elif search is not None:
            run, name = search.part(report_name(comparison)), self._searches.name
            self._comparison = ComparisonRuns(search, run, comparison, name)
            self._comparison.begin(self._experiment, "report", search.key)

    def candidate_started(self, candidate: str) -> None:
        """Begin the run of a candidate of a comparison."""
        if self._comparison is not None:
            self._comparison.candidate_started(candidate)

    def candidate_finished(self, training: Training) -> None:
        """Add the result of a candidate on one task."""
        if self._comparison is not None:
            self._comparison.candidate_finished(training)

    def comparison_finished(self, comparison: Comparison) -> None:
        """Add the result of a comparison; its runs end."""
        runs, self._comparison, status = self._comparison, None, "FAILED"
        try:
            if runs is not None:
                runs.finish(comparison)
            if self.session is not None:
                add_report(self.session, comparison, self.session.problems)
            status = "FINISHED"
        finally:
            if self.session is not None:
                self._end(self.session, status)

    def comparison_failed(self, error: BaseException) -> None:
        """Add the error that ends a comparison; its runs end."""
        runs, self._comparison = self._comparison, None
        if runs is not None:
            runs.fail(error, status_of(error), self._address)
        if self.session is not None:
            self._end(self.session, status_of(error))

    def adaptation_started(self, adaptation: AdaptationInfo) -> None:
        """Begin the runs of an adaptation."""
        session = self._begin()
        if session is not None:
            self._adaptation = AdaptationRuns(session, adaptation, self._experiment)

    def adaptation_finished(self, adaptation: AdaptationResult) -> None:
        """Add the result of an adaptation; its runs end."""
        runs, self._adaptation, status = self._adaptation, None, "FAILED"
        if self.session is None or runs is None:
            return
        try:
            runs.finish(adaptation)
            status = "FINISHED"
        finally:
            self._end(self.session, status)

    def adaptation_failed(self, error: BaseException) -> None:
        """Add the error that ends an adaptation; its runs end."""
        runs, self._adaptation = self._adaptation, None
        if self.session is not None and runs is not None:
            runs.fail(error, self._address)
            self._end(self.session, status_of(error))

    def ablation_started(self, ablation: AblationInfo) -> None:
        """Begin the run of an ablation."""
        session = self._begin()
        if session is not None:
            tags = content.run_tags("ablation", ablation.provenance)
            session.begin(self._experiment, " beside ".join(ablation.candidates), params=ablation_params(ablation), tags=tags)
            session.json("provenance.json", ablation.provenance)

    def ablation_finished(self, ablation: Ablation) -> None:
        """Add what each value pays; the run of the ablation ends."""
        session, status = self.session, "FAILED"
        if session is None:
            return
        try:
            record_ablation(session, ablation)
            status = "FINISHED"
        finally:
            self._end(session, status)

    def ablation_failed(self, error: BaseException) -> None:
        """Add the error that ends an ablation; its run ends."""
        if self.session is not None:
            self.session.record("tags", tags=content.error_tags(error, self._address))
            self._end(self.session, status_of(error))

    def _begin(self) -> Session | None:
        """A session without a directory; None if it has no ledger, which the end of the command reports."""
        try:
            folder = Path(tempfile.mkdtemp(prefix="discover-"))
            self._lock.enter_context(directory_lock(folder))  # until then nobody else sends its ledger
            self.session = Session(folder, self._address)
        except (OSError, UserError) as error:
            self._lock.close()
            self._closing.lose(f"the run is not tracked: {str(error).rstrip('.')}")
        return self.session

    def _end(self, session: Session, status: str) -> None:
        """End the runs of such a session; its ledger stays only if the store lacks records or a warning names it."""
        self.session = None
        end_runs(session, status)
        complete = self._closing.close(session)
        self._lock.close()
        if complete and not session.named:
            shutil.rmtree(session.folder)
