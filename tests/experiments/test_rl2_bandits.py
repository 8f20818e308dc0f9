"""RL^2 learns within ten pulls of a bandit what hand-written players know. The other figures are in ``experiments/rl2.md``."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "experiments" / "rl2_bandits.py"


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_ten_pulls_of_a_bandit() -> None:
    command = [sys.executable, str(SCRIPT), "--task", "bandits-10", "--candidate", "rl2", "--json"]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    ((mean, _),) = json.loads(made.stdout)["bandits-10"]["rl2"]
    assert 6.6 <= mean < 6.8
