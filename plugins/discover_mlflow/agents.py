"""The agents of a training among the artifacts of its run."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from discover import UserError
from discover_mlflow.addresses import public_address
from discover_mlflow.limits import LONGEST_TAG, texts
from discover_mlflow.logs import diverted_aside, log_clause
from discover_mlflow.session import Session
from discover_mlflow.stores import client_of, existing_store, root_cause

FOLDER = "agents"
"""The folder of the agents among the artifacts of a run."""

AGENTS_TAG = "discover.agents"
"""Where the agents of a training lie."""

MOST_BYTES = 64 * 2**20
"""The most that all agents of a training may take to be attached to its run."""


def add_agents(session: Session, folder: Path | None) -> None:
    """Add the agents in a folder to the artifacts of a training's run, or where they take too much, the place of the folder."""
    if folder is None:
        return
    files = sorted(path for path in folder.iterdir() if path.is_file())
    size = sum(path.stat().st_size for path in files)
    place = f"{len(files)} files below {FOLDER}/ in the artifacts"
    if size > MOST_BYTES:
        place = str(folder.absolute())
        session.problems.append(
            f"the agents take {size / 2**20:,.0f} MiB, and at most {MOST_BYTES // 2**20} are attached to a run: they lie in "
            f"'{place}' alone"
        )
    else:
        for path in files:
            session.file(f"{FOLDER}/{path.name}", path.read_bytes())
    session.record("tags", tags=texts({AGENTS_TAG: place}, LONGEST_TAG))


def fetch_agents(address: str, store: str | None, folder: Path) -> Path:
    """Copy agents of a run into a folder: one file, or all of them.

    Args:
        address: ``runs:/RUN_ID/agents/seed-0.agent``; ``runs:/RUN_ID/agents``, ``runs:/RUN_ID`` or a bare run id for all.
        store: address of the tracking store; None for the default one.
        folder: where to.

    Returns:
        The file, or the folder of all.

    Raises:
        UserError: there is no such run or agent.
    """
    if address.startswith("models:/"):
        raise UserError(f"'{address}' is a candidate, which is not trained: give the agents of a run, runs:/RUN_ID/{FOLDER}.")
    place = existing_store(store)
    run_id, _, path = address.removeprefix("runs:/").strip("/").partition("/")
    path = path or FOLDER
    with diverted_aside() as log:
        try:
            client = client_of(place)
            tag = client.get_run(run_id).data.tags.get(AGENTS_TAG, "")
            there = [artifact.path for artifact in client.list_artifacts(run_id, FOLDER)]
            wanted = there if path == FOLDER else [one for one in there if one == path]
            (folder / FOLDER).mkdir()
            for one in wanted:
                with tempfile.TemporaryDirectory(dir=folder) as aside:
                    shutil.copyfile(client.download_artifacts(run_id, one, aside), folder / FOLDER / Path(one).name)
        except Exception as error:
            raise UserError(
                f"the agents of run '{run_id}' cannot be read from the tracking store '{public_address(place)}' "
                f"({root_cause(error, place)}{log_clause(log)}): check the id, or name the store with --tracking."
            ) from None
    if not wanted:
        known = ", ".join(there[:3]) + (", ..." if len(there) > 3 else "")
        lie = f"they lie in '{tag}'" if tag and not there else "discover train --agents DIR keeps them"
        raise UserError(f"run '{run_id}' has no agent at '{path}': " + (f"it has {known}." if there else f"{lie}."))
    return folder / path
