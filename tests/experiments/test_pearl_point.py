"""PEARL infers goals that training did not use: it does better than any agent that does not know them.

An agent that walks to one spot of the half-circle, whatever the goal, gets 1.71 there at most; one that walks to the center of
the square gets -15.8 in it. The figures themselves, and by how much they are missed, are in ``experiments/pearl_point.md``.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "experiments" / "pearl_point.py"


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("task", "blind"), [("half-circle", 1.71), ("point", -15.8)])
def test_pearl_infers_goals(task: str, blind: float) -> None:
    command = [sys.executable, str(SCRIPT), "--task", task, "--seeds", "1", "--json"]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    (returns,) = json.loads(made.stdout)[task]["as in training"]
    assert returns[5] > blind
    assert returns[5] > returns[0]
