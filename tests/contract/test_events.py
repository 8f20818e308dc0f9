"""What is reported to watchers: statuses that stay apart, what holds unless it is told, and a training that is sound."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from discover.base.statistics import Interval
from discover.components.space import Space
from discover.config.build import algorithm_from
from discover.contract.algorithm import Algorithm
from discover.contract.events import Command, SearchInfo, Status, TaskRun
from discover.contract.registry import Registry
from discover.contract.results import Training


@pytest.fixture
def climb(registry: Registry) -> Algorithm:
    """A whole candidate."""
    return algorithm_from(registry, "climb")


def test_every_status_is_a_number_of_its_own() -> None:
    """Arrays of statuses are stored: a number means the same forever."""
    numbers = {name: int(status) for name, status in Status.__members__.items()}
    assert numbers == {"OK": 0, "NOT_FINITE": 1, "NO_EPISODE": 2, "ERROR": 3, "TIME": 4, "NOT_RUN": 5}


def test_a_command_is_tracked_and_talks_to_a_person_and_a_search_is_new_unless_told(registry: Registry) -> None:
    command = Command("train")
    assert (command.directory, command.tracking, command.store, command.json) == (None, True, None, False)
    space = Space(algorithm_from(registry, {"recipe": "climb", "rule": {"toy_climb": {"slope": "free"}}}))
    info = SearchInfo("it", Path(), {}, space, (), 1, 1, 1, {}, registry)
    assert (info.resumed_from, info.resumed, info.phase) == (0, False, "search")


@pytest.mark.parametrize(("status", "sound"), [([0, 0], True), ([0, 1], False), ([4, 0], False), ([2, 3], False)])
def test_a_training_is_sound_if_no_seed_broke(climb: Algorithm, status: list[int], sound: bool) -> None:
    curves: Any = np.zeros((2, 100))
    training = Training(
        name="climb",
        algorithm=climb,
        run=TaskRun("payday", 40),
        curves=curves,
        lengths=curves,
        info={},
        returns=curves[:, -1],
        status=np.array(status, np.int8),
        interval=Interval(0.0, 0.0, 0.0),
        env_steps=80,
        seconds=1.0,
        provenance={},
    )
    assert training.sound is sound
