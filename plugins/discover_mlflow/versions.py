"""Versions of registered models by their addresses: ``models:/NAME/3``, ``models:/NAME/latest`` and ``models:/NAME@ALIAS``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from discover import ModelVersion, UserError, nearest
from discover_mlflow.addresses import public_address
from discover_mlflow.logs import diverted_aside, log_clause
from discover_mlflow.registered import ALIAS, promote
from discover_mlflow.stores import client_of, existing_store, root_cause
from discover_mlflow.tags import REPORT_TASKS_TAG, TASKS_TAG
from discover_mlflow.version_record import tasks_in

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion as StoredVersion
    from mlflow.entities.model_registry import RegisteredModel

LATEST = "latest"

_MODEL_ID = re.compile(r"m-[0-9a-f]{32}")
_MISSING = "RESOURCE_DOES_NOT_EXIST"
_MOST_NAMES = 1000  # registered models of which the nearest name is suggested
_SHOWN = 5  # versions in a message


def is_registered(address: str) -> bool:
    """Whether an address is that of a registered model, not of a single logged one.

    >>> is_registered("models:/quickstart/3"), is_registered("models:/m-0123456789abcdef0123456789abcdef")
    (True, False)
    """
    return address.startswith("models:/") and _MODEL_ID.fullmatch(_place(address)) is None


def stored_version(client: MlflowClient, address: str, store: str) -> StoredVersion:
    """The version at an address of a registered model.

    Raises:
        UserError: there is no such model, version or alias; the sentence has the nearest ones.
    """
    name, version, alias = _parts(address)
    nothing = f"there is no candidate at '{address}' in the tracking store '{public_address(store)}'"
    model = _model(client, name, nothing)
    if alias:
        if alias not in model.aliases:
            known = [f"{each} (version {number})" for each, number in model.aliases.items()]
            some = nearest(alias, known) if known else "it has none; name a version"
            raise UserError(f"{nothing}: the registered model '{name}' has no alias '{alias}': {some}.")
        version = str(model.aliases[alias])
    newest = client.search_model_versions(f"name = '{name}'", max_results=_SHOWN, order_by=["version_number DESC"])
    if not newest:
        raise UserError(f"{nothing}: the registered model '{name}' has no version yet.")
    if not version:
        raise UserError(f"'{address}' names no version: give one, such as {_examples(model, newest)}.")
    if version.lower() == LATEST:
        return newest[0]
    stored = _version(client, name, version) if version.isdecimal() else None
    if stored is None:
        known = ", ".join(str(each.version) for each in newest)
        raise UserError(f"{nothing}: the registered model '{name}' has no version '{version}'. The newest: {known}.")
    return stored


def fixed_address(address: str, store: str | None) -> str:
    """The address of the version that an alias, or ``latest``, stands for now; any other address as it is.

    Raises:
        UserError: there is no such model, version or alias.
    """
    if not is_registered(address) or _parts(address)[1].isdecimal():
        return address
    place = existing_store(store)
    with _client(place) as client:
        version = stored_version(client, address, place)
    return f"models:/{version.name}/{version.version}"


def version_of_run(client: MlflowClient, run_id: str) -> StoredVersion:
    """The version that a run's champion is.

    Raises:
        UserError: it is none.
    """
    versions = client.search_model_versions(f"run_id = '{run_id}'", max_results=1, order_by=["version_number DESC"])
    if not versions:
        raise UserError(f"run '{run_id}' has no version of a registered model (a search has one once it has finished).")
    return versions[0]


def version_at(address: str, store: str) -> ModelVersion:
    """The version at an address, which may also be that of a search's run, and the champion of its model.

    Raises:
        UserError: there is none.
    """
    with _client(store) as client:
        if is_registered(address):
            version = stored_version(client, address, store)
        else:
            version = version_of_run(client, address.removeprefix("runs:/").strip("/"))
        holder = client.get_registered_model(version.name).aliases.get(ALIAS)
    runs = tasks_in(version.tags.get(REPORT_TASKS_TAG, "")) or tasks_in(version.tags.get(TASKS_TAG, ""))
    own = f"models:/{version.name}"
    return ModelVersion(f"{own}/{version.version}", None if holder is None else f"{own}/{holder}", runs)


def make_champion(version: ModelVersion, why: str, store: str) -> None:
    """Move the alias ``champion`` to a version, and keep the reason with it.

    Raises:
        UserError: another version holds the alias by now, or the store fails.
    """
    with _client(store) as client:
        stored = stored_version(client, version.address, store)
        holder = client.get_registered_model(stored.name).aliases.get(ALIAS)
        now = None if holder is None else f"models:/{stored.name}/{holder}"
        if now not in (version.champion, version.address):
            raise UserError(f"{now or 'none'} has become the champion meanwhile, instead of {version.champion}: promote again.")
        promote(client, stored, why)


@contextmanager
def _client(store: str) -> Iterator[MlflowClient]:
    """MLflow's client of a store, whose errors become sentences."""
    with diverted_aside() as log:
        try:
            yield client_of(store)
        except UserError:
            raise
        except Exception as error:
            reason = f"{root_cause(error, store)}{log_clause(log)}"
            raise UserError(
                f"the registry of the tracking store '{public_address(store)}' fails ({reason}): try again."
            ) from None


def _model(client: MlflowClient, name: str, nothing: str) -> RegisteredModel:
    """A registered model by its name."""
    from mlflow.exceptions import MlflowException

    try:
        return client.get_registered_model(name)
    except MlflowException as error:
        if error.error_code != _MISSING:
            raise
    names = [model.name for model in client.search_registered_models(max_results=_MOST_NAMES)]
    if not names:
        raise UserError(f"{nothing}: no model is registered there yet; a search that has finished registers its champion.")
    raise UserError(f"{nothing}: no registered model is called '{name}': {nearest(name, names)}.")


def _examples(model: RegisteredModel, versions: Sequence[StoredVersion]) -> str:
    """The addresses of the newest version and of the champion."""
    newest, holder = f"models:/{model.name}/{versions[0].version}", model.aliases.get(ALIAS)
    return f"{newest} (the newest)" + (f" or models:/{model.name}@{ALIAS} (version {holder})" if holder is not None else "")


def _place(address: str) -> str:
    return address.removeprefix("models:/").strip("/")


def _parts(address: str) -> tuple[str, str, str]:
    """Name, version and alias in an address; the latter two may be empty.

    >>> _parts("models:/quickstart/3"), _parts("models:/quickstart@champion"), _parts("models:/quickstart")
    (('quickstart', '3', ''), ('quickstart', '', 'champion'), ('quickstart', '', ''))
    """
    name, _, version = _place(address).partition("/")
    if version:
        return name, version, ""
    before, mark, alias = name.rpartition("@")
    return (before, "", alias) if mark and before else (name, "", "")


def _version(client: MlflowClient, name: str, number: str) -> StoredVersion | None:
    """A version by its number, if there is one."""
    from mlflow.exceptions import MlflowException

    try:
        return client.get_model_version(name, number)
    except MlflowException as error:
        if error.error_code != _MISSING:
            raise
        return None
