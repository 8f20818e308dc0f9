"""Population-based training does on a quadratic what its paper's Figure 2 shows."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "experiments" / "pbt_toy.py"


@pytest.mark.slow
def test_the_three_figures_of_the_toy() -> None:
    made = subprocess.run([sys.executable, str(SCRIPT), "--json"], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    found = json.loads(made.stdout)
    assert found["grid"] == pytest.approx(0.390, abs=5e-4)
    assert found["exploit only"] == pytest.approx(1.172, abs=5e-4)
    assert found["pbt, 1000 steps"] == pytest.approx(1.200, abs=5e-4)
    assert found["gaussian 0.1, 200 steps"][0] == pytest.approx(1.126, abs=0.02)
    assert found["gaussian 0.3, 200 steps"][0] == pytest.approx(1.196, abs=0.01)
