"""Population-based training brings up a whole population where random search leaves most members behind."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "experiments" / "pbt_cartpole.py"


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_population_is_better_than_by_random_search() -> None:
    made = subprocess.run([sys.executable, str(SCRIPT)], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in made.stdout.splitlines()]
    members = {row[0]: row[2] for row in rows}
    for name in ("PBT, truncation", "PBT, t-test"):
        low = members[f"{name} minus random search"].split("[")[1].split(",")[0]
        assert float(low) > 0.0
