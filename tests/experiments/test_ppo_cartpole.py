"""PPO with the published settings meets the reference code's figure on CartPole-v1."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "experiments" / "ppo_cartpole.py"


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_ppo_learns_cartpole_as_the_reference_does() -> None:
    made = subprocess.run([sys.executable, str(SCRIPT), "--json"], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    found = json.loads(made.stdout)
    assert found["steps"][-1] == 500_000
    assert found["mean"][-1] == pytest.approx(488.0, abs=15.0)
    assert found["lowest"][-1] >= 440.0
