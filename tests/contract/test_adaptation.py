"""What is to be measured of an adaptation, and how its result is told."""

from typing import Any

import numpy as np
import pytest
import toys

from discover import AdaptationPlan, AdaptationResult, Algorithm, CandidateAdaptation, TaskRun, UserError

CLIMB = Algorithm(rule=toys.Climb(), network=toys.Blank())


def result(returns: np.ndarray, references: tuple[float, float] | None = (0.0, 1.0), note: str = "") -> AdaptationResult:
    """Of one candidate, with two columns."""
    one = CandidateAdaptation(CLIMB, returns, env_steps=80, seconds=2.0, note=note)
    return AdaptationResult({"climb": one}, TaskRun("late-payday", 40), AdaptationPlan(2, 2), references, provenance={})


# ``[S, N, K]``: seeds of mean 1, 3 and 8 before adaptation, all of mean 5 after it.
RETURNS = np.stack([np.array([[1.0, 3.0, 8.0], [1.0, 3.0, 8.0]]).T, np.array([[4.0, 6.0]] * 3)], axis=-1)


@pytest.mark.parametrize(
    ("numbers", "sentence"),
    [
        ({"episodes": 0}, "episodes must be at least 1, since there is nothing to adapt from otherwise; got 0."),
        ({"tasks": 0}, "tasks must be at least 1, since"),
        ({"episodes": 5, "batch": 2}, "5 episodes do not make whole batches of 2: give 4 episodes, or another batch."),
        ({"episodes": 3, "batch": 20}, "3 episodes do not make whole batches of 20: give 20 episodes, or another batch."),
    ],
)
def test_a_plan_without_adaptation_is_refused(numbers: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError) as caught:
        AdaptationPlan(**numbers).check()
    assert str(caught.value).startswith(sentence)


def test_an_interval_covers_seeds_and_their_tasks() -> None:
    before, after = result(RETURNS).candidates["climb"].intervals()
    assert before.estimate == pytest.approx(4.0)
    assert before.low < 1.5
    assert before.high > 6.0
    assert tuple(after) == (5.0, 5.0, 5.0)  # all seeds have the same mean


def test_one_seed_has_no_interval_and_a_broken_one_no_estimate() -> None:
    (alone, _) = result(RETURNS[:1]).rows()[0]["intervals"]
    assert alone == [None, None]
    assert result(RETURNS[:1]).rows()[0]["returns"] == [1.0, 5.0]
    assert "one seed has no interval, so give 3 or more" in str(result(RETURNS[:1]))
    broken = np.where(np.arange(3)[:, None, None] == 1, np.nan, RETURNS)
    (row,) = result(broken).rows()
    assert (row["broken"], row["returns"]) == (1, [None, None])
    assert "3 (1 broken)" in str(result(broken))


def test_the_table_has_a_row_per_candidate_and_says_what_the_columns_mean() -> None:
    head, _, climb, random, reference, *sentences = str(result(RETURNS, note="climb is lazy.")).splitlines()
    assert head.split() == ["candidate", "0", "2", "seeds", "env", "steps", "seconds"]
    assert climb.split()[:2] == ["climb", "4.000"]
    assert climb.endswith("5.000 [5.000, 5.000]       3          80         2")
    assert (random.split(), reference.split()) == (["random", "0.000", "0.000"], ["reference", "1.000", "1.000"])
    assert sentences == [
        "Returns on late-payday after so many episodes of adaptation, with a step of it after each 2 of them: "
        "means over 3 seeds with 2 new tasks each; 95 % intervals over seeds.",
        "climb is lazy.",
    ]
    assert "random" not in str(result(RETURNS, references=None))


def test_the_figure_has_the_episodes_of_adaptation_below_it() -> None:
    (axes,) = result(RETURNS).plot().axes
    assert axes.get_xlabel() == "episodes of adaptation"
    np.testing.assert_allclose(np.asarray(axes.lines[0].get_xydata()), [[0.0, 4.0], [2.0, 5.0]])
    assert [line.get_label() for line in axes.lines] == ["climb (3 seeds)", "random", "reference"]
