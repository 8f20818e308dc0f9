"""Only agents with a memory solve the memory chain."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "experiments" / "memory.py"


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_only_recurrent_agents_remember() -> None:
    """The optimum is 1; who does not remember is right half of the time, which is 0 on average."""
    made = subprocess.run([sys.executable, str(SCRIPT), "--json"], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    found = json.loads(made.stdout)
    assert found["seeds"] >= 8
    for network in ("GRU", "LSTM"):
        assert found[network]["seeds"][0] >= 0.9, network
    assert found["MLP"]["seeds"][1] <= 0.2
