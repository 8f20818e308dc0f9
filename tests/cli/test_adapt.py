"""``discover adapt``, from the command line and from Python."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

Invoke = Callable[..., Result]

WORDS = ("--task", "late-payday", "--meta-steps", 40, "--seeds", 2, "--tasks", 2, "--episodes", 2)


def test_adapt_prints_one_json_object(told: Callable[..., Any]) -> None:
    Path("two.yaml").write_text("{recipe: climb, rule: {toy_climb: {slope: 2.0, noise: 0.0, steps: 5}}}")
    summary = told("adapt", "two.yaml", "two.yaml", *WORDS, "--set", "2:rule.toy_climb.slope=1.0")
    assert {key: summary[key] for key in ("task", "meta_steps", "episodes", "batch", "random", "reference", "told")} == {
        "task": "late-payday",
        "meta_steps": 40,
        "episodes": [0, 1, 2],
        "batch": 1,
        "random": 0.0,
        "reference": 1.0,
        "told": ["adaptation finished"],
    }
    two, one = summary["table"]
    assert (two["candidate"], one["candidate"]) == ("two.yaml", "two.yaml (rule.toy_climb.slope=1.0)")
    assert two["note"].startswith("two.yaml does not adapt")
    gaps = [higher - lower for higher, lower in zip(two["returns"], one["returns"], strict=True)]
    assert [round(gap, 3) for gap in gaps] == [36.0] * 3  # four updates of one more, for nine steps
    assert summary["run_id"] == "adapt-run"


@pytest.mark.slow
def test_adapt_in_words(invoke: Invoke) -> None:
    result = invoke("adapt", "climb", *WORDS)
    assert result.exit_code == 0, result.stderr
    *_, means, note, place = result.stdout.splitlines()
    assert means.startswith("Returns on late-payday after so many episodes of adaptation")
    assert note == "climb does not adapt: its columns are further episodes with what it learned in training."
    assert place == "look at it: discover ui --run adapt-run"


def test_mistakes_are_a_sentence_each(invoke: Invoke) -> None:
    for more, sentence in {
        ("--task", "payday"): "error: task 'payday' is one task and no family, so there is nothing to adapt to",
        ("--episodes", 3, "--batch", 2): "error: 3 episodes do not make whole batches of 2: give 2 episodes, or another batch.",
        ("--meta-steps", 7): "error: climb on late-payday @ 7: a lifetime of 7 env steps is shorter than one update of Climb",
    }.items():
        result = invoke("adapt", "climb", *WORDS, *more, "--no-tracking")
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.startswith(sentence)
        assert result.stderr.count("\n") == 1
    zero = invoke("adapt", "climb", *WORDS, "--episodes", 0)
    assert zero.exit_code == 2
