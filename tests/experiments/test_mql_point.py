"""Meta-Q-Learning finds goals that training did not use: it does better than any agent that does not know them.

One that walks to the center of the square gets -15.8. The figure itself is in ``experiments/mql_point.md``.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "experiments" / "mql_point.py"


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_mql_infers_goals() -> None:
    command = [sys.executable, str(SCRIPT), "--seeds", "1", "--json"]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    ((before, after),) = json.loads(made.stdout)["point"]
    assert before > -15.8
    assert after > -15.8
