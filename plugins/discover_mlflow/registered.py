"""Registered models: one per name of a search, with a version for the champion of each search that has finished."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from discover_mlflow.tags import CHECKSUM_TAG, PROMOTED_TAG, SEARCH_TAG

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel
    from mlflow.entities.model_registry import ModelVersion, RegisteredModel

ALIAS = "champion"
"""The alias of the version that is best by all comparisons so far."""

_VERSIONS_TAG = "mlflow.modelVersions"  # of a logged model: the versions that MLflow's pages link to
_LONGEST_NAME = 200  # characters, without the digits that tell apart what was made to fit; MLflow's tables hold 256
_DIGITS = 6
_LACKING = ("ENDPOINT_NOT_FOUND", "FEATURE_DISABLED", "NOT_IMPLEMENTED")


class NoRegistryError(Exception):
    """The store has no registry of models."""


class RefusedError(Exception):
    """A version that the registry cannot take as things are; a repetition cannot help."""


class Registered(NamedTuple):
    """A version that is in the registry.

    Attributes:
        version: its address, such as ``models:/quickstart/3``.
        alias: the address by the alias, if this version holds it now; else empty.
    """

    version: str
    alias: str = ""


def registered_name(search: str) -> str:
    """The name of the registered model of a search: its own, made to fit where MLflow or an address would not take it.

    >>> registered_name("quickstart"), registered_name("drift/v2: long")
    ('quickstart', 'drift_v2_ long-3cd7bd')
    """
    fitting = re.sub(r"[^\w .()+=-]", "_", search).lstrip(". ").rstrip()
    if fitting == search and len(search) <= _LONGEST_NAME:
        return search
    return f"{fitting[:_LONGEST_NAME]}-{hashlib.sha256(search.encode()).hexdigest()[:_DIGITS]}"


def register(client: MlflowClient, record: Mapping[str, Any], run_id: str, model: LoggedModel) -> Registered:
    """Make a logged model a version of the registered model that a record names; a second call changes nothing.

    The first version of a registered model gets the alias ``champion``, and so does one whose record demands it.

    Args:
        client: of the store.
        record: of kind ``version``.
        run_id: of the search.
        model: the champion, logged by that run.

    Raises:
        NoRegistryError: the store has no registry.
        RefusedError: the registered model of this name does not come from searches.
    """
    from mlflow.exceptions import MlflowException

    try:
        registered = _registered_model(client, record)
    except MlflowException as error:
        if error.error_code in _LACKING or "registry functionality is unavailable" in str(error):
            raise NoRegistryError(str(error)) from None
        raise
    version = _version_of(client, record, run_id, model)
    _link(client, version, model)
    address = f"models:/{version.name}/{version.version}"
    holder = registered.aliases.get(ALIAS)
    if _takes_alias(client, record, version, holder):
        promote(client, version, record["promote"] or "the first version")
        holder = version.version
    return Registered(address, f"models:/{version.name}@{ALIAS}" if str(holder) == str(version.version) else "")


def promote(client: MlflowClient, version: ModelVersion, why: str) -> None:
    """Move the alias ``champion`` to a version, and note the reason among its tags."""
    client.set_registered_model_alias(version.name, ALIAS, version.version)
    client.set_model_version_tag(version.name, version.version, PROMOTED_TAG, why)


def _takes_alias(client: MlflowClient, record: Mapping[str, Any], version: ModelVersion, holder: str | None) -> bool:
    """Whether a version is due to get the alias; it gets it once, so that sending again undoes no later move."""
    if PROMOTED_TAG in version.tags:
        return False
    if record["promote"]:
        return True
    if holder is not None:
        return False
    older = client.search_model_versions(f"name = '{version.name}'", max_results=1, order_by=["version_number ASC"])
    return str(older[0].version) == str(version.version)


def _registered_model(client: MlflowClient, record: Mapping[str, Any]) -> RegisteredModel:
    """The registered model that a record names, which the first use creates."""
    from mlflow.exceptions import MlflowException

    name, tags = record["name"], {SEARCH_TAG: record["search"]}
    try:
        model = client.get_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        try:
            return client.create_registered_model(name, tags, record["about"])
        except MlflowException as second:  # another process was first
            if second.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            model = client.get_registered_model(name)
    if SEARCH_TAG not in model.tags:
        raise RefusedError(
            f"the registered model '{name}' is not of a search: rename it, or the search, and send the ledger again"
        )
    return model


def _version_of(client: MlflowClient, record: Mapping[str, Any], run_id: str, model: LoggedModel) -> ModelVersion:
    """The version of a run's champion, which the first call creates and a later one brings up to date."""
    name, checksum = record["name"], model.tags[CHECKSUM_TAG]
    tags = {**record["tags"], CHECKSUM_TAG: checksum}
    for version in client.search_model_versions(f"name = '{name}' AND run_id = '{run_id}'"):
        if version.tags.get(CHECKSUM_TAG) == checksum:
            if version.description != record["description"]:
                client.update_model_version(name, version.version, record["description"])
            for key, value in tags.items():
                if version.tags.get(key) != value:
                    client.set_model_version_tag(name, version.version, key, value)
            return version
    return client.create_model_version(
        name,
        model.artifact_location,  # `models:/ID` would be looked up in the store of MLflow's settings, which may be another
        run_id=run_id,
        tags=tags,
        description=record["description"],
        model_id=model.model_id,
    )


def _link(client: MlflowClient, version: ModelVersion, model: LoggedModel) -> None:
    """Link a logged model to its version on MLflow's pages, as servers of MLflow do by themselves."""
    links = json.loads(client.get_logged_model(model.model_id).tags.get(_VERSIONS_TAG, "[]"))
    if all((link["name"], str(link["version"])) != (version.name, str(version.version)) for link in links):
        links.append({"name": version.name, "version": version.version})
        client.set_logged_model_tags(model.model_id, {_VERSIONS_TAG: json.dumps(links)})
