"""Verdicts on equal algorithms are as rare, and intervals hold the truth as often, as they say (experiments/statistics.md)."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

DEFAULTS = (10, 16)  # seeds of `train` and `compare`
SCRIPT = Path(__file__).parents[2] / "experiments" / "statistics_simulation.py"


def error(share: float, trials: int) -> float:
    """Two standard errors of a simulated share."""
    return 2 * np.sqrt(share * (1 - share) / trials)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_verdicts_and_intervals_keep_their_promises() -> None:
    """One baseline and run, three baselines and four; the least seeds that a verdict needs, and 16; correlated and not."""
    made = subprocess.run(
        [sys.executable, str(SCRIPT), "false_verdicts", "coverage", "--json"], capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr
    found = json.loads(made.stdout)
    assert len(found["false_verdicts"]) == 4 * 2 * 2 * 2
    for row in found["false_verdicts"]:
        assert row["now"] <= 0.05 + error(0.05, row["trials"]), row
    assert {(row["returns"], row["seeds"]) for row in found["coverage"]} == {
        (returns, seeds) for returns in ("normal", "skewed", "bimodal", "capped") for seeds in (8, *DEFAULTS)
    }
    for row in found["coverage"]:
        if row["seeds"] in DEFAULTS:
            assert row["now"] >= 0.93 - error(0.93, row["trials"]), row
