"""A2C learns CartPole-v1, and Catch where batches hold whole episodes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "experiments" / "a2c.py"


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_a2c_learns_cartpole_and_catch() -> None:
    made = subprocess.run([sys.executable, str(SCRIPT), "--json"], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    found = json.loads(made.stdout)
    assert sum(value >= 475.0 for value in found["CartPole-v1"]) >= 8
    assert sum(value > 0.95 for value in found["catch, 20 steps and GAE(0.95)"]) == 10
