"""PPO, SAC and TD3 swing up Pendulum."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "experiments" / "pendulum.py"


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("recipe", "bound"), [("ppo_pendulum", -300.0), ("sac", -200.0), ("td3", -200.0)])
def test_a_recipe_swings_up_the_pendulum(recipe: str, bound: float) -> None:
    command = [sys.executable, str(SCRIPT), "--json", "--recipe", recipe]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    found = json.loads(made.stdout)
    assert found["bound"] == bound
    assert found["mean"] > bound
