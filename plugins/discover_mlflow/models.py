"""Candidates as MLflow models of the flavor ``discover``: a candidate file, its checksum, and nothing that runs.

An ``MLmodel`` of this flavor names no ``python_function``, so that no tool of MLflow loads code for it. Two files are read
back, ``MLmodel`` and the candidate that it names, and both as data alone.
"""

from __future__ import annotations

import datetime
import hashlib
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from discover import UserError, text_of, values_in_file
from discover_mlflow.addresses import client_address, public_address
from discover_mlflow.logs import diverted_aside, log_clause
from discover_mlflow.stores import client_of, existing_store, root_cause
from discover_mlflow.tags import CHECKSUM_TAG, DIRECTORY_TAG
from discover_mlflow.versions import is_registered, stored_version

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel

FLAVOR = "discover"
FORMAT = 1

_RUN_ID = re.compile(r"[0-9a-f]{32}")


def log_model(
    client: MlflowClient, experiment_id: str, run_id: str, candidate: Path, *, name: str, params: Mapping[str, str]
) -> str:
    """Log a candidate file as a model of a run; returns the model's id.

    A second call for the same file and run returns the model that is there, and completes it if it is not complete.
    """
    from mlflow.entities import LoggedModelOutput

    content = candidate.read_bytes()
    checksum = hashlib.sha256(content).hexdigest()
    model = logged_model(client, experiment_id, run_id, checksum)
    if model is not None and model.model_id in _models_of(client, run_id):
        return model.model_id
    if model is None:
        tags = {CHECKSUM_TAG: checksum}
        model = client.create_logged_model(
            experiment_id, name, source_run_id=run_id, tags=tags, params=dict(params), model_type=FLAVOR
        )
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / candidate.name).write_bytes(content)
        description = _model_description(candidate.name, checksum, model.model_id, run_id=run_id, name=name)
        (Path(folder) / "MLmodel").write_text(text_of(description, "the model's description"), encoding="utf-8")
        client.log_model_artifacts(model.model_id, folder)
    client.finalize_logged_model(model.model_id, "READY")
    client.log_outputs(run_id, [LoggedModelOutput(model.model_id, 0)])
    return model.model_id


def logged_model(client: MlflowClient, experiment_id: str, run_id: str, checksum: str) -> LoggedModel | None:
    """The model of a run that holds the candidate file with a checksum, if there is one."""
    query = f"source_run_id = '{run_id}' AND tags.`{CHECKSUM_TAG}` = '{checksum}'"
    models = client.search_logged_models([experiment_id], filter_string=query, max_results=1)
    return models[0] if models else None


def is_address(text: str) -> bool:
    """Whether a text is the address of a model or a run: ``models:/...``, ``runs:/ID...`` or a bare run id."""
    return text.startswith(("models:/", "runs:/")) or _RUN_ID.fullmatch(text) is not None


def fetch_candidate(address: str, store: str | None, folder: Path) -> Path:
    """Download the candidate file behind an address into ``folder``, and check it.

    Args:
        address: ``models:/NAME/VERSION``, ``models:/NAME/latest``, ``models:/NAME@ALIAS``, ``models:/MODEL_ID``,
            ``runs:/RUN_ID``, ``runs:/RUN_ID/PATH`` of a candidate file among the run's artifacts, or a bare run id.
        store: address of the tracking store; None for the default one.
        folder: folder for the file.

    Raises:
        UserError: there is no such model, it has another flavor, or its file has been altered.
    """
    place = existing_store(store)
    with diverted_aside() as log:
        try:
            return _fetch(client_of(place), address, place, folder)
        except UserError:
            raise
        except Exception as error:
            raise UserError(
                f"there is no candidate at '{address}' in the tracking store '{public_address(place)}' "
                f"({root_cause(error, place)}{log_clause(log)}): check the address, or name the store with --tracking."
            ) from None


