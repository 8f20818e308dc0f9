"""Which tasks a search has seen, and which it may not see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from discover.config.splits import SPLIT, TEST, name_of_split
from discover.contract.events import TaskRun
from discover.contract.results import Comparison


def told_of_split(config: Mapping[str, Any], comparison: Comparison | None) -> tuple[str, ...]:
    """A sentence about the tasks that a search with a split has seen, and about those of its report; none without a split.

    Args:
        config: of the search, as it stands in its directory.
        comparison: of its report.
    """
    split = config.get(SPLIT)
    if not isinstance(split, Mapping):
        return ()
    seen = [TaskRun(each["task"], each["steps"]) for each in config["tasks"]]
    kept = {each["task"] for each in split[TEST]}
    told = f"The search '{config['name']}' saw {_labels(seen)}; of the split '{name_of_split(split)}' it saw no meta-test task"
    if comparison is None:
        return (f"{told}.",)
    tasks = {run.task for run in seen}
    unseen = [run for run in comparison.runs if run.task not in tasks]
    tested = sum(run.task in kept for run in unseen)
    return (
        f"{told}. Of the {len(comparison.runs)} runs of its report {len(unseen)} are on unseen tasks, {tested} of the split.",
    )


def _labels(runs: list[TaskRun]) -> str:
    return ", ".join(run.label for run in runs)
