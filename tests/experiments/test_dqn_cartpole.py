"""DQN with the published settings reaches 500 on CartPole on every seed by 400,000 steps; see the record for what follows."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "experiments" / "dqn_cartpole.py"


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_dqn_reaches_the_highest_return_on_every_seed() -> None:
    made = subprocess.run([sys.executable, str(SCRIPT), "--json"], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    found = json.loads(made.stdout)
    assert max(found["reached"]) <= 400_000
    assert len(found["reached"]) == 4
