"""MLflow's web page: the command that serves it, and the addresses in it of the experiment and of runs."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, urlencode

from discover import UserError
from discover_mlflow.addresses import client_address, public_address, resolve_store, sqlite_path
from discover_mlflow.logs import diverted_aside
from discover_mlflow.stores import check_tracking, client_of, experiment_name, quick_requests

if TYPE_CHECKING:
    from mlflow import MlflowClient

_TRAINING = "?workflowType=machine_learning"  # else the page opens in its mode for language models, whatever the kind
_FLAT = {"orderByKey": "tags.`mlflow.runName`", "orderByAsc": "true"}  # by the time of creation, MLflow folds what is below
_NEWEST = "attributes.start_time DESC"
_MOST_SEARCHED = 100  # runs among which the last one is sought that is below no other
_BY_SQL = """
    SELECT experiments.experiment_id, runs.run_uuid FROM experiments
    LEFT JOIN runs ON runs.experiment_id = experiments.experiment_id AND runs.lifecycle_stage = 'active'
        AND NOT EXISTS (SELECT 1 FROM tags WHERE tags.run_uuid = runs.run_uuid AND tags.key = 'mlflow.parentRunId')
    WHERE experiments.name = ? ORDER BY runs.start_time DESC LIMIT 1
"""
_COMPARISON_BY_SQL = """
    SELECT runs.run_uuid FROM runs
    JOIN tags ON tags.run_uuid = runs.run_uuid AND tags.key = 'discover.kind' AND tags.value = 'comparison'
    WHERE runs.lifecycle_stage = 'active' AND runs.experiment_id = :experiment AND (:run IS NULL OR runs.run_uuid = :run
        OR EXISTS (SELECT 1 FROM tags AS above WHERE above.run_uuid = runs.run_uuid
            AND above.key = 'mlflow.parentRunId' AND above.value = :run))
    ORDER BY runs.start_time DESC LIMIT 1
"""


class Places(NamedTuple):
    """The ids behind the links of a page; None where there is none.

    Attributes:
        experiment: of the runs.
        run: the run that is asked for, or the last one that is below no other.
        comparison: the comparison that is that run or lies below it; if none is asked for, the newest of all.
    """

    experiment: str | None = None
    run: str | None = None
    comparison: str | None = None


def ui_command(address: str | None, port: int) -> Sequence[str]:
    """The command line of MLflow's web page for a local store, on the loopback address alone.

    Raises:
        UserError: the store is a server, which has a page of its own, or cannot be used.
    """
    store = resolve_store(address)
    check_tracking(store, experiment=None)
    if is_server(store):
        place = f"{public_address(store)}{page_links(store).get('runs', '')}"
        raise UserError(f"the tracking store '{public_address(store)}' is a server with a page of its own: look at {place}")
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    options = ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    if public_address(store) == store:
        options = ["--backend-store-uri", client_address(store), *options]
    else:
        os.environ["MLFLOW_BACKEND_STORE_URI"] = store  # every user can read a command line
    return [sys.executable, "-m", "mlflow", "server", *options]


def is_server(store: str) -> bool:
    """Whether a store is a server, which has a page of its own."""
    return store.startswith(("http://", "https://"))


def page_links(address: str | None, run: str | None = None) -> Mapping[str, str]:
    """Addresses below that of the page: ``runs``, the table of all, and ``last run``, or ``run`` if one is asked for.

    If there is a comparison, also ``learning curves``: charts with a line per candidate.

    Raises:
        UserError: the store has no such run.
    """
    store = resolve_store(address)
    path, experiment = sqlite_path(store), experiment_name()
    if path is not None and not path.exists():
        places = Places()
    elif path is not None:
        places = _by_sql(path, experiment, run)
    else:
        places = _by_client(store, experiment, run)
    if places.experiment is None:
        if run is not None:
            raise UserError(f"run '{run}' is not in the tracking store '{public_address(store)}': 'discover runs' lists them.")
        return {}
    links = {"runs": runs_link(places.experiment)}
    if places.comparison is not None:
        links["learning curves"] = curves_link(places.experiment, places.comparison)
    if places.run is not None:
        links["run" if run else "last run"] = run_link(places.experiment, places.run)
    return links


def link_on_server(store: str, run_id: str) -> str | None:
    """The address of a run's page on a server; None for any other store, whose page is served on demand."""
    if not is_server(store):
        return None
    try:
        return f"{public_address(store).rstrip('/')}{page_links(store, run_id)['run']}"
    except Exception:  # it has just gone away: a link is not worth a word
        return None


def runs_link(experiment_id: str) -> str:
    """The address, below that of the page, of all runs of an experiment."""
    return f"/#/experiments/{experiment_id}/runs{_TRAINING}"


def curves_link(experiment_id: str, comparison: str) -> str:
    """The address, below that of the page, of the charts of a comparison: a line per candidate."""
    words = {"compareRunsMode": "CHART", "searchFilter": f"tags.`mlflow.parentRunId` = '{comparison}'", **_FLAT}
    return f"{runs_link(experiment_id)}&{urlencode(words, quote_via=quote)}"


def run_link(experiment_id: str, run_id: str) -> str:
    """The address, below that of the page, of a run."""
    return f"/#/experiments/{experiment_id}/runs/{run_id}{_TRAINING}"


def _by_sql(path: Path, experiment: str, run: str | None) -> Places:
    """The ids behind links, from a SQLite store without importing MLflow, which takes seconds."""
    with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
        if run is not None:
            row = database.execute("SELECT experiment_id, run_uuid FROM runs WHERE run_uuid = ?", [run]).fetchone()
        else:
            row = database.execute(_BY_SQL, [experiment]).fetchone()
        if row is None:
            return Places()
        comparison = database.execute(_COMPARISON_BY_SQL, {"experiment": row[0], "run": run}).fetchone()
    return Places(str(row[0]), row[1], comparison and comparison[0])


def _by_client(store: str, experiment: str, run: str | None) -> Places:
    """The same from any other store."""
    with diverted_aside(), quick_requests():
        client = client_of(store)
        if run is not None:
            place = _experiment_of_run(client, run)
            return Places() if place is None else Places(place, run, _comparison(client, place, run))
        known = client.get_experiment_by_name(experiment)
        if known is None:
            return Places()
        runs = client.search_runs([known.experiment_id], order_by=[_NEWEST], max_results=_MOST_SEARCHED)
        comparison = _comparison(client, known.experiment_id)
    top = (one.info.run_id for one in runs if "mlflow.parentRunId" not in one.data.tags)
    return Places(known.experiment_id, next(top, None), comparison)


def _comparison(client: MlflowClient, experiment: str, run: str | None = None) -> str | None:
    """The newest comparison of an experiment; with ``run``, the one that is that run or right below it."""
    kind = "tags.`discover.kind` = 'comparison'"
    below = "" if run is None else f" AND tags.`mlflow.parentRunId` = '{run}'"
    if run is not None and client.get_run(run).data.tags.get("discover.kind") == "comparison":
        return run
    found = client.search_runs([experiment], f"{kind}{below}", order_by=[_NEWEST], max_results=1)
    return found[0].info.run_id if found else None


def _experiment_of_run(client: MlflowClient, run: str) -> str | None:
    from mlflow.exceptions import MlflowException

    try:
        return client.get_run(run).info.experiment_id
    except MlflowException as error:
        if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):  # the second: it can be no id
            raise
        return None
