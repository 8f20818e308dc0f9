"""MMAML's modulation tells the four modes of the momentum point apart, and its return grows by adaptation."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "experiments" / "mmaml.py"


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_linear_probe_of_the_modulation_finds_the_mode() -> None:
    command = [sys.executable, str(SCRIPT), "--seeds", "1", "--without", "promp", "--json"]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    (found,) = json.loads(made.stdout)["mmaml"]
    assert found["probes"]["modulation, after training"] > 0.9
    assert found["after"][2] > found["after"][1] > found["after"][0] > found["before"][0]
