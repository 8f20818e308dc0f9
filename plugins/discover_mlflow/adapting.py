"""Runs of adaptations: one for the command, and below it one per candidate if there are several.

With TASK for the name of a task family and STEPS for the env steps of a training on it, a run has the metric ``adapted/TASK
STEPS``: the return over the episodes of adaptation, as a mean over seeds and new tasks; ``adapted_low`` and ``adapted_high``
are its 95 % interval.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from discover import AdaptationInfo, AdaptationResult, CandidateAdaptation, TaskRun
from discover_mlflow import figures
from discover_mlflow.comparing import COLOR_TAG, COLORS
from discover_mlflow.content import described, error_tags, run_tags
from discover_mlflow.limits import LONGEST_PARAM, LONGEST_TAG, finite, keys, number, texts
from discover_mlflow.part import Part
from discover_mlflow.returns import candidate_params
from discover_mlflow.session import Session
from discover_mlflow.tags import BEST_FIGURE_TAG, BEST_TAG, VERDICT_TAG

GROUPS = ("adapted", "adapted_low", "adapted_high")


class AdaptationRuns:
    """Adds an adaptation to a ledger.

    Args:
        session: with the ledger.
        info: the adaptation.
        experiment: name of the experiment.
    """

    def __init__(self, session: Session, info: AdaptationInfo, experiment: str):
        self._session, self._info = session, info
        several = len(info.candidates) > 1
        self._candidates: dict[str, Part] = {name: session.part(name) if several else session for name in info.candidates}
        session.begin(
            experiment,
            f"{', '.join(info.candidates)} on {info.run.label}",
            params=_params(info) if several else {**candidate_params(*self._of(next(iter(info.candidates)))), **_numbers(info)},
            tags=run_tags("adaptation", info.provenance),
        )
        session.json("provenance.json", info.provenance)
        for place, (name, run) in enumerate(self._candidates.items() if several else ()):
            tags = run_tags("candidate", info.provenance, role="candidate", fingerprint=info.fingerprints[name])
            tags |= described(f"`{info.candidates[name]!r}`") | {COLOR_TAG: COLORS[place % len(COLORS)]}
            run.begin(experiment, name, params=candidate_params(*self._of(name)), tags=tags, parent=session.key)

    def finish(self, result: AdaptationResult) -> None:
        """Add the curves, the table and the figure."""
        for name, one in result.candidates.items():
            run = self._candidates[name]
            run.record("curves", **adapted_curves(one, result))
            run.record("metrics", step=0, metrics=_spent(one, result.run))
        table = adaptation_table(result)
        self._session.record("tags", tags=described(table) | best_tags(result))
        self._session.text("adaptation.md", f"{table}\n")
        facts = {"task": result.run.task, "steps": result.run.steps, "episodes": result.plan.columns, "table": result.rows()}
        self._session.json("adaptation.json", facts)
        self._session.figures(figures.later("figures/adaptation.png", result.plot))

    def fail(self, error: BaseException, address: str) -> None:
        """Record why it ended early; the store's ``address`` may be in the error, without its secrets."""
        for run in {id(run): run for run in (*self._candidates.values(), self._session)}.values():
            run.record("tags", tags=error_tags(error, address))

    def _of(self, name: str) -> tuple[Any, ...]:
        return name, self._info.candidates[name], [self._info.run], self._info.seeds


def adapted_curves(one: CandidateAdaptation, result: AdaptationResult) -> dict[str, Any]:
    """The return over the episodes of adaptation and its interval, as a record of a ledger has them."""
    low, middle, high = np.asarray(one.intervals()).T
    named = {keys(group, [result.run.label])[0]: row for group, row in zip(GROUPS, (middle, low, high), strict=True)}
    shown = {key: list(map(number, row)) for key, row in named.items() if np.isfinite(row).any()}
    return {"steps": list(result.plan.columns), "curves": shown}


def best_tags(result: AdaptationResult) -> dict[str, str]:
    """Tags with the candidate whose last return is the highest, and what it came to, for lists of runs."""
    ends = {row["candidate"]: row["returns"] for row in result.rows() if None not in row["returns"]}
    if not ends:
        return {}
    name = max(ends, key=lambda one: ends[one][-1])
    first, last = ends[name][0], ends[name][-1]
    verdict = f"return {first:.4g} before adaptation, {last:.4g} after {result.plan.episodes} episodes"
    named = {BEST_TAG: name, BEST_FIGURE_TAG: f"{last:.6g}"} if len(result.candidates) > 1 else {BEST_FIGURE_TAG: f"{last:.6g}"}
    return texts(named | {VERDICT_TAG: verdict}, LONGEST_TAG)


def adaptation_table(result: AdaptationResult) -> str:
    """The table of an adaptation as Markdown, below the sentence on what its columns mean."""
    first, *notes = result.sentences()
    heads = ["candidate", *(str(column) for column in result.plan.columns)]
    lines = [f"**{first}**", "", "| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    for row in result.rows():
        cells = [_cell(*pair) for pair in zip(row["returns"], row["intervals"], strict=True)]
        lines.append("| " + " | ".join([row["candidate"], *cells]) + " |")
    if result.references is not None:
        for name, value in zip(("random", "reference"), result.references, strict=True):
            lines.append("| " + " | ".join([name, *[f"{value:.4g}"] * len(result.plan.columns)]) + " |")
    return "\n".join([*lines, *(f"\n{note}" for note in notes)])


def _cell(middle: float | None, bounds: list[float | None]) -> str:
    low, high = bounds
    if middle is None:
        return "-"
    return f"{middle:.4g}" + ("" if low is None or high is None else f" [{low:.4g}, {high:.4g}]")


def _params(info: AdaptationInfo) -> dict[str, str]:
    facts = {"candidates": ", ".join(info.candidates), "tasks": info.run.label, "seeds": info.seeds}
    return texts(facts, LONGEST_PARAM) | _numbers(info)


def _numbers(info: AdaptationInfo) -> dict[str, str]:
    """Params of what follows on each new task."""
    return {f"adaptation.{name}": str(value) for name, value in info.plan._asdict().items() if value is not None}


def _spent(one: CandidateAdaptation, run: TaskRun) -> dict[str, float]:
    values = {
        "spent/seconds": one.seconds,
        "spent/env_steps_per_second": one.env_steps / max(one.seconds, 1e-9),
        **({"status/broken_seeds": one.broken} if one.broken else {}),
    }
    return finite({keys(group, [run.label])[0]: value for group, value in values.items()})
