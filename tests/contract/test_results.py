"""Results as tables."""

from types import SimpleNamespace
from typing import Any

import numpy as np

from discover.base.statistics import Interval
from discover.contract.events import TaskRun
from discover.contract.results import Comparison

RUNS = (TaskRun("catch", 100), TaskRun("memory", 200))
NAN = float("nan")


def training(estimate: float) -> Any:
    return SimpleNamespace(returns=np.zeros(4), status=np.zeros(4), interval=Interval(estimate, estimate, estimate))


def comparison(**estimates: tuple[float, float]) -> Comparison:
    return Comparison(
        candidates=tuple(estimates),
        runs=RUNS,
        notes=("", ""),
        trainings={name: [training(one) for one in each] for name, each in estimates.items()},
        differences=(),
        verdict="",
        provenance={},
    )


def names_in(table: str) -> list[str]:
    return [line.split()[3] for line in table.splitlines() if "@" in line]


def test_the_hardest_baseline_comes_first() -> None:
    compared = comparison(champion=(0.0, 0.0), weak=(1.0, 1.0), broken=(NAN, NAN), strong=(3.0, 2.0), mixed=(2.0, 3.0))
    order = ["champion", "strong", "mixed", "weak", "broken"]  # equal ranks stay in the order of the config
    assert names_in(compared.table()) == order * 2
    assert [row["candidate"] for row in compared.rows()][::2] == list(compared.candidates)


def test_a_candidate_alone_has_a_table() -> None:
    assert names_in(comparison(champion=(0.0, 0.0)).table()) == ["champion"] * 2
