"""The run of an ablation that is a command of its own: what each value pays, with its interval, its table and its figure."""

from pathlib import Path

import numpy as np
import pytest
from discover_mlflow.ablating import ablation_metrics, ablation_table
from discover_mlflow.listing import list_runs
from discover_mlflow.tracker import Tracker
from plugins.tracked import Nothing, Toy, artifacts, below, client_of, copied

from discover import Ablated, Ablation, AblationInfo, Algorithm, TaskRun

RUNS = [TaskRun("catch", 500)]
CANDIDATE = Algorithm(rule=Toy(rate=0.25), network=Nothing())
INFO = AblationInfo(dict.fromkeys(("mine", "ppo"), CANDIDATE), RUNS, 8, {"commit": "abc123"})


def ablation(*, alone: bool = False) -> Ablation:
    level, luck = np.arange(8.0), np.where(np.arange(8) % 2, 0.1, -0.1)
    put = np.arange(8.0) + 1.0 if alone else np.zeros(0)
    parts = [
        Ablated("rule.rate", "0.7", "0.5", without=level - 2.0 + luck, alone=put),
        Ablated("rule.clip", "0.1", "0.2", without=np.full(8, np.nan), alone=put),
    ]
    return Ablation("mine", "ppo", RUNS, level, level - 3.0, parts, env_steps=10)


def test_metrics_are_estimates_and_intervals_of_what_is_known() -> None:
    metrics = ablation_metrics(ablation())
    assert set(metrics) == {f"{key}/{name}" for key in ("paid", "paid_low", "paid_high") for name in ("all", "rule.rate")}
    assert metrics["paid/all"] == 3.0
    assert 1.9 < metrics["paid_low/rule.rate"] < metrics["paid/rule.rate"] < metrics["paid_high/rule.rate"] < 2.1
    alone = ablation_metrics(ablation(alone=True))
    assert alone["paid_alone/rule.rate"] == 4.0


def test_the_table_has_a_row_for_each_value_and_one_for_all() -> None:
    lines = ablation_table(ablation()).splitlines()
    assert lines[0] == "| value | mine | ppo | paid [95 % interval] | verdict |"
    assert lines[2].startswith("| rule.rate | 0.7 | 0.5 | 2 [1.9")
    assert lines[3] == "| rule.clip | 0.1 | 0.2 | - | broken |"
    assert lines[4] == "| all together | | | 3 [3, 3] | |"


@pytest.mark.slow
def test_an_ablation_has_a_run(empty_store: Path, tmp_path: Path) -> None:
    store = copied(empty_store, tmp_path)
    tracker = Tracker(store)
    tracker.discover_ablation_started(None, INFO)
    tracker.discover_ablation_finished(None, ablation())
    assert tracker.run_id is not None
    run = client_of(store).get_run(tracker.run_id)
    assert (run.info.status, run.data.tags["discover.kind"]) == ("FINISHED", "ablation")
    assert run.data.metrics == ablation_metrics(ablation())
    assert run.data.params == {"candidates": "mine, ppo", "tasks": "catch @ 500", "seeds": "8"}
    found = artifacts(store, tracker.run_id)
    assert {"figures/ablation.png", "ablation.json", "ablation.md", "provenance.json"} <= found
    assert not below(store, tracker.run_id)
    (listed,) = list_runs(store, "ablation", "mine", 10) or []
    assert (listed.kind, listed.name, listed.verdict) == ("ablation", "mine beside ppo", ablation().verdict)


@pytest.mark.slow
def test_an_end_before_time_is_said(empty_store: Path, tmp_path: Path) -> None:
    store = copied(empty_store, tmp_path)
    tracker = Tracker(store)
    tracker.discover_ablation_started(None, INFO)
    tracker.discover_ablation_failed(ValueError("too deep"))
    run = client_of(store).get_run(tracker.run_id or "")
    assert (run.info.status, run.data.tags["discover.error"]) == ("FAILED", "ValueError: too deep")
