"""A mixture that slides from few actions to many learns sooner than the agent with many actions alone."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "experiments" / "mix_and_match.py"


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_few_actions_before_many() -> None:
    """Expected of this analog: the threshold in clearly fewer steps than the complex agent alone, and 1.0 at alpha = 1."""
    made = subprocess.run([sys.executable, str(SCRIPT), "actions", "--json"], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    found = json.loads(made.stdout)
    mixture, alone = found["mixture"], found["101 actions alone"]
    assert alone["more"][1] > 0.0  # the interval of the difference excludes 0
    assert mixture["final"][0] >= 0.99
