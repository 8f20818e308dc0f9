"""One MLflow run, as the records of a ledger build it up. Used by one thread at a time."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from discover_mlflow.ledger import State
from discover_mlflow.models import log_model
from discover_mlflow.stores import client_of, experiment_of

if TYPE_CHECKING:
    from mlflow import MlflowClient

_MOST_PER_BATCH = 100  # params or tags
_REFUSALS = ("INVALID_PARAMETER_VALUE", "INVALID_STATE", "MALFORMED_REQUEST", "RESOURCE_DOES_NOT_EXIST")


class Run:
    """Sends records to a run; made by the record of kind ``run``, or taken up again from its id."""

    def __init__(self, address: str):
        self._address = address
        self._client: MlflowClient = client_of(address)

    def begin(self, record: Mapping[str, Any], state: State) -> State:
        """Make the run unless the state has one already, and log its params and tags."""
        if not state.run_id:
            experiment = experiment_of(self._client, self._address, record["experiment"])
            made = self._client.create_run(experiment, start_time=record["time"], run_name=record["name"])
            state = state._replace(run_id=made.info.run_id, experiment_id=experiment)
        return state

    def describe(self, record: Mapping[str, Any], state: State) -> None:
        """Log params and tags; doing so again changes nothing."""
        from mlflow.entities import Param, RunTag

        for some in _batches([Param(k, v) for k, v in record.get("params", {}).items()]):
            self._client.log_batch(state.run_id, params=some, synchronous=True)
        for some in _batches([RunTag(k, v) for k, v in record.get("tags", {}).items()]):
            self._client.log_batch(state.run_id, tags=some, synchronous=True)

    def metrics(self, some: Sequence[Mapping[str, Any]], state: State) -> None:
        """Log the metrics of records in one batch. Time stamps are the records', so that doing it again adds nothing."""
        from mlflow.entities import Metric

        points = [Metric(k, v, record["time"], record["step"]) for record in some for k, v in record["metrics"].items()]
        self._client.log_batch(state.run_id, metrics=points, synchronous=True)

    def artifact(self, folder: Path, name: str, state: State) -> None:
        """Upload a file that lies at ``name`` below ``folder``, to the same place below the run's artifacts."""
        parent = Path(name).parent.as_posix()
        self._client.log_artifact(state.run_id, str(folder / name), None if parent == "." else parent)

    def model(self, folder: Path, record: Mapping[str, Any], state: State) -> None:
        """Log a candidate file as a model of the flavour ``discover``."""
        log_model(
            self._client,
            state.experiment_id,
            state.run_id,
            folder / record["path"],
            name=record["name"],
            params=record["params"],
        )

    def status(self, record: Mapping[str, Any], state: State) -> None:
        """Set the run's status; the final ones end it."""
        if record["status"] == "RUNNING":
            self._client.update_run(state.run_id, status="RUNNING")
        else:
            self._client.set_terminated(state.run_id, record["status"], end_time=record["time"])


def is_refusal(error: Exception) -> bool:
    """Whether trying again is in vain: the store refuses this record for good, or its file is gone."""
    return isinstance(error, FileNotFoundError) or getattr(error, "error_code", None) in _REFUSALS


def _batches(items: Iterable[Any]) -> Iterable[list[Any]]:
    iterator = iter(items)
    while some := list(itertools.islice(iterator, _MOST_PER_BATCH)):
        yield some
