"""With a lag of several updates, V-trace beats no correction."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "experiments" / "impala_lag.py"


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_v_trace_beats_no_correction_where_actors_lag() -> None:
    made = subprocess.run([sys.executable, str(SCRIPT), "--case", "catch", "32"], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    found = json.loads(made.stdout)
    for measure in ("end", "lifetime"):
        low, _, _ = found[measure]["difference"]
        assert low > 0.0, found
