"""MAESN explores the half-circle by its latent variable alone, and finds goals by two steps along their sparse reward."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "experiments" / "maesn_half_circle.py"


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_maesn_reaches_and_finds_goals() -> None:
    command = [sys.executable, str(SCRIPT), "--seeds", "1", "--json"]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    found = json.loads(made.stdout)
    assert found["reached"][0] >= 0.6
    assert max(found["returns"][0][1:3]) > 5.0
