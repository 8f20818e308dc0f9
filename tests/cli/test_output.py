"""What is printed."""

import json
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from discover.cli import output
from discover.cli.guard import say


def test_json_has_neither_nan_nor_infinity(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_json(
        {
            "nan": float("nan"),
            "array": np.asarray([1.0, np.inf], np.float32),
            "jax": jnp.asarray(2),
            "scalar": np.float32("nan"),
            "path": Path("a/b"),
            1: (None, True, "ü"),
        }
    )
    printed = capsys.readouterr().out
    assert json.loads(printed) == {
        "nan": None,
        "array": [1.0, None],
        "jax": 2,
        "scalar": None,
        "path": "a/b",
        "1": [None, True, "ü"],
    }
    assert "NaN" not in printed


def test_command_lines_can_be_typed() -> None:
    assert output.command_line("resume", Path("my runs/a"), plugins_dir=Path("p")) == (
        "discover resume 'my runs/a' --plugins-dir p"
    )


def test_a_message_is_one_line_that_keeps_the_spaces_of_a_path(capsys: pytest.CaptureFixture[str]) -> None:
    say("error", "it lies\n\n  in 'my  folder'.\n")
    assert capsys.readouterr().err == "error: it lies in 'my  folder'.\n"
