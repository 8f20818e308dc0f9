"""Params, metrics and texts of trained candidates: the same names in a training and in each candidate of a comparison.

With TASK for the name of a task and STEPS for the env steps of a lifetime on it:

=====================================  =======================================================================================
``curve/TASK STEPS``                   learning curve over env steps: interquartile mean of the returns of seeds, and as
                                       ``curve_low`` and ``curve_high`` its 95 % interval, by the bootstrap of `discover.band`
``iqm/TASK STEPS``                     interquartile mean of the returns at the end, ``iqm_low`` and ``iqm_high``
``difference/TASK STEPS``              the first candidate minus this one, ``difference_low`` and ``difference_high``: above
                                       zero, the first one is better; intervals and ``p/TASK STEPS`` are corrected
=====================================  =======================================================================================

Numbers that have no curve are at step 0, so that MLflow draws bars.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from discover import Algorithm, Comparison, Difference, Status, TaskRun, Training, band, effective, values_by_path
from discover_mlflow.limits import LONGEST_PARAM, finite, keys, number, texts

CURVES = ("curve", "curve_low", "curve_high")
"""Groups of metrics of a learning curve, whose charts MLflow shows first."""

_MOST_OTHERS = 24  # curves of what the rule reported: with more, the page of a run becomes slow


def candidate_params(name: str, algorithm: Algorithm, runs: Sequence[TaskRun], seeds: int) -> dict[str, str]:
    """Params of a trained candidate: each choice and each number that has an effect, by its path."""
    facts = {"candidate": name, "tasks": ", ".join(run.label for run in runs), "seeds": seeds}
    return texts({**facts, **values_by_path(effective(algorithm))}, LONGEST_PARAM)


def return_curves(training: Training) -> dict[str, Any]:
    """The curves of a training as a record of a ledger has them: env steps, and values by metric."""
    run, rows = training.run, training.curves.shape[1]
    low, middle, high = band(training.curves)
    named = {keys(group, [run.label])[0]: values for group, values in zip(CURVES, (middle, low, high), strict=True)}
    others = {"length": training.lengths} | {name: training.info[name] for name in sorted(training.info)[:_MOST_OTHERS]}
    places = keys("rule", [f"{name} {run.label}" for name in others])
    named |= {key: values.mean(axis=0) for key, values in zip(places, others.values(), strict=True)}
    return {
        "steps": [run.steps * (row + 1) // rows for row in range(rows)],
        "curves": {key: list(map(number, values)) for key, values in named.items() if np.isfinite(values).any()},
    }


def end_metrics(trainings: Sequence[Training]) -> dict[str, float]:
    """The interquartile means at the end of trainings, with their intervals; one that broke has none."""
    labels = [training.run.label for training in trainings]
    parts = {"iqm": "estimate", "iqm_low": "low", "iqm_high": "high"}
    return finite(
        {
            key: getattr(training.interval, part)
            for group, part in parts.items()
            for key, training in zip(keys(group, labels), trainings, strict=True)
        }
    )


def spent_metrics(training: Training) -> dict[str, float]:
    """The time of a training, and the number of lifetimes that broke, if any did."""
    broken = int((training.status != Status.OK).sum())
    values = {
        "spent/seconds": training.seconds,
        "spent/env_steps_per_second": training.env_steps / max(training.seconds, 1e-9),
        **({"status/broken_seeds": broken} if broken else {}),
    }
    return finite({keys(group, [training.run.label])[0]: value for group, value in values.items()})


def difference_metrics(differences: Sequence[Difference]) -> dict[str, float]:
    """The first candidate minus another one, a task each, with corrected intervals and p values."""
    labels = [difference.run.label for difference in differences]
    parts = {
        "difference": [one.interval.estimate for one in differences],
        "difference_low": [one.interval.low for one in differences],
        "difference_high": [one.interval.high for one in differences],
        "p": [one.p_value for one in differences],
    }
    return finite({key: value for group, some in parts.items() for key, value in zip(keys(group, labels), some, strict=True)})


def differences_from(comparison: Comparison, name: str) -> list[Difference]:
    """The differences of the first candidate from another one."""
    return [difference for difference in comparison.differences if difference.baseline == name]


def hardest(comparison: Comparison) -> list[Difference]:
    """For each run, the difference from the hardest baseline: the smallest one."""
    by_run = [[one for one in comparison.differences if one.run == run] for run in comparison.runs]
    return [min(some, key=lambda one: one.interval.estimate) for some in by_run if some]


def verdict_on(comparison: Comparison, name: str) -> str:
    """The verdict as the run of one candidate has it: of the first one that on the whole comparison."""
    first = comparison.candidates[0]
    if name == first:
        return comparison.verdict
    verdicts = [one.verdict for one in differences_from(comparison, name)]
    missing = len(comparison.runs) - len(verdicts)
    counts = {verdict: verdicts.count(verdict) for verdict in dict.fromkeys(verdicts)}
    parts = [f"{verdict} on {count}" for verdict, count in counts.items()] + ([f"broken on {missing}"] if missing else [])
    return f"{first} against {name}: {', '.join(parts)} of {len(comparison.runs)}"


def training_description(training: Training) -> str:
    """The description of a training in Markdown: its result and its algorithm."""
    result = f"**{training.name}** on {training.run.label}: {_interval(*_numbers(training))}"
    return f"{result} ({len(training.returns)} seeds)\n\n`{training.algorithm!r}`"


def training_facts(training: Training) -> dict[str, Any]:
    """The result of a training, as JSON can hold it."""
    estimate, low, high = _numbers(training)
    return {
        "candidate": training.name,
        "algorithm": repr(training.algorithm),
        "task": training.run.task,
        "steps": training.run.steps,
        "returns": [number(value) for value in training.returns],
        "status": [Status(status).name.lower() for status in training.status],
        "iqm": estimate,
        "interval": [low, high],
        "env_steps": training.env_steps,
        "seconds": training.seconds,
        "provenance": training.provenance,
    }


def comparison_params(candidates: Sequence[str], runs: Sequence[TaskRun], seeds: int) -> dict[str, str]:
    """Params of a comparison."""
    facts = {"candidates": ", ".join(candidates), "tasks": ", ".join(run.label for run in runs), "seeds": seeds}
    return texts(facts, LONGEST_PARAM)


def comparison_description(comparison: Comparison) -> str:
    """The description of a comparison in Markdown: the verdict and the table."""
    return f"**{comparison.verdict}**\n\n{comparison_table(comparison)}"


def comparison_table(comparison: Comparison) -> str:
    """The table of a comparison as Markdown: a row per run and candidate."""
    first = comparison.candidates[0]
    heads = ["task", "candidate", "return, IQM [95 % interval]", "seeds", f"{first} minus this", "verdict"]
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    rows = sorted(comparison.rows(), key=lambda row: comparison.runs.index(TaskRun(row["task"], row["steps"])))
    for row in rows:
        run, difference = TaskRun(row["task"], row["steps"]).label, row["first_minus_this"]
        task = f"{run} ({row['note']})" if row["note"] else run
        seeds = f"{row['seeds']}" + (f", {row['broken']} broken" if row["broken"] else "")
        cells = [task, row["candidate"], _interval(row["iqm"], *row["interval"]), seeds, *_difference_cells(difference)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _difference_cells(difference: Mapping[str, Any] | None) -> tuple[str, str]:
    if difference is None:
        return "", ""
    gap = _interval(difference["estimate"], *difference["interval"])
    return gap, f"{difference['verdict']} (p = {difference['p_value']:.2g})"


def _numbers(training: Training) -> tuple[float | None, float | None, float | None]:
    interval = training.interval
    return number(interval.estimate), number(interval.low), number(interval.high)


def _interval(estimate: float | None, low: float | None, high: float | None) -> str:
    if estimate is None:
        return "broken"
    return f"{estimate:.4g}" + ("" if low is None or high is None else f" [{low:.4g}, {high:.4g}]")
