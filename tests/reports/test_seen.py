"""What a report says of the tasks that a search has seen."""

from typing import Any

from discover import Comparison
from discover.reports.seen import told_of_seen

TRAIN = [{"task": "payday", "steps": 40}]
SPLIT = {"file": "splits/two.yaml", "meta_train": TRAIN, "meta_test": [{"task": "late-payday", "steps": 400}]}
CONFIG: dict[str, Any] = {"name": "mine", "tasks": TRAIN, "split": SPLIT}
TOLD = "The search 'mine' saw payday @ 40; of the split 'two' it saw no meta-test task."


def test_a_report_tells_which_tasks_a_search_saw(two: Comparison) -> None:
    assert told_of_seen(CONFIG, None) == (TOLD,)
    assert told_of_seen(CONFIG, two) == (f"{TOLD} Of the 2 runs of its report 1 are on unseen tasks, 1 of the split.",)
    other = {**CONFIG, "split": {**SPLIT, "meta_test": [{"task": "cliff", "steps": 9}]}}
    assert told_of_seen(other, two) == (f"{TOLD} Of the 2 runs of its report 1 are on unseen tasks, 0 of the split.",)


def test_a_search_without_a_split_tells_nothing(two: Comparison) -> None:
    for config in ({**CONFIG, "split": None}, {"name": "mine", "tasks": TRAIN}):
        assert told_of_seen(config, two) == ()


def test_a_search_without_a_split_tells_what_was_seen_before_it(two: Comparison) -> None:
    config = {**CONFIG, "split": None, "seen_before": [{"task": "late-payday", "steps": 7}]}
    told = "The search 'mine' saw payday @ 40, late-payday @ 7. Of the 2 runs of its report 0 are on unseen tasks."
    assert told_of_seen(config, two) == (told,)
