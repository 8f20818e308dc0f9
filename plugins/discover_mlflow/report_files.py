"""The files of a run that a report is made of (its comparison, and the history of its population), and the report itself."""

from __future__ import annotations

import contextlib
import importlib.util
import json
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from discover import (
    ABLATION_FILE,
    HISTORY_FOLDER,
    REPORT_FILE,
    Comparison,
    Registry,
    SearchResult,
    UserError,
    comparison_bytes,
    report_on,
    source_of,
)
from discover_mlflow.addresses import public_address
from discover_mlflow.listing import KIND_TAG
from discover_mlflow.logs import diverted_aside, log_clause
from discover_mlflow.stores import client_of, existing_store, root_cause

if TYPE_CHECKING:
    from mlflow import MlflowClient

PAGE = "report.html"
"""The page of the report among the artifacts of a run."""


class Artifacts(Protocol):
    """The run of a ledger, which takes artifacts."""

    def file(self, name: str, data: bytes) -> None:
        """Add an artifact."""


def add_comparison(run: Artifacts, comparison: Comparison) -> None:
    """Add the file of a comparison, or of a training alone, to the artifacts of a run."""
    with contextlib.suppress(UserError):  # a component is not registered: no file can name it
        run.file(REPORT_FILE, comparison_bytes(comparison))


def add_history(run: Artifacts, directory: Path) -> None:
    """Add the history of a population to the artifacts of a run.

    Args:
        run: the run.
        directory: of the search.
    """
    for path in sorted((directory / HISTORY_FOLDER).glob("generations_*.npz")):
        run.file(f"{HISTORY_FOLDER}/{path.name}", path.read_bytes())


def add_report(
    run: Artifacts, result: Comparison | SearchResult, problems: list[str], registry: Registry | None = None
) -> None:
    """Add the page of a report to the artifacts of a run, where plotly is installed.

    Args:
        run: the run.
        result: of the command.
        problems: takes a line where the page cannot be made.
        registry: components by name, for the population of a search.
    """
    if importlib.util.find_spec("plotly") is None:
        return
    try:
        page = report_on([source_of(result, registry)]).html()
    except Exception as error:
        problems.append(f"the report {PAGE} cannot be made ({type(error).__name__}: {' '.join(str(error).split())[:200]})")
    else:
        run.file(PAGE, page.encode())


def fetch_run(address: str, store: str | None, folder: Path) -> Path:
    """Copy the files of a run that a report needs into a folder, with a file that says what the run is.

    Args:
        address: ``runs:/RUN_ID`` or a bare run id.
        store: address of the tracking store; None for the default one.
        folder: where to.

    Raises:
        UserError: there is no such run, or it is none of discover.
    """
    place = existing_store(store)
    run_id = address.removeprefix("runs:/").strip("/").partition("/")[0]
    with diverted_aside() as log:
        client = client_of(place)
        try:
            run = client.get_run(run_id)
            for name in _wanted(client, run_id):
                client.download_artifacts(run_id, name, str(folder))
        except Exception as error:
            raise UserError(
                f"run '{run_id}' cannot be read from the tracking store '{public_address(place)}' "
                f"({root_cause(error, place)}{log_clause(log)}): check the id, or name the store with --tracking."
            ) from None
    kind = run.data.tags.get(KIND_TAG)
    if kind not in ("search", "comparison", "training"):
        raise UserError(f"run '{run_id}' is no search, comparison or training of discover: give the id of one that is.")
    facts = {
        "kind": kind,
        "name": run.info.run_name,
        "status": run.info.status,
        "champion_fitness": run.data.metrics.get("champion/fitness"),
    }
    (folder / "run.json").write_text(json.dumps(facts), encoding="utf-8")
    return folder


def _wanted(client: MlflowClient, run_id: str) -> list[str]:
    """The artifacts of a run that a report needs."""
    there = {artifact.path for artifact in client.list_artifacts(run_id)}
    return [
        name
        for name in ("config.yaml", "provenance.json", REPORT_FILE, HISTORY_FOLDER, ABLATION_FILE.parent.as_posix())
        if name in there
    ]
