"""Plugin: MLflow as the tracking store, its pages and its models.

The records of a run go into a local ledger; a thread sends them to MLflow. ``import mlflow`` takes seconds, so that it happens
in that thread, and elsewhere only when something is fetched from an address in MLflow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from discover import hookimpl

if TYPE_CHECKING:
    from discover import Command, ModelVersion, RunSummary


@hookimpl
def discover_observers(command: Command) -> Sequence[object]:
    if not command.tracking:
        return []
    from discover_mlflow.ledger import ledger_folder
    from discover_mlflow.sent import stored_address
    from discover_mlflow.tracker import Tracker

    earlier = stored_address(ledger_folder(command.directory)) if command.directory else None
    return [Tracker(command.store or earlier, directory=command.directory, promote=command.promote)]


@hookimpl
def discover_fetch_candidate(address: str, store: str | None, folder: Path) -> Path | None:
    from discover_mlflow.models import fetch_candidate, is_address

    return fetch_candidate(address, store, folder) if is_address(address) else None


@hookimpl
def discover_fixed_address(address: str, store: str | None) -> str | None:
    from discover_mlflow.models import is_address
    from discover_mlflow.versions import fixed_address

    return fixed_address(address, store) if is_address(address) else None


@hookimpl
def discover_find_search(address: str, store: str | None) -> Path | None:
    from discover_mlflow.listing import find_search
    from discover_mlflow.models import is_address

    return find_search(address, store) if is_address(address) else None


@hookimpl
def discover_fetch_agents(address: str, store: str | None, folder: Path) -> Path | None:
    from discover_mlflow.agents import fetch_agents
    from discover_mlflow.models import is_address

    return fetch_agents(address, store, folder) if is_address(address) else None


@hookimpl
def discover_fetch_run(address: str, store: str | None, folder: Path) -> Path | None:
    from discover_mlflow.models import is_address
    from discover_mlflow.report_files import fetch_run

    return fetch_run(address, store, folder) if is_address(address) and not address.startswith("models:/") else None


@hookimpl
def discover_model_version(address: str, store: str | None) -> ModelVersion | None:
    from discover_mlflow.models import is_address
    from discover_mlflow.stores import existing_store
    from discover_mlflow.versions import version_at

    return version_at(address, existing_store(store)) if is_address(address) else None


@hookimpl
def discover_promote(version: ModelVersion, why: str, store: str | None) -> bool:
    from discover_mlflow.stores import existing_store
    from discover_mlflow.versions import make_champion

    make_champion(version, why, existing_store(store))
    return True


@hookimpl
def discover_runs(store: str | None, kind: str | None, word: str, limit: int) -> Sequence[RunSummary] | None:
    from discover_mlflow.listing import list_runs

    return list_runs(store, kind, word, limit)


@hookimpl
def discover_ui(store: str | None, port: int) -> Sequence[str]:
    from discover_mlflow.page import ui_command

    return ui_command(store, port)


@hookimpl
def discover_ui_links(store: str | None, run: str | None) -> Mapping[str, str]:
    from discover_mlflow.page import page_links

    return page_links(store, run)
