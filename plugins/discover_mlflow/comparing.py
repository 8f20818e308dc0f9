"""The runs of a comparison: one that is the parent, and below it one per candidate."""

from __future__ import annotations

import hashlib
import json

from discover import Comparison, ComparisonInfo, Training
from discover_mlflow import figures, returns
from discover_mlflow.best import best_candidate
from discover_mlflow.content import described, error_tags, run_tags
from discover_mlflow.limits import LONGEST_TAG, texts
from discover_mlflow.part import Part
from discover_mlflow.report_files import add_comparison
from discover_mlflow.session import Session
from discover_mlflow.tags import BEST_FIGURE_TAG, BEST_TAG, VERDICT_TAG

COLOR_TAG = "mlflow.runColor"  # else MLflow takes one by the run's id, often the same for two candidates
COLORS = (  # in the order of discover's own figures
    *("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f", "#bcbd22", "#17becf"),
)


class ComparisonRuns:
    """Adds what happens in a comparison to a ledger. A comparison that is repeated adds nothing twice.

    Args:
        session: with the ledger.
        run: the run of the comparison in it: the ledger's own one for a command, one below it for the report of a search.
        info: the comparison.
        search: name of the search, if it is the report of one.
    """

    def __init__(self, session: Session, run: Part, info: ComparisonInfo, search: str = ""):
        self._run, self._info, self._search = run, info, search
        above = f"{run.name}/" if run.name else ""
        self._candidates = {name: session.part(above + name) for name in info.candidates}

    def begin(self, experiment: str, title: str, parent: str | None = None) -> None:
        """Begin the run of the comparison, or go on with it.

        Args:
            experiment: name of the experiment.
            title: name of the run.
            parent: key of the run below which it is filed, if any.
        """
        self._experiment, info = experiment, self._info
        if self._run.begun:
            self._run.go_on()
            return
        params = returns.comparison_params([*info.candidates], info.runs, info.seeds)
        tags = run_tags("comparison", info.provenance, search=self._search)
        self._run.begin(experiment, title, params=params, tags=tags, parent=parent)
        self._run.json("provenance.json", info.provenance)

    def candidate_started(self, name: str) -> None:
        """Begin the run of a candidate, or go on with it."""
        run, info = self._candidates[name], self._info
        if run.begun:
            run.go_on()
            return
        facts = {"role": info.roles[name], "search": self._search, "fingerprint": info.fingerprints[name]}
        tags = run_tags("candidate", info.provenance, **facts) | described(f"`{info.candidates[name]!r}`")
        tags[COLOR_TAG] = COLORS[[*info.candidates].index(name) % len(COLORS)]
        params = returns.candidate_params(name, info.candidates[name], info.runs, info.seeds)
        run.begin(self._experiment, name, params=params, tags=tags, parent=self._run.key)

    def candidate_finished(self, training: Training) -> None:
        """Add the curves and the result of a candidate on one task; on the last task its run ends."""
        run = self._candidates[training.name]
        record_training(run, training)
        if training.run == self._info.runs[-1]:
            run.end("FINISHED")

    def finish(self, comparison: Comparison) -> None:
        """Add differences and verdicts, the table and the figures; the run of the comparison ends."""
        for name, run in self._candidates.items():
            differences = returns.difference_metrics(returns.differences_from(comparison, name))
            if differences:
                run.record_new("metrics", "difference", step=0, metrics=differences)
            run.record_new("tags", "verdict", tags=verdict_tags(returns.verdict_on(comparison, name)))
        best = best_candidate(comparison)
        tags = verdict_tags(comparison.verdict) | described(returns.comparison_description(comparison))
        if best is not None:
            tags |= texts({BEST_TAG: best.name, BEST_FIGURE_TAG: f"{best.figure:.6g}"}, LONGEST_TAG)
        self._run.record_new("tags", "verdict", tags=tags)
        record_table(self._run, comparison)
        if not self._search:  # the figures of a report are with its search
            self._run.figures(figures.comparison_figures(comparison))
        self._run.end("FINISHED")

    def fail(self, error: BaseException, status: str, address: str) -> None:
        """End the runs that have not ended; the store's ``address`` may be in the error, without its secrets."""
        for run in (*self._candidates.values(), self._run):
            if run.begun and run.status != "FINISHED":
                run.record("tags", tags=error_tags(error, address))
                run.end(status)


def report_name(info: ComparisonInfo) -> str:
    """The name of a report's run in the ledger of its search: another report of the same search has another one.

    An interrupted report goes on with its runs; one whose candidates, tasks or seeds are others begins new ones.
    """
    facts = [dict(info.fingerprints), [list(run) for run in info.runs], info.seeds]
    return f"report {hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:12]}"


def record_training(run: Part, training: Training) -> None:
    """Add the curves and the results of a training to its run, unless it has them."""
    label = training.run.label
    run.record_new("curves", f"curve/{label}", **returns.return_curves(training))
    run.record_new("metrics", f"iqm/{label}", step=0, metrics=returns.end_metrics([training]))
    run.record("metrics", f"spent/{label}", step=0, metrics=returns.spent_metrics(training))  # of a repetition it is less


def record_table(run: Part, comparison: Comparison) -> None:
    """Add the table of a comparison, for people and for programs."""
    run.text("comparison.md", f"{comparison.verdict}\n\n{returns.comparison_table(comparison)}\n")
    run.json("comparison.json", {"verdict": comparison.verdict, "table": comparison.rows()})
    add_comparison(run, comparison)


def verdict_tags(verdict: str) -> dict[str, str]:
    """The tag with a verdict."""
    return texts({VERDICT_TAG: verdict}, LONGEST_TAG)