def _fetch(client: MlflowClient, address: str, place: str, folder: Path) -> Path:
    if address.startswith("models:/"):
        return _from_model(_model_location(client, address, place), address, place, folder)
    run_id, path = _run_and_path(address)
    if path:
        return _download(f"{client.get_run(run_id).info.artifact_uri}/{path}", place, folder)
    model_ids = _models_of(client, run_id)
    if not model_ids:
        raise UserError(f"run '{run_id}' has no champion ({_why_none(client, run_id)}): give another run.")
    return _from_model(client.get_logged_model(model_ids[-1]).artifact_location, address, place, folder)


def _run_and_path(address: str) -> tuple[str, str]:
    run_id, _, path = address.removeprefix("runs:/").strip("/").partition("/")
    return run_id, path


def _models_of(client: MlflowClient, run_id: str) -> list[str]:
    outputs = client.get_run(run_id).outputs
    return [output.model_id for output in outputs.model_outputs] if outputs is not None else []


def _why_none(client: MlflowClient, run_id: str) -> str:
    """The reason why a run has no champion."""
    run = client.get_run(run_id)
    if DIRECTORY_TAG not in run.data.tags:
        return "only a search has one"
    ends = {"FAILED": "the search has failed", "KILLED": "the search was stopped", "RUNNING": "the search has not finished"}
    return f"{ends.get(run.info.status, 'the search has none')}; discover resume {run_id} goes on with it"


def _model_location(client: MlflowClient, address: str, place: str) -> str:
    """The folder of a model's files: of a logged model by its id, or of a registered one by version or alias."""
    if is_registered(address):
        version = stored_version(client, address, place)
        return client.get_model_version_download_uri(version.name, version.version)
    return client.get_logged_model(address.removeprefix("models:/").strip("/")).artifact_location


def _from_model(location: str, address: str, place: str, folder: Path) -> Path:
    try:
        description = values_in_file(_download(f"{location}/MLmodel", place, folder), "file")
    except UserError as error:
        raise UserError(f"the model at '{address}' cannot be read: {error}") from None
    flavor: Any = description.get("flavors", {}).get(FLAVOR) if isinstance(description, dict) else None
    if not isinstance(flavor, dict):
        raise UserError(f"the model at '{address}' is not a candidate (it has no flavor '{FLAVOR}'): give one that is.")
    name = str(flavor.get("candidate"))
    if flavor.get("format") != FORMAT:
        raise UserError(
            f"the model at '{address}' has format {flavor.get('format')!r}; this version reads {FORMAT}: update discover-rl."
        )
    if Path(name).name != name:
        raise UserError(f"the model at '{address}' names a file outside itself ('{name}'): it has been altered; give another.")
    path = _download(f"{location}/{name}", place, folder)
    with path.open("rb") as file:
        checksum = hashlib.file_digest(file, "sha256").hexdigest()
    if checksum != flavor.get("sha256"):
        raise UserError(
            f"the candidate of the model at '{address}' has been altered (its checksum does not match): fetch it again."
        )
    return path


def _download(address: str, place: str, folder: Path) -> Path:
    from mlflow.artifacts import download_artifacts

    with tempfile.TemporaryDirectory(dir=folder) as aside:
        store = client_address(place)
        path = Path(download_artifacts(artifact_uri=address, dst_path=aside, tracking_uri=store, registry_uri=store))
        return shutil.copyfile(path, folder / path.name)


def _model_description(candidate: str, checksum: str, model_id: str, *, run_id: str, name: str) -> dict[str, Any]:
    import mlflow

    return {
        "artifact_path": name,
        "flavors": {FLAVOR: {"candidate": candidate, "format": FORMAT, "sha256": checksum}},
        "mlflow_version": mlflow.__version__,
        "model_id": model_id,
        "model_uuid": model_id,
        "run_id": run_id,
        "utc_time_created": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M:%S.%f"),
    }
