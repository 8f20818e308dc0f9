"""The meta-gradient finds which discounts and lambdas the two illustrations of Xu et al. (2018) want."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[2] / "experiments" / "meta_gradient_chains.py"
SIGNAL, NOISE = [0.87, 0.87, 0.83, 0.73, 0.66], [0.09, 0.08, 0.07, 0.07]
"""Of an independent script: discounts of states entered, values set back to zero before every update."""


def found(*cases: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Means over seeds by case: at states 1, 3, ... and at states 2, 4, ..."""
    command = [sys.executable, str(SCRIPT), "--json", *cases]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return {case: (np.array(mean[0::2]), np.array(mean[1::2])) for case, mean in json.loads(made.stdout).items()}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_discounts_and_lambdas_part_signal_from_noise() -> None:
    made = found("reset", "pairs")
    signal, noise = made["reset"]
    np.testing.assert_allclose(signal, SIGNAL, atol=0.05)
    np.testing.assert_allclose(noise, NOISE, atol=0.05)
    inside, between = made["pairs"]
    assert inside.min() > 0.9
    assert between[:3].max() < 0.65
    assert between[3] == 0.5  # nothing random follows it: no slope


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_discounts_part_signal_from_noise_online_and_among_other_numbers() -> None:
    for case, (signal, noise) in found("reset, among other numbers", "online", "online, mu = 1", "online, Adam").items():
        assert signal.min() > noise.max(), case
