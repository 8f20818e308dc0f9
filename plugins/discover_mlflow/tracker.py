"""The tracker: hears the events of a command, and has them written into ledgers, which threads send to MLflow."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from discover import (
    Ablation,
    AblationInfo,
    AdaptationInfo,
    AdaptationResult,
    Comparison,
    ComparisonInfo,
    Generation,
    SearchInfo,
    SearchResult,
    Selection,
    Training,
    TrainingInfo,
    hookimpl,
)
from discover_mlflow.addresses import resolve_store
from discover_mlflow.closing import Closing
from discover_mlflow.command_runs import CommandRuns
from discover_mlflow.directories import check_copy
from discover_mlflow.ledger import first_record, ledger_folder
from discover_mlflow.search_runs import SearchRuns
from discover_mlflow.sent import load_state
from discover_mlflow.stores import check_tracking, experiment_name


class Tracker:
    """Tracks a command in MLflow: a plugin object for ``load_plugins(extra=[Tracker()])``.

    One run per search, training, comparison, adaptation and ablation; below a search one per phase of it, and below a
    comparison one per candidate. Events are written into a ledger at once, and a thread sends them from there, so that a slow
    or failing store neither delays nor loses anything.

    Args:
        address: of the store, such as ``sqlite:///mlflow.db`` or ``http://host:5000``; None takes ``MLFLOW_TRACKING_URI``,
            else ``sqlite:///mlflow.db`` in the working folder.
        experiment: experiment of the runs; None takes ``MLFLOW_EXPERIMENT_NAME``, else ``discover``.
        patience: seconds without any progress after which the end of a command no longer waits for the store.
        directory: directory of the search that is resumed, if any; those of its records that the store lacks are sent in the
            end.
        promote: whether the champion of a search is to hold the alias of its registered model without a comparison.

    Attributes:
        address: of the store.
        run_id: id of the run that ended last; None before the store has created one.
        searches, commands: the runs of searches, and those of trainings and comparisons.

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
        self._directory = directory
        beginning = first_record(ledger_folder(directory)) if directory is not None else {}
        run_id = load_state(ledger_folder(directory), self.address).run_id if directory is not None else ""
        name = beginning.get("experiment") or experiment_name(experiment)
        check_tracking(self.address, name, run_id)
        if directory is not None:
            check_copy(directory, self.address)
        self._closing = Closing(self.address, patience)
        self.searches = SearchRuns(self.address, name, self._closing, promote=promote)
        self.commands = CommandRuns(self.address, name, self._closing, self.searches)

    @property
    def run_id(self) -> str | None:
        return self._closing.run_id

    def finish(self) -> str | None:
        """Wait until the store has everything, or patience is over; returns the id of the run, if the store has created it.

        Of several runs it is that of the last one to end: the outermost search.

        Raises:
            DiscoverError: records could not be written, for want of space on the disk, and are lost with this process.
        """
        if self._directory is not None:
            self._closing.send_rest(self._directory, self.searches.folders())
        self.commands.close()
        self.searches.close()
        if self._directory is not None:
            self._closing.take(self._directory)
        self._closing.check()
        return self.run_id

    @hookimpl
    def discover_command_finished(self) -> Mapping[str, Any]:
        self.finish()
        return self._closing.facts()

    @hookimpl
    def discover_search_started(self, search: SearchInfo) -> None:
        self.searches.started(search)

    @hookimpl
    def discover_generation_done(self, search: SearchInfo, generation: Generation) -> None:
        self.searches.generation_done(search, generation)

    @hookimpl
    def discover_checkpoint(self, search: SearchInfo) -> None:
        session = self.searches.session(search.directory)
        if session is not None:
            session.sync()

    @hookimpl
    def discover_selection_started(self, search: SearchInfo) -> None:
        self.searches.selection_started(search)

    @hookimpl
    def discover_selection_finished(self, search: SearchInfo, selection: Selection) -> None:
        self.searches.selection_finished(search, selection)

    @hookimpl
    def discover_ablation_started(self, search: SearchInfo | None, ablation: AblationInfo) -> None:
        if search is None:
            self.commands.ablation_started(ablation)
        else:
            self.searches.ablation_started(search, ablation)

    @hookimpl
    def discover_ablation_finished(self, search: SearchInfo | None, ablation: Ablation) -> None:
        if search is None:
            self.commands.ablation_finished(ablation)
        else:
            self.searches.ablation_finished(search, ablation)

    @hookimpl
    def discover_ablation_failed(self, error: BaseException) -> None:
        self.commands.ablation_failed(error)

    @hookimpl
    def discover_search_finished(self, search: SearchInfo, result: SearchResult) -> None:
        self.searches.finished(search, result)

    @hookimpl
    def discover_search_failed(self, search: SearchInfo, error: BaseException) -> None:
        self.searches.failed(search, error)

    @hookimpl
    def discover_training_started(self, training: TrainingInfo) -> None:
        self.commands.training_started(training)

    @hookimpl
    def discover_training_finished(self, training: Training) -> None:
        self.commands.training_finished(training)

    @hookimpl
    def discover_training_failed(self, training: TrainingInfo, error: BaseException) -> None:
        del training
        self.commands.training_failed(error)

    @hookimpl
    def discover_comparison_started(self, comparison: ComparisonInfo) -> None:
        self.commands.comparison_started(comparison)

    @hookimpl
    def discover_candidate_started(self, candidate: str) -> None:
        self.commands.candidate_started(candidate)

    @hookimpl
    def discover_candidate_finished(self, training: Training) -> None:
        self.commands.candidate_finished(training)

    @hookimpl
    def discover_comparison_finished(self, comparison: Comparison) -> None:
        self.commands.comparison_finished(comparison)

    @hookimpl
    def discover_comparison_failed(self, comparison: ComparisonInfo, error: BaseException) -> None:
        del comparison
        self.commands.comparison_failed(error)

    @hookimpl
    def discover_adaptation_started(self, adaptation: AdaptationInfo) -> None:
        self.commands.adaptation_started(adaptation)

    @hookimpl
    def discover_adaptation_finished(self, adaptation: AdaptationResult) -> None:
        self.commands.adaptation_finished(adaptation)

    @hookimpl
    def discover_adaptation_failed(self, error: BaseException) -> None:
        self.commands.adaptation_failed(error)
