"""One MLflow run and those below it, built from the records of a ledger. Used by one thread at a time."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from discover_mlflow.addresses import sqlite_path
from discover_mlflow.content import ERROR_TAG, parent_tags
from discover_mlflow.experiments import experiment_of
from discover_mlflow.models import log_model, logged_model
from discover_mlflow.registered import RefusedError, Registered, register
from discover_mlflow.sent import State
from discover_mlflow.sqlite_check import has_run
from discover_mlflow.stores import client_of, place_of

if TYPE_CHECKING:
    from mlflow import MlflowClient

KEY_TAG = "discover.key"
"""The tag that identifies a run whose id could not be saved any more."""

MOST_POINTS = 1000
"""MLflow's limit of metrics in a batch."""

_MOST_PER_BATCH = 100  # params or tags
_ALL = 3  # runs, whether deleted or not
_MISSING = "RESOURCE_DOES_NOT_EXIST"
_REFUSALS = (
    "BAD_REQUEST",
    "INVALID_PARAMETER_VALUE",
    "INVALID_STATE",
    "MALFORMED_REQUEST",
    "PERMISSION_DENIED",
    "RESOURCE_ALREADY_EXISTS",
    _MISSING,
)


class NoParentError(Exception):
    """The parent of a run is not in the store yet."""


class NoRunError(Exception):
    """The store has refused the run that a record belongs to."""

    def __init__(self, name: str):
        super().__init__(f"it has no run '{name}'")


class ReplacedError(Exception):
    """The file of the store was deleted or replaced after it was opened."""

    def __init__(self) -> None:
        super().__init__("it was deleted or replaced while this process had it open")


