"""MAML on 2-D navigation adapts to the 40 goals of the protocol as its authors' result files say, with either outer rule."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "experiments" / "maml_point.py"


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("outer", ["promp", "trpo"])
def test_maml_adapts_to_goals_as_published(outer: str) -> None:
    command = [sys.executable, str(SCRIPT), "--outer", outer, "--seeds", "1", "--json"]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    (found,) = json.loads(made.stdout)["returns"]
    assert found[0] == pytest.approx(-40.0, abs=1.5)
    assert -13.0 <= found[1] <= -8.0
    assert all(-6.0 <= later <= -3.0 for later in found[2:])
