"""The sensitivity of a candidate to its numbers."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from discover_zoo.returns.n_step import NStep

from discover import Algorithm, Registry, TaskRun, UserError, candidate_page, replace
from discover.base.statistics import Interval
from discover.config.build import algorithm_from
from discover.reading.sensitivity import chosen_numbers, sensitivity_of, values_of
from discover.reading.sweep_svg import bounds_of, sweep_svg
from discover.reading.sweeps import Sensitivity, Sweep, SweepPoint

RUN = TaskRun("payday", 80)
UPDATES = 10
"""Of 4 steps in 2 environments each."""


@pytest.fixture(scope="module")
def climb(registry: Registry) -> Algorithm:
    """Each update raises the action, which is the reward, by the slope: known to the digit without noise."""
    return replace(algorithm_from(registry, "climb"), {"rule.noise": 0.0, "rule.slope": 2.0})


@pytest.fixture(scope="module")
def measured(registry: Registry, climb: Algorithm) -> Sensitivity:
    return sensitivity_of(climb, registry, RUN, seeds=2, points=3, numbers=("slope", "limit"))


def test_the_return_follows_the_number(measured: Sensitivity) -> None:
    by_path = {sweep.path: sweep for sweep in measured.sweeps}
    slope = by_path["rule.slope"]
    assert [point.value for point in slope.points] == [-10.0, 2.0, 10.0]
    assert [point.is_own for point in slope.points] == [False, True, False]
    assert [point.position for point in slope.points] == pytest.approx([0.0, 0.6, 1.0])
    means = np.asarray([point.interval.estimate for point in slope.points])
    assert np.all(np.isfinite(means))
    np.testing.assert_allclose(means, means[1] * np.asarray([-5.0, 1.0, 5.0]), rtol=1e-5)  # linear in the slope
    assert means[1] > 0
    assert slope.effect == pytest.approx(means[2] - means[0])


def test_a_value_that_breaks_the_candidate_is_told_and_has_no_interval(measured: Sensitivity) -> None:
    (limit,) = [sweep for sweep in measured.sweeps if sweep.path == "rule.limit"]
    assert [point.broken for point in limit.points] == [2, 0, 0]
    assert np.isnan(limit.points[0].interval.estimate)
    assert limit.effect == 0.0


def test_the_largest_effect_stands_first_and_the_table_tells_all(measured: Sensitivity) -> None:
    assert [sweep.path for sweep in measured.sweeps] == ["rule.slope", "rule.limit"]
    rows = list(measured.rows())
    assert [row[0] for row in rows] == ["rule.slope", "", "", "rule.limit", "", ""]
    assert rows[1][1] == "2 (own)"
    assert rows[3][1:] == ("0", "-", "-", "2")
    assert "payday @ 80" in str(measured)


def test_the_own_value_gives_what_it_gives_in_every_sweep(measured: Sensitivity) -> None:
    own = [point.interval for sweep in measured.sweeps for point in sweep.points if point.is_own]
    assert len(own) == 2
    assert own[0] == own[1]


def test_all_numbers_run_one_program(
    registry: Registry, climb: Algorithm, compilations: Callable[[], AbstractContextManager]
) -> None:
    sensitivity_of(climb, registry, RUN, seeds=2, points=3, numbers=("slope",))
    with compilations() as count:
        sensitivity_of(climb, registry, RUN, seeds=2, points=3, numbers=("limit", "noise"))
    assert count.compiled == 0


def test_progress_names_the_number_and_ends_at_one(registry: Registry, climb: Algorithm) -> None:
    told: list[tuple[str, float]] = []
    sensitivity_of(climb, registry, RUN, seeds=2, points=3, numbers=("slope",), progress=lambda *one: told.append(one))
    assert told[0] == ("sensitivity to rule.slope on payday @ 80", 0.0)
    assert told[-1][1] == 1.0


def test_values_are_spread_over_the_range_on_its_scale(registry: Registry) -> None:
    ppo = algorithm_from(registry, "ppo")
    rates = values_of(ppo, "rule.optimizer.optimizer.learning_rate", 5)
    assert rates == pytest.approx([1e-5, 2.5e-4, 1e-3, 1e-2, 1e-1], rel=1e-4)
    assert values_of(replace(ppo, {"rule.returns": NStep(n=2)}), "rule.returns.n", 3) == [2, 17, 32]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"seeds": 1}, "needs 2 seeds or more, since one has no interval; got 1"),
        ({"points": 1}, "needs 2 points or more"),
        ({"numbers": ("slop",)}, "no number 'slop'; did you mean 'rule.slope'"),
    ],
)
def test_mistakes_are_told(registry: Registry, climb: Algorithm, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        sensitivity_of(climb, registry, RUN, **options)


def test_an_unknown_task_is_told_before_anything_runs(registry: Registry, climb: Algorithm) -> None:
    with pytest.raises(UserError, match="payday"):
        sensitivity_of(climb, registry, TaskRun("paydya", 80))


def test_numbers_are_named_by_the_ends_of_their_paths(registry: Registry) -> None:
    ppo = algorithm_from(registry, "ppo")
    assert chosen_numbers(ppo, ("clip", "returns.gamma")) == ["rule.returns.gamma", "rule.clip"]
    assert "rule.optimizer.optimizer.eps" in chosen_numbers(ppo)


def test_the_plot_shows_every_sound_point_within_its_frame(registry: Registry, climb: Algorithm, measured: Sensitivity) -> None:
    circles: list[dict[str, str | None]] = []

    class Circles(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            if tag == "circle":
                circles.append(dict(attrs))

    html = candidate_page(climb, registry, sensitivity=measured).html()
    Circles().feed(html)
    assert len(circles) == 5
    assert all(0 <= float(one["cx"] or "nan") <= 340 and 0 <= float(one["cy"] or "nan") <= 190 for one in circles)
    assert html.count('circle class="own"') == 2
    assert "payday @ 80" in html


def test_a_plot_of_broken_points_alone_has_a_frame() -> None:
    point = SweepPoint(1.0, 0.5, Interval(np.nan, np.nan, np.nan), broken=2, is_own=True)
    broken = Sensitivity(RUN, 2, (Sweep("rule.slope", (point,)),))
    assert bounds_of(broken) == (-0.05, 1.05)
    assert "1: 2 seeds broke" in sweep_svg(broken.sweeps[0], bounds_of(broken))
    assert "nan" not in sweep_svg(broken.sweeps[0], bounds_of(broken))
