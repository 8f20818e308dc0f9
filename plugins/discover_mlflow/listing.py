"""Lists of the runs in a store, and the directory of the search behind a run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from discover import RunSummary, UserError
from discover_mlflow.addresses import public_address, resolve_store, sqlite_path
from discover_mlflow.ledger import ledger_folder
from discover_mlflow.logs import diverted_aside, log_clause
from discover_mlflow.sent import load_state
from discover_mlflow.stores import client_of, existing_store, quick_requests, root_cause
from discover_mlflow.tags import BEST_FIGURE_TAG, BEST_TAG, DIRECTORY_TAG, VERDICT_TAG
from discover_mlflow.versions import is_registered, stored_version

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

KIND_TAG = "discover.kind"

KINDS, PARTS = ("search", "comparison", "training", "adaptation", "ablation"), ("candidate", "selection")
"""Kinds of runs that are listed, and of those that are parts of others alone."""

_PARENT_TAG, _NOTE_TAG = "mlflow.parentRunId", "mlflow.note.content"
_BEST = {"search": "champion/fitness", "training": "iqm/"}  # the first metric whose name begins so
_PAGE = 100  # runs of one query
_MOST_EXPERIMENTS = 1000


def list_runs(address: str | None, kind: str | None, word: str, limit: int) -> Sequence[RunSummary] | None:
    """The newest runs of a store that are not parts of others; None if there is no store.

    Raises:
        UserError: the store cannot be used.
    """
    store = resolve_store(address)
    path = sqlite_path(store)
    if path is not None and not path.exists() and address is None:
        return None
    existing_store(store)
    with diverted_aside() as log, quick_requests():
        try:
            return [summary for summary, _ in zip(_summaries(client_of(store), kind, word), range(limit), strict=False)]
        except Exception as error:
            raise UserError(
                f"the runs of the tracking store '{public_address(store)}' cannot be listed "
                f"({root_cause(error, store)}{log_clause(log)}): name another store with --tracking."
            ) from None


def find_search(address: str, store: str | None) -> Path:
    """The directory of the search behind the address of a run or of a model.

    Raises:
        UserError: there is no such run, it is not that of a search, or another search lies in its directory now.
    """
    place = existing_store(store)
    run_id = address
    with diverted_aside() as log, quick_requests():
        try:
            client = client_of(place)
            run_id = _run_id(client, address, place)
            tag = client.get_run(run_id).data.tags.get(DIRECTORY_TAG)
        except UserError:
            raise
        except Exception as error:
            raise UserError(
                f"run '{run_id}' is not in the tracking store '{public_address(place)}' "
                f"({root_cause(error, place)}{log_clause(log)}): check "
                "the id, name the store with --tracking, or give the search's directory."
            ) from None
    if tag is None:
        raise UserError(f"run '{run_id}' is not that of a search: give one that is, or the search's directory.")
    directory = Path(tag)
    other = load_state(ledger_folder(directory), place).run_id
    if other not in ("", run_id):
        raise UserError(
            f"the search of run '{run_id}' was in '{directory}', where that of run '{other}' lies now: give the directory to "
            "which it was moved."
        )
    return directory


def _run_id(client: MlflowClient, address: str, store: str) -> str:
    """The id of the run at an address, or of that from which the model at an address comes."""
    if is_registered(address):
        return str(stored_version(client, address, store).run_id)
    if address.startswith("models:/"):
        return str(client.get_logged_model(address.removeprefix("models:/").strip("/")).source_run_id)
    return address.removeprefix("runs:/").strip("/").partition("/")[0]


def _summaries(client: MlflowClient, kind: str | None, word: str) -> Iterator[RunSummary]:
    experiments = [one.experiment_id for one in client.search_experiments(max_results=_MOST_EXPERIMENTS)]
    parts = [f"tags.`{KIND_TAG}` != '{part}'" for part in PARTS]
    conditions = [f"tags.`{KIND_TAG}` = '{kind}'"] if kind else parts
    if word:
        escaped = re.sub(r"['\\%]", "_", word)  # of the pattern: any character; the name itself is compared below
        conditions.append(f"attributes.run_name ILIKE '%{escaped}%'")
    token = None
    while True:
        page = client.search_runs(
            experiments,
            " AND ".join(conditions),
            max_results=_PAGE,
            order_by=["attributes.start_time DESC"],
            page_token=token,
        )
        yield from (_summary(run) for run in page if _is_listed(run, word))
        token = page.token
        if not token:
            return


def _is_listed(run: Run, word: str) -> bool:
    tags = run.data.tags
    return tags.get(KIND_TAG) in KINDS and _PARENT_TAG not in tags and word.lower() in (run.info.run_name or "").lower()


def _summary(run: Run) -> RunSummary:
    tags, kind = run.data.tags, run.data.tags[KIND_TAG]
    metrics = run.data.metrics
    key = next((key for key in metrics if kind in _BEST and key.startswith(_BEST[kind])), "")
    verdict = _end_of_training(metrics, key) if kind == "training" else tags.get(VERDICT_TAG) or _bold(tags.get(_NOTE_TAG, ""))
    directory = tags.get(DIRECTORY_TAG)
    return RunSummary(
        kind=kind,
        name=run.info.run_name or "",
        started=(run.info.start_time or 0) / 1000,
        status=str(run.info.status).lower(),
        run_id=run.info.run_id,
        verdict=verdict,
        best=metrics.get(key) if kind in _BEST else _figure(tags.get(BEST_FIGURE_TAG, "")),
        best_name=tags.get(BEST_TAG, ""),
        directory=None if directory is None else Path(directory),
    )


def _figure(text: str) -> float | None:
    """The number in a tag; None without one."""
    try:
        return float(text)
    except ValueError:
        return None


def _end_of_training(metrics: Mapping[str, float], key: str) -> str:
    """The result of a training in words, from its interquartile mean; empty without one.

    >>> _end_of_training({"iqm/catch 500": 0.5, "iqm_low/catch 500": 0.25, "iqm_high/catch 500": 1.0}, "iqm/catch 500")
    'return 0.5 [0.25, 1] at the end'
    """
    if not key:
        return ""
    low, high = (metrics.get(key.replace("iqm/", f"iqm_{end}/", 1)) for end in ("low", "high"))
    interval = "" if low is None or high is None else f" [{low:.4g}, {high:.4g}]"
    return f"return {metrics[key]:.4g}{interval} at the end"


def _bold(note: str) -> str:
    """The bold sentence with which a description begins; empty without one.

    >>> _bold("**a is better than b.** And more."), _bold("text")
    ('a is better than b.', '')
    """
    found = re.match(r"\*\*(.*?)\*\*", note)
    return found[1] if found else ""
