"""PPO with the published settings meets the reference code's figure on CartPole-v1."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "experiments" / "ppo_cartpole.py"


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_ppo_and_dpo_learn_cartpole() -> None:
    made = subprocess.run([sys.executable, str(SCRIPT), "--json"], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    found = json.loads(made.stdout)
    assert found["steps"][-1] == 500_000
    for recipe in ("ppo", "dpo"):
        assert found[recipe]["mean"][-1] == pytest.approx(488.0, abs=15.0)
        assert found[recipe]["lowest"][-1] >= 440.0
