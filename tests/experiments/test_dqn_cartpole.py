"""DQN with the published settings solves CartPole on every seed, as the reference code does."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "experiments" / "dqn_cartpole.py"


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_dqn_learns_cartpole_as_the_reference_does() -> None:
    made = subprocess.run([sys.executable, str(SCRIPT), "--json"], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    found = json.loads(made.stdout)
    assert max(found["reached"]) <= 400_000
    assert found["lowest"][-1] == pytest.approx(500.0, abs=0.5)
