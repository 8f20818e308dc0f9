"""Results as tables."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from discover.base.statistics import Interval
from discover.contract.events import TaskRun
from discover.contract.result_table import result_table
from discover.contract.results import Comparison

DIFFERENCE = {"estimate": -137.2, "interval": [-350.2, -120.1], "p_value": 0.1, "verdict": "no difference"}
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


@pytest.mark.parametrize("width", [100, 80])
def test_a_table_fits_its_terminal(width: int) -> None:
    rows = [
        {
            **{"candidate": name, "task": task, "steps": 50_000, "note": "searched", "seeds": 16, "iqm": -487.25},
            **{"interval": [-480.1, 1490.0], "broken": place, "first_minus_this": DIFFERENCE if place else None},
        }
        for task in ("CartPole-v1", "Acrobot-v1")
        for place, (name, difference) in enumerate(
            (("champion", None), ("ppo (rule.ppo.clip=0.3)", DIFFERENCE), ("lpo", DIFFERENCE))
        )
    ]
    wide = result_table(rows, str, 160).splitlines()
    assert len(wide) == 8
    assert len(wide[1]) > width
    lines = result_table(rows, str, width).splitlines()
    assert max(map(len, lines)) <= width
    assert [line for line in lines if "@" in line] == [
        "CartPole-v1 @ 50,000 (searched), 16 seeds",
        "Acrobot-v1 @ 50,000 (searched), 16 seeds",
    ]
    assert sum("-137.2 [-350.2, -120.1]   no difference" in line for line in lines) == 4
    order = [line.split()[0] for line in lines if "-487.2   [-480.1, 1,490.0]" in line]
    assert order == ["champion", "ppo", "lpo"] * 2


def test_a_verdict_is_folded_where_the_terminal_is_narrow() -> None:
    told = replace(comparison(champion=(0.0, 0.0), weak=(1.0, 1.0)), verdict="champion is better than weak, on 1 of 2 runs" * 4)
    lines = told.table(width=80).splitlines()
    assert max(map(len, lines)) <= 80
    assert " ".join(" ".join(lines[-3:]).split()) == told.verdict
    assert told.table().splitlines()[-1] == told.verdict
