"""The run of an adaptation: the return over the episodes of adaptation, with its interval, its table and its figure."""

from pathlib import Path

import numpy as np
import pytest
from discover_mlflow.listing import list_runs
from discover_mlflow.tracker import Tracker
from plugins.tracked import Nothing, Toy, artifacts, below, client_of, copied, steps_of

from discover import AdaptationInfo, AdaptationPlan, AdaptationResult, Algorithm, CandidateAdaptation, TaskRun

RUN, PLAN = TaskRun("navigation-square", 8_000), AdaptationPlan(episodes=4, batch=2, tasks=2)
KEYS = [f"{group}/navigation-square 8000" for group in ("adapted", "adapted_low", "adapted_high")]
CANDIDATE = Algorithm(rule=Toy(rate=0.25), network=Nothing())


def info(*names: str) -> AdaptationInfo:
    return AdaptationInfo(
        dict.fromkeys(names, CANDIDATE),
        RUN,
        PLAN,
        seeds=3,
        fingerprints=dict.fromkeys(names, "print"),
        provenance={"commit": "abc123"},
    )


def result(*names: str) -> AdaptationResult:
    returns = np.arange(3.0)[:, None, None] + np.zeros((3, 2, 3)) + np.arange(3.0)
    one = CandidateAdaptation(CANDIDATE, returns, env_steps=24_000, seconds=2.0)
    return AdaptationResult(dict.fromkeys(names, one), RUN, PLAN, (-61.4, -0.5), provenance={})


def tracked(store: str, *names: str) -> Tracker:
    tracker = Tracker(store)
    tracker.discover_adaptation_started(info(*names))
    tracker.discover_adaptation_finished(result(*names))
    return tracker


def test_one_candidate_has_its_curve_table_and_figure_in_the_run_itself(empty_store: Path, tmp_path: Path) -> None:
    store = copied(empty_store, tmp_path)
    tracker = tracked(store, "maml")
    run = client_of(store).get_run(tracker.run_id)
    assert (run.info.status, run.data.tags["discover.kind"]) == ("FINISHED", "adaptation")
    assert [steps_of(store, tracker.run_id, key) for key in KEYS] == [[0, 2, 4]] * 3
    last, low, high = (run.data.metrics[key] for key in KEYS)
    assert (last, low < 3.0 < high) == (3.0, True)
    assert run.data.params["rule.rate"] == "0.25"
    assert run.data.params["adaptation.episodes"] == "4"
    found = artifacts(store, tracker.run_id)
    assert {"figures/adaptation.png", "adaptation.json", "adaptation.md", "provenance.json"} <= found
    assert "| maml | 1 [" in run.data.tags["mlflow.note.content"]
    assert not below(store, tracker.run_id)
    (listed,) = list_runs(store, "adaptation", "maml", 10) or []
    assert (listed.kind, listed.best, listed.status) == ("adaptation", 3.0, "finished")
    assert listed.verdict == "return 1 before adaptation, 3 after 4 episodes"


def test_several_candidates_have_a_run_each_below_it(
    empty_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("discover_mlflow.figures.png_bytes", lambda figure: b"a figure")
    store = copied(empty_store, tmp_path)
    tracker = tracked(store, "maml", "promp")
    found = below(store, tracker.run_id)
    assert set(found) == {"maml", "promp"}
    for run in found.values():
        assert (run.info.status, run.data.tags["discover.kind"]) == ("FINISHED", "candidate")
        assert set(KEYS) <= set(run.data.metrics)
    assert [one.name for one in list_runs(store, None, "", 10) or []] == ["maml, promp on navigation-square @ 8,000"]


def test_an_end_before_time_is_said(empty_store: Path, tmp_path: Path) -> None:
    store = copied(empty_store, tmp_path)
    tracker = Tracker(store)
    tracker.discover_adaptation_started(info("maml"))
    tracker.discover_adaptation_failed(ValueError("too deep"))
    run = client_of(store).get_run(tracker.run_id)
    assert (run.info.status, run.data.tags["discover.error"]) == ("FAILED", "ValueError: too deep")
