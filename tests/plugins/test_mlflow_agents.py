"""The agents of a training in its run: fetched again to the byte; too large ones stay where they are."""

import dataclasses
from pathlib import Path

import pytest
from discover_mlflow import agents
from discover_mlflow.agents import fetch_agents
from discover_mlflow.session import TrackingWarning
from discover_mlflow.tracker import Tracker
from plugins.tracked import TASKS, artifacts, client_of, track_training, training

from discover import UserError


def kept(folder: Path) -> Path:
    """A folder with the agents of two seeds."""
    folder.mkdir()
    for seed in range(2):
        (folder / f"seed-{seed}.agent").write_bytes(b"agent %d" % seed)
    return folder


def run_of(store: str, folder: Path) -> str:
    """The run of a training that keeps its agents in a folder."""
    tracker = Tracker(store)
    track_training(tracker, dataclasses.replace(training("ppo", TASKS[0]), agents=folder))
    run_id = tracker.finish()
    assert run_id is not None
    return run_id


def test_agents_are_attached_to_the_run_and_fetched_from_it(store: str, tmp_path: Path) -> None:
    run_id = run_of(store, kept(tmp_path / "kept"))
    assert artifacts(store, run_id, "agents") == {"agents/seed-0.agent", "agents/seed-1.agent"}
    assert client_of(store).get_run(run_id).data.tags["discover.agents"] == "2 files below agents/ in the artifacts"
    for place, address in enumerate((run_id, f"runs:/{run_id}", f"runs:/{run_id}/agents")):
        folder = tmp_path / f"{place}"
        folder.mkdir()
        fetched = fetch_agents(address, store, folder)
        assert {path.name: path.read_bytes() for path in fetched.iterdir()} == {
            "seed-0.agent": b"agent 0",
            "seed-1.agent": b"agent 1",
        }
    (tmp_path / "one").mkdir()
    assert fetch_agents(f"runs:/{run_id}/agents/seed-1.agent", store, tmp_path / "one").read_bytes() == b"agent 1"
    for address, sentence in {
        f"runs:/{run_id}/agents/seed-7.agent": "has no agent at 'agents/seed-7.agent': it has agents/seed-0.agent, ",
        f"runs:/{run_id}/training.json": "has no agent at 'training.json'",
        "models:/quickstart/3": "is a candidate, which is not trained",
        "runs:/ab": "the agents of run 'ab' cannot be read from the tracking store",
    }.items():
        folder = tmp_path / address.replace("/", "-")
        folder.mkdir()
        with pytest.raises(UserError, match=sentence):
            fetch_agents(address, store, folder)


def test_agents_that_take_too_much_stay_where_they_are(store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agents, "MOST_BYTES", 10)
    folder = kept(tmp_path / "kept")
    with pytest.warns(TrackingWarning, match=f"they lie in '{folder}' alone"):
        run_id = run_of(store, folder)
    assert artifacts(store, run_id, "agents") == set()
    with pytest.raises(UserError, match=f"has no agent at 'agents': they lie in '{folder}'"):
        fetch_agents(run_id, store, tmp_path)
