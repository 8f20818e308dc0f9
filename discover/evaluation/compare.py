"""Compare candidates over tasks and seeds: figures with their uncertainty, and an honest sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from discover.base.errors import UserError
from discover.base.statistics import corrected_difference, seeds_for_verdict
from discover.config.tasks import check_distinct
from discover.contract.algorithm import Algorithm
from discover.contract.events import TaskRun
from discover.contract.executor import Executor
from discover.contract.registry import Registry
from discover.contract.results import Comparison, Difference, Training
from discover.evaluation.checks import check_lifetimes
from discover.evaluation.train import trained
from discover.plugin.provenance import provenance


def compare(
    registry: Registry,
    executor: Executor,
    candidates: Mapping[str, Algorithm],
    runs: Sequence[TaskRun],
    seeds: int,
    seed: int = 0,
    notes: Sequence[str] = (),
    purpose: str = "report",
    progress: Callable[[str, float], None] | None = None,
) -> Comparison:
    """Train every candidate on every task, and test the first one against each of the others.

    All candidates see the same seeds, of a stream that no search uses. Where two algorithms are equal, the chance that any of
    the differences is called one is at most 5 %, over all baselines and runs together (Holm). Every interval of a difference
    has the level of its test, so that 'better' and 'worse' are those that exclude zero; with too few seeds for that, nothing
    is judged.

    Args:
        registry: knows the tasks.
        executor: where to run.
        candidates: by name; the first one is the one in question.
        runs: tasks and horizons.
        seeds: S >= 2; a verdict needs `discover.base.statistics.seeds_for_verdict` of them.
        seed: of the stream that the S seeds come from.
        notes: what each run is (searched, unseen, ...).
        purpose: name of the stream of seeds.
        progress: called with what is being trained, and the share of the whole that is done.

    Raises:
        UserError: a run is given twice, or a candidate cannot be trained in a run; told before the first lifetime.
    """
    if seeds < 2:
        tests = max(1, (len(candidates) - 1) * len(runs))
        need = f"2 seeds or more to tell chance from difference ({seeds_for_verdict(tests)} for a verdict)"
        raise UserError(f"a comparison needs {need}; got {seeds}.")
    check_distinct(runs, "tasks")
    check_lifetimes(registry, candidates, runs)
    trainings: dict[str, list[Training]] = {name: [] for name in candidates}
    facts, count = provenance(registry), len(candidates) * len(runs)
    for index, run in enumerate(runs):
        for place, (name, algorithm) in enumerate(candidates.items()):
            before = index * len(candidates) + place

            def tell(share: float, label: str = f"{name} on {run.label}", before: int = before) -> None:
                if progress is not None:
                    progress(label, (before + share) / count)

            tell(0.0)
            trainings[name].append(trained(registry, executor, name, algorithm, run, seeds, seed, purpose, tell, facts))
    differences = _differences(list(candidates), runs, trainings)
    return Comparison(
        candidates=tuple(candidates),
        runs=tuple(runs),
        notes=tuple(notes) or ("",) * len(runs),
        trainings=trainings,
        differences=differences,
        verdict=_verdict(list(candidates), runs, differences, trainings),
        provenance=facts,
    )


def _differences(
    names: Sequence[str], runs: Sequence[TaskRun], trainings: Mapping[str, Sequence[Training]]
) -> list[Difference]:
    """The first candidate against each other one, judged together; runs in which a seed broke on either side are left out."""
    first = names[0]
    sound = [
        (other, run, a.returns, b.returns)
        for other in names[1:]
        for run, a, b in zip(runs, trainings[first], trainings[other], strict=True)
        if a.sound and b.sound
    ]
    if not sound:
        return []
    tested = corrected_difference([(a, b) for *_, a, b in sound], resamples=max(40_000, 800 * len(sound)))
    return [
        Difference(first, other, run, found.interval, found.p_value, found.verdict)
        for (other, run, *_), found in zip(sound, tested, strict=True)
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
    judged = "the difference" if count == 1 else f"{count} differences together"
    if any(d.verdict == "too few seeds" for d in differences):
        return (
            f"{names[0]} is not judged: {seeds} seeds are too few for a verdict on {judged}; "
            f"give {seeds_for_verdict(count)} or more."
        )
    parts = [_against(other, runs, [d for d in differences if d.baseline == other]) for other in names[1:]]
    corrected = f"; verdicts and intervals of differences corrected over all {count} (Holm)" if count > 1 else ""
    return f"{names[0]} is " + "; ".join(parts) + f" ({seeds} seeds, 95 % intervals{corrected})."


def _against(other: str, runs: Sequence[TaskRun], found: Sequence[Difference]) -> str:
    better = [d.run.label for d in found if d.verdict == "better"]
    worse = [d.run.label for d in found if d.verdict == "worse"]
    words = [
        f"better than {other} on {len(better)} of {len(runs)} runs" + (f" ({', '.join(better)})" if better else ""),
        f"worse on {len(worse)}" + (f" ({', '.join(worse)})" if worse else ""),
        f"not told apart on {len(found) - len(better) - len(worse)}",
    ]
    if untold := len(runs) - len(found):
        words.append(f"not comparable on {untold} because a seed broke")
    return ", ".join(words)
