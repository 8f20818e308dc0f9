"""Comparison of candidates over tasks and seeds: estimates with intervals, corrected tests, and a verdict in a sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from discover.base.errors import UserError
from discover.base.statistics import corrected_difference, seeds_for_verdict
from discover.config.candidate_file import fingerprint_of
from discover.config.tasks import check_distinct
from discover.contract.algorithm import Algorithm
from discover.contract.events import ComparisonInfo, TaskRun
from discover.contract.executor import Executor
from discover.contract.registry import Registry
from discover.contract.results import Comparison, Difference, Training
from discover.evaluation.checks import check_lifetimes
from discover.evaluation.suite import check_suite, suite_differences, suite_sentence
from discover.evaluation.telling import share_of, tell_nobody
from discover.evaluation.train import train_checked
from discover.plugin.provenance import provenance


@dataclass(frozen=True)
class Watched:
    """The watchers of a comparison, and what they are told of it.

    Attributes:
        tell: called with the name of a hook and its arguments.
        roles: roles of candidates that are not what they are by default: the first one ``candidate``, each other one
            ``baseline``.
        directory: directory of the search whose report it is, else None.
    """

    tell: Callable[..., object] = tell_nobody
    roles: Mapping[str, str] = field(default_factory=dict)
    directory: Path | None = None


def compare(
    registry: Registry,
    executor: Executor,
    candidates: Mapping[str, Algorithm],
    runs: Sequence[TaskRun],
    *,
    seeds: int,
    seed: int = 0,
    notes: Sequence[str] = (),
    seen: Sequence[str] = (),
    suite: Sequence[TaskRun] = (),
    purpose: str = "report",
    progress: Callable[[str, float], None] | None = None,
    watched: Watched | None = None,
) -> Comparison:
    """Train every candidate on every task, and test the first one against each of the others.

    All candidates are trained with the same seeds, from a stream that no search uses. Each test is of the difference between
    two interquartile means (`discover.base.statistics.corrected_difference`). The p values are corrected over all baselines
    and runs together (Holm 1979, "A simple sequentially rejective multiple test procedure"): where all algorithms are equal,
    the probability that any difference is called 'better' or 'worse' is at most 5 %. Each interval has the level of its
    corrected test, so 'better' and 'worse' are the differences whose interval excludes zero. With too few seeds for that,
    there is no verdict.

    Args:
        registry: has the tasks.
        executor: where to run.
        candidates: by name; the first one is compared with each of the others.
        runs: tasks and steps of each lifetime.
        seeds: S >= 2; a verdict needs `discover.base.statistics.seeds_for_verdict` of them.
        seed: of the stream that the S seeds come from.
        notes: a description of each run (searched, unseen, ...).
        seen: sentences on the tasks that searches of the candidates have seen.
        suite: the runs over which candidates are compared in one number too (`SuiteDifference`).
        purpose: name of the stream of seeds.
        progress: called with a description of the training in progress, and the share of the whole that is done.
        watched: the watchers.

    Raises:
        UserError: a run appears twice, or a candidate cannot be trained in a run; raised before the first lifetime.
    """
    if seeds < 2:
        tests = max(1, (len(candidates) - 1) * len(runs))
        need = f"2 seeds or more to tell chance from difference ({seeds_for_verdict(tests)} for a verdict)"
        raise UserError(f"a comparison needs {need}; got {seeds}.")
    check_distinct(runs, "tasks")
    check_lifetimes(registry, candidates, runs)
    check_suite(registry, suite)
    watched = watched or Watched()
    info = _info(registry, candidates, runs, seeds=seeds, watched=watched)
    watched.tell("discover_comparison_started", comparison=info)
    trainings: dict[str, list[Training]] = {name: [] for name in candidates}
    try:
        for place, (run, name) in enumerate((run, name) for run in runs for name in candidates):
            watched.tell("discover_candidate_started", comparison=info, candidate=name, run=run)
            training = train_checked(
                registry,
                executor,
                name,
                candidates[name],
                run=run,
                seeds=seeds,
                seed=seed,
                purpose=purpose,
                progress=share_of(progress, f"{name} on {run.label}", place, len(runs) * len(candidates)),
                facts=info.provenance,
            )
            trainings[name].append(training)
            watched.tell("discover_candidate_finished", comparison=info, training=training)
    except BaseException as error:
        watched.tell("discover_comparison_failed", comparison=info, error=error)
        raise
    comparison = judged(trainings, runs, tuple(notes) or ("",) * len(runs), info.provenance, suite=suite, seen=seen)
    watched.tell("discover_comparison_finished", comparison=comparison)
    return comparison


def _info(
    registry: Registry, candidates: Mapping[str, Algorithm], runs: Sequence[TaskRun], *, seeds: int, watched: Watched
) -> ComparisonInfo:
    first = next(iter(candidates))
    return ComparisonInfo(
        candidates=dict(candidates),
        roles={name: watched.roles.get(name, "candidate" if name == first else "baseline") for name in candidates},
        runs=tuple(runs),
        seeds=seeds,
        fingerprints={name: fingerprint_of(registry, candidate) for name, candidate in candidates.items()},
        provenance=provenance(registry),
        directory=watched.directory,
    )


def judged(
    trainings: Mapping[str, Sequence[Training]],
    runs: Sequence[TaskRun],
    notes: Sequence[str],
    provenance: Mapping[str, Any],
    *,
    suite: Sequence[TaskRun] = (),
    seen: Sequence[str] = (),
) -> Comparison:
    """The comparison of trainings that exist already, with its tests and its verdict; a single seed cannot be tested.

    Args:
        trainings: one per run, by candidate name; the first one is compared with each of the others.
        runs: tasks and steps.
        notes: a description of each run, or an empty text.
        provenance: of the trainings.
        suite: the runs over which candidates are compared in one number too.
        seen: sentences on the tasks that searches of the candidates have seen.
    """
    names = list(trainings)
    tested = all(len(training.returns) > 1 for of_one in trainings.values() for training in of_one)
    differences = _differences(names, runs, trainings) if tested else []
    over_suite = suite_differences(trainings, runs, suite) if tested else []
    alone = f"{names[0]} is not judged: one seed cannot tell chance from difference; give {seeds_for_verdict(1)} or more."
    return Comparison(
        candidates=tuple(names),
        runs=tuple(runs),
        notes=tuple(notes),
        trainings=trainings,
        differences=differences,
        verdict=suite_sentence(over_suite)
        + (_verdict(names, runs, differences, trainings) if tested or len(names) == 1 else alone),
        provenance=provenance,
        suite=over_suite,
        seen=tuple(seen),
    )


def _differences(
    names: Sequence[str], runs: Sequence[TaskRun], trainings: Mapping[str, Sequence[Training]]
) -> list[Difference]:
    """The first candidate against each other one, all tests corrected together.

    Runs in which a seed broke on either side are left out.
    """
    first = names[0]
    sound = [
        (other, run, a.returns, b.returns)
        for other in names[1:]
        for run, a, b in zip(runs, trainings[first], trainings[other], strict=True)
        if a.sound and b.sound
    ]
    if not sound:
        return []
    tests = corrected_difference([(a, b) for *_, a, b in sound], resamples=max(40_000, 800 * len(sound)))
    return [
        Difference(first, other, run, interval=test.interval, p_value=test.p_value, verdict=test.verdict)
        for (other, run, *_), test in zip(sound, tests, strict=True)
    ]


def _verdict(
    names: Sequence[str],
    runs: Sequence[TaskRun],
    differences: Sequence[Difference],
    trainings: Mapping[str, Sequence[Training]],
) -> str:
    """One sentence per baseline, joined: on how many runs the first candidate is better, worse, or neither."""
    if len(names) == 1:
        return f"{names[0]} was trained alone: nothing to compare with."
    seeds, count = len(trainings[names[0]][0].returns), len(differences)
    subject = "the difference" if count == 1 else f"{count} differences together"
    if any(d.verdict == "too few seeds" for d in differences):
        return (
            f"{names[0]} is not judged: {seeds} seeds are too few for a verdict on {subject}; "
            f"give {seeds_for_verdict(count)} or more."
        )
    parts = [_against(other, runs, [d for d in differences if d.baseline == other]) for other in names[1:]]
    corrected = f"; verdicts and intervals of differences corrected over all {count} (Holm)" if count > 1 else ""
    return f"{names[0]} is " + "; ".join(parts) + f" ({seeds} seeds, 95 % intervals{corrected})."


def _against(other: str, runs: Sequence[TaskRun], differences: Sequence[Difference]) -> str:
    """The part of the verdict about one baseline."""
    better = [d.run.label for d in differences if d.verdict == "better"]
    worse = [d.run.label for d in differences if d.verdict == "worse"]
    parts = [
        f"better than {other} on {len(better)} of {len(runs)} runs" + (f" ({', '.join(better)})" if better else ""),
        f"worse on {len(worse)}" + (f" ({', '.join(worse)})" if worse else ""),
        f"not told apart on {len(differences) - len(better) - len(worse)}",
    ]
    if missing := len(runs) - len(differences):
        parts.append(f"not comparable on {missing} because a seed broke")
    return ", ".join(parts)
