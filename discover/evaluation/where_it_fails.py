"""Where a candidate fails, from a comparison: sentences for its record."""

from __future__ import annotations

from discover.contract.results import Comparison

_LITTLE = 0.1
"""The share of the way from a random policy to the reference of a task up to which hardly anything is learned."""

_SUITE = {"worse": "worse than", "no difference": "not better than"}
"""The verdicts over a suite that are failures."""


def failures_in(comparison: Comparison) -> list[str]:
    """Where the first candidate of a comparison is worse than another one, learns hardly anything, or breaks.

    A suite over which it is not better than another candidate counts too, where there are seeds enough for a verdict.
    """
    first = comparison.candidates[0]
    told = [f"{_SUITE[one.verdict]} {one.baseline} over the suite" for one in comparison.suite if one.verdict in _SUITE]
    told += [f"worse than {one.baseline} on {one.run.label}" for one in comparison.differences if one.verdict == "worse"]
    for training in comparison.trainings[first]:
        if not training.sound:
            told.append(f"breaks with some seeds on {training.run.label}")
        elif training.references is not None:
            random, reference = training.references
            share = (training.interval.estimate - random) / (reference - random)
            if share <= _LITTLE:
                told.append(f"learns hardly anything on {training.run.label}: {share:.0%} of the way to the reference")
    return told
