"""Runs of ablations: what each value of a candidate pays, with its interval, as metrics, a table and a figure.

With PATH for the place of a value, a run has the metric ``paid/PATH``: the fitness with the candidate's value minus that with
the known algorithm's, as a mean over seeds; ``paid_low`` and ``paid_high`` are its 95 % interval. ``paid/all`` is what all
values pay together.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from discover import Ablation, AblationInfo
from discover_mlflow import figures
from discover_mlflow.content import described
from discover_mlflow.limits import LONGEST_TAG, finite, texts
from discover_mlflow.part import Part
from discover_mlflow.returns import comparison_params
from discover_mlflow.tags import VERDICT_TAG


def ablation_params(info: AblationInfo) -> dict[str, str]:
    """Params of an ablation."""
    return comparison_params([*info.candidates], info.runs, info.seeds)


def record_ablation(run: Part, ablation: Ablation) -> None:
    """Add an ablation to its run, unless it is there."""
    table = ablation_table(ablation)
    tags = texts({VERDICT_TAG: ablation.verdict}, LONGEST_TAG) | described(f"**{ablation.verdict}**\n\n{table}")
    run.record_new("metrics", "ablation", step=0, metrics=ablation_metrics(ablation))
    run.record_new("tags", "verdict", tags=tags)
    run.text("ablation.md", f"{ablation.verdict}\n\n{table}\n")
    run.json("ablation.json", ablation.values())
    run.figures(figures.later("figures/ablation.png", ablation.plot))


def ablation_metrics(ablation: Ablation) -> dict[str, float]:
    """Metrics of an ablation: what each value pays, and all of them together, with intervals."""
    total = ablation.total.interval
    metrics = _paid("all", total.estimate, (total.low, total.high))
    for row in ablation.rows():
        if row["estimate"] is not None:
            metrics |= _paid(row["path"], row["estimate"], row["interval"])
            metrics |= _paid(row["path"], **_alone(row), group="paid_alone") if "alone" in row else {}
    return finite(metrics)


def ablation_table(ablation: Ablation) -> str:
    """The table of an ablation as Markdown: a row per value, and what all of them pay together."""
    heads = ["value", ablation.candidate, ablation.known, "paid [95 % interval]", "verdict"]
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    for row in ablation.rows():
        cells = [row["path"], row["value"], row["known"], _cell(row["estimate"], row["interval"]), row["verdict"]]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    total = ablation.total.interval
    lines.append(f"| all together | | | {_cell(total.estimate, (total.low, total.high))} | |")
    return "\n".join(lines)


def _alone(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: row["alone"][key] for key in ("estimate", "interval")}


def _paid(name: str, estimate: float | None, interval: Any, group: str = "paid") -> dict[str, float]:
    """The gain of a value, and its interval; what is not known is left out."""
    named = zip((group, f"{group}_low", f"{group}_high"), (estimate, *interval), strict=True)
    return {f"{key}/{name}": value for key, value in named if value is not None}


def _cell(estimate: float | None, interval: Any) -> str:
    low, high = interval
    if estimate is None:
        return "-"
    return f"{estimate:.4g}" + ("" if low is None or high is None else f" [{low:.4g}, {high:.4g}]")