class Run:
    """Sends records to their runs, which records of kind ``run`` begin, or which their ids identify."""

    def __init__(self, address: str):
        self._address = address
        self._client: MlflowClient = client_of(address)
        self._client.search_experiments(max_results=1)  # opens the file
        self._place = place_of(address)

    def check_place(self) -> None:
        """Check that the store is still the one that was opened: SQLite would go on writing into a deleted file.

        Raises:
            ReplacedError: it is another one.
        """
        if place_of(self._address) != self._place:
            raise ReplacedError

    def exists(self, state: State) -> bool:
        """Whether the store has the run of the state."""
        from mlflow.exceptions import MlflowException

        try:
            self._client.get_run(state.run_id)
        except MlflowException as error:
            if error.error_code != _MISSING:
                raise
            return False
        self._check_file(state.run_id)
        return True

    def begin(self, record: Mapping[str, Any], state: State, alone: bool = False) -> State:
        """Create a run, unless its id is in the state or its key in the tags of a run.

        Args:
            record: of kind ``run``.
            state: may have the run's id.
            alone: create it also if its parent is not in the store.

        Raises:
            NoParentError: its parent is not in the store.
        """
        name = record.get("of", "")
        if state.id_of(name):
            return state
        experiment = experiment_of(self._client, self._address, record["experiment"])
        run_id = self._run_of(experiment, record.get("key")) or self._create(experiment, record, alone)
        self._check_file(run_id)
        if name:
            return state._replace(below={**state.below, name: run_id})
        return state._replace(run_id=run_id, experiment_id=experiment)

    def describe(self, record: Mapping[str, Any], state: State) -> None:
        """Log params and tags; a second call changes nothing."""
        from mlflow.entities import Param, RunTag

        run_id = _run_id(record, state)
        for some in _batches([Param(k, v) for k, v in record.get("params", {}).items()]):
            self._client.log_batch(run_id, params=some, synchronous=True)
        for some in _batches([RunTag(k, v) for k, v in record.get("tags", {}).items()]):
            self._client.log_batch(run_id, tags=some, synchronous=True)

    def metrics(self, some: Sequence[Mapping[str, Any]], state: State) -> None:
        """Log metrics of one run in one batch. Time stamps are the records', so that a second call adds nothing."""
        from mlflow.entities import Metric

        points = [Metric(k, v, record["time"], record["step"]) for record in some for k, v in record["metrics"].items()]
        self._client.log_batch(_run_id(some[0], state), metrics=points, synchronous=True)

    def curves(self, record: Mapping[str, Any], state: State) -> None:
        """Log whole curves, in as few batches as MLflow allows; a second call adds nothing."""
        from mlflow.entities import Metric

        points = (
            Metric(key, value, record["time"], step)
            for key, values in record["curves"].items()
            for step, value in zip(record["steps"], values, strict=True)
            if value is not None
        )
        for some in _batches(points, MOST_POINTS):
            self._client.log_batch(_run_id(record, state), metrics=some, synchronous=True)

    def artifact(self, folder: Path, name: str, state: State, of: str = "") -> None:
        """Upload the file ``name`` below ``folder`` to the same place below the artifacts of a run."""
        parent = Path(name).parent.as_posix()
        self._client.log_artifact(_run_id({"of": of}, state), str(folder / name), None if parent == "." else parent)

    def model(self, folder: Path, record: Mapping[str, Any], state: State) -> None:
        """Log a candidate file as a model of the flavor ``discover``."""
        log_model(
            self._client,
            state.experiment_id,
            state.run_id,
            folder / record["path"],
            name=record["name"],
            params=record["params"],
        )

    def version(self, record: Mapping[str, Any], state: State) -> Registered:
        """Register the champion, which the run has logged, as a version of a registered model.

        Raises:
            NoRegistryError: the store has no registry.
            RefusedError: the run has no such model, or the registered model is not of a search.
        """
        model = logged_model(self._client, state.experiment_id, state.run_id, record["sha256"])
        if model is None:
            raise RefusedError("the store lacks the champion of the run")
        return register(self._client, record, state.run_id, model)

    def status(self, record: Mapping[str, Any], state: State) -> None:
        """Set a run's status; a final one ends it. A run that goes on or has finished loses the tag of an error."""
        run_id = _run_id(record, state)
        if record["status"] in ("RUNNING", "FINISHED") and ERROR_TAG in self._client.get_run(run_id).data.tags:
            self._client.delete_tag(run_id, ERROR_TAG)
        if record["status"] == "RUNNING":
            self._client.update_run(run_id, status="RUNNING")
        else:
            self._client.set_terminated(run_id, record["status"], end_time=record["time"])

    def is_running(self, name: str, state: State) -> bool:
        """Whether a run below the ledger's own one has not ended."""
        return self._client.get_run(state.id_of(name)).info.status == "RUNNING"

    def _check_file(self, run_id: str) -> None:
        """Check that a run that MLflow knows is in the file of the store: MLflow keeps deleted files open.

        Raises:
            ReplacedError: it is not in the file.
        """
        path = sqlite_path(self._address)
        if path is not None and not has_run(path, run_id):
            raise ReplacedError

    def _run_of(self, experiment: str, key: str | None) -> str | None:
        """The id of the run with a key, if there is one."""
        if key is None:
            return None
        runs = self._client.search_runs([experiment], f"tags.`{KEY_TAG}` = '{key}'", run_view_type=_ALL, max_results=1)
        return runs[0].info.run_id if runs else None

    def _create(self, experiment: str, record: Mapping[str, Any], alone: bool) -> str:
        """Create a run with its key, in one step: a process that is killed right after it can identify the run."""
        tags = {KEY_TAG: record["key"]} if "key" in record else {}
        if record.get("parent"):
            parent = self._run_of(experiment, record["parent"])
            if parent is None and not alone:
                raise NoParentError(record["parent"])
            tags |= parent_tags(parent)
        created = self._client.create_run(experiment, start_time=record["time"], run_name=record["name"], tags=tags)
        return created.info.run_id


def is_refusal(error: Exception) -> bool:
    """Whether a repetition cannot help: the store refuses this record, or its file is gone."""
    rejected = getattr(error, "error_code", None) in _REFUSALS
    return rejected or isinstance(error, FileNotFoundError | UnicodeError | NoRunError | RefusedError)


def is_missing(error: Exception) -> bool:
    """Whether the store lacks something that the record needs, such as the run."""
    return getattr(error, "error_code", None) == _MISSING


def _run_id(record: Mapping[str, Any], state: State) -> str:
    """The id of the run that a record belongs to.

    Raises:
        NoRunError: there is none.
    """
    name = record.get("of", "")
    if not state.id_of(name):
        raise NoRunError(name)
    return state.id_of(name)


def _batches(items: Iterable[Any], most: int = _MOST_PER_BATCH) -> Iterable[list[Any]]:
    iterator = iter(items)
    while some := list(itertools.islice(iterator, most)):
        yield some
