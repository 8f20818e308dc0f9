"""Do verdicts and intervals keep what they promise? Simulated returns, of which the truth is known.

    python experiments/statistics_simulation.py                       # all tables of statistics.md
    python experiments/statistics_simulation.py coverage --trials 500 --json   # one of them, as one JSON object

Returns are functions of a standard normal number z, one per seed and algorithm; algorithms share seeds by correlated z.
"Before" is what stood here until now: the percentile bootstrap of pairs of seeds, Holm-corrected for each baseline by
itself, and its intervals.
"""

import argparse
import functools
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from discover import (
    Interval,
    bootstrap_interval,
    corrected_difference,
    holm,
    interquartile_mean,
    permutation_p_values,
    seeds_for_verdict,
)

FloatArray = NDArray[np.float64]
Returns = Callable[[FloatArray], FloatArray]
Row = dict[str, Any]
ALPHA, BATCH, DRAWS = 0.05, 100, 500
CORRELATIONS = (0.0, 0.3)


def bimodal(z: FloatArray, low: float = 0.3) -> FloatArray:
    """Near 0 for a share ``low`` of the seeds and near 1 for the others."""
    return (ndtr(z) > low) + 0.2 * ndtr(z)


def capped(z: FloatArray, share: float = 0.65) -> FloatArray:
    """Normal with a standard deviation of 150, cut at 500 for a ``share`` of the seeds."""
    return np.minimum(500.0, 500.0 + 150.0 * (z + ndtri(share)))


KINDS: dict[str, Returns] = {"normal": lambda z: z, "skewed": np.exp, "bimodal": bimodal, "capped": capped}
UNEQUAL: dict[str, tuple[Returns, Returns]] = {
    "normal, spread 1 and 3": (lambda z: z, lambda z: 3 * z),
    "skewed, spread 1 and 2": (np.exp, lambda z: 2 * np.exp(z)),
    "skewed, and its mirror image": (np.exp, lambda z: -np.exp(z)),
    "bimodal, 10 and 50 % failures": (functools.partial(bimodal, low=0.1), functools.partial(bimodal, low=0.5)),
    "capped, 80 and 50 % at the cap": (functools.partial(capped, share=0.8), functools.partial(capped, share=0.5)),
    "capped, 95 and 30 % at the cap": (functools.partial(capped, share=0.95), functools.partial(capped, share=0.3)),
}


def truth(returns: Returns) -> float:
    """The interquartile mean of the distribution."""
    return float(returns(ndtri(0.25 + 0.5 * (np.arange(1_000_000) + 0.5) / 1_000_000)).mean())


def seeds_of(random: np.random.Generator, correlation: float, *shape: int) -> FloatArray:
    """z ``[..., algorithms, S]``, correlated over algorithms."""
    common = random.normal(size=(*shape[:-2], 1, shape[-1]))
    return np.sqrt(correlation) * common + np.sqrt(1 - correlation) * random.normal(size=shape)


# Before ---------------------------------------------------------------------------------------------------------------


def bootstrapped(scores: FloatArray, seed: int = 0) -> FloatArray:
    """Draws ``[N, DRAWS]`` of the IQM of ``scores[N, S]``, the same seeds for each row."""
    size = scores.shape[-1]
    rows = np.random.default_rng(seed).integers(size, size=(DRAWS, size))
    return np.concatenate([interquartile_mean(part[:, rows]) for part in batches(scores)])


def batches(scores: FloatArray) -> list[FloatArray]:
    return [scores[start : start + BATCH] for start in range(0, len(scores), BATCH)]


def p_values_before(a: FloatArray, b: FloatArray) -> FloatArray:
    d = bootstrapped(a) - bootstrapped(b)
    d[np.abs(d) <= 1e-12 * np.abs(a).max()] = 0
    tails = np.minimum((d <= 0).sum(axis=-1), (d >= 0).sum(axis=-1))
    return np.minimum(1.0, 2 * (1 + tails) / (DRAWS + 1))


# Tables: each row draws from a stream of its own, so that a part of a table is that part of the whole ------------------


def stream(*words: object) -> np.random.Generator:
    return np.random.default_rng([*" ".join(map(str, words)).encode()])


def false_verdicts(kind: str, trials: int) -> Iterator[Row]:
    """Share of families of equal algorithms in which any difference gets a verdict."""
    for baselines, runs in ((1, 1), (3, 4)):
        for correlation in CORRELATIONS:
            for seeds in (seeds_for_verdict(baselines * runs), 16):
                random = stream("false verdicts", kind, baselines, runs, correlation, seeds)
                scores = KINDS[kind](seeds_of(random, correlation, trials, runs, 1 + baselines, seeds))
                first = np.repeat(scores[:, None, :, 0], baselines, axis=1)
                others = np.moveaxis(scores[:, :, 1:], 2, 1)  # [trials, baselines, runs, S]
                row = {"returns": kind, "baselines": baselines, "runs": runs, "correlation": correlation, "seeds": seeds}
                before, now = verdict_before(first, others).mean(), verdict_now(first, others).mean()
                yield {**row, "before": before, "now": now, "trials": trials}


def verdict_now(first: FloatArray, others: FloatArray) -> np.ndarray:
    """Per family, whether any pair gets a verdict; judged in full only where the permutation test lets a pair through."""
    trials, seeds = len(first), first.shape[-1]
    a, b = first.reshape(trials, -1, seeds), others.reshape(trials, -1, seeds)
    level, found = ALPHA / a.shape[1], np.zeros(trials, bool)
    for trial, some in enumerate(permutation_p_values(x, y, 4000) for x, y in zip(a, b, strict=True)):
        close = some <= 10 * level  # the first tenth of the splits: others cannot pass any more
        if close.any() and permutation_p_values(a[trial, close], b[trial, close]).min() <= level:
            judged = corrected_difference(list(zip(a[trial], b[trial], strict=True)))
            found[trial] = any(one.verdict in ("better", "worse") for one in judged)
    return found


def verdict_before(first: FloatArray, others: FloatArray) -> np.ndarray:
    trials, baselines, runs, seeds = first.shape
    p_values = p_values_before(first.reshape(-1, seeds), others.reshape(-1, seeds)).reshape(trials, baselines, runs)
    return np.array([min(holm(p).min() for p in family) <= ALPHA for family in p_values])


def coverage(kind: str, trials: int) -> Iterator[Row]:
    """Share of 95 % intervals of one candidate that hold the true IQM."""
    returns, true = KINDS[kind], truth(KINDS[kind])
    for seeds in (8, 10, 16):
        scores = returns(stream("coverage", kind, seeds).normal(size=(trials, seeds)))
        d = np.sort(bootstrapped(scores), axis=-1)
        rank = int(0.025 * (DRAWS + 1))
        before = holds(d[:, rank - 1], d[:, -rank], true).mean()
        now = held([bootstrap_interval(one) for one in scores], true)
        yield {"returns": kind, "seeds": seeds, "before": before, "now": now, "trials": trials}


def unequal(kind: str, trials: int) -> Iterator[Row]:
    """Share of intervals of one difference that hold the true one, of two algorithms with different distributions."""
    one, other = UNEQUAL[kind]
    true = truth(one) - truth(other)
    for seeds in (8, 16):
        z = stream("unequal", kind, seeds).normal(size=(trials, 2, seeds))
        pairs = zip(one(z[:, 0]), other(z[:, 1]), strict=True)
        now = held([corrected_difference([pair])[0].interval for pair in pairs], true)
        yield {"returns": kind, "seeds": seeds, "now": now, "trials": trials}


def held(intervals: Sequence[Interval], true: float) -> float:
    low, high = np.array([interval.low for interval in intervals]), np.array([interval.high for interval in intervals])
    return float(holds(low, high, true).mean())


def holds(low: FloatArray, high: FloatArray, true: float) -> np.ndarray:
    slack = 1e-9 * abs(true)
    return (low - slack <= true) & (true <= high + slack)


def power(kind: str, trials: int) -> Iterator[Row]:
    """The shift of z that is found with 80 %: alone, and by the first step of Holm's procedure among 3 baselines and 4 runs."""
    shifts = np.arange(0.6, 3.01, 0.3)
    for correlation in CORRELATIONS:
        random, shares = stream("power", kind, correlation), list[list[float]]()
        for shift in shifts:
            z = seeds_of(random, correlation, trials, 2, 16)
            a, b = KINDS[kind](z[:, 0]), KINDS[kind](z[:, 1] - shift)
            now = np.array([corrected_difference([pair])[0].p_value for pair in zip(a, b, strict=True)])
            before = p_values_before(a, b)
            steps = ((before, 1), (now, 1), (before, 4), (now, 12))  # each baseline by itself, before
            shares.append([float((p <= ALPHA / tests).mean()) for p, tests in steps])
            if min(shares[-1]) > 0.9:
                break
        names = ("before, alone", "now, alone", "before, of 12", "now, of 12")
        found = [crossing(shifts, np.array(share)) for share in np.transpose(shares)]
        yield {"returns": kind, "correlation": correlation, **dict(zip(names, found, strict=True)), "trials": trials}


def crossing(shifts: FloatArray, share: FloatArray, at: float = 0.8) -> float:
    rising = np.maximum.accumulate(share)
    return float(np.interp(at, rising, shifts[: len(rising)], left=np.nan, right=np.nan))


class Table(NamedTuple):
    rows: Callable[[str, int], Iterator[Row]]
    kinds: Sequence[str]
    part: int  # of the trials: 1 in so many, where each is dear


TABLES = {
    "false_verdicts": Table(false_verdicts, [*KINDS], 4),
    "coverage": Table(coverage, [*KINDS], 1),
    "unequal": Table(unequal, [*UNEQUAL], 15),
    "power": Table(power, [*KINDS], 30),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="*", metavar="TABLE", help=f"of {', '.join(TABLES)}; all by default")
    parser.add_argument("--returns", help="the rows of one kind of returns")
    parser.add_argument("--trials", type=int, default=3000, help="of each row of coverage; fewer elsewhere")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    asked = parser.parse_args()
    if unknown := set(asked.tables) - set(TABLES):
        parser.error(f"unknown table {', '.join(sorted(unknown))}: choose from {', '.join(TABLES)}")
    found = dict[str, list[Row]]()
    for name in asked.tables or TABLES:
        rows, kinds, part = TABLES[name]
        found[name] = [row for kind in kinds if asked.returns in (None, kind) for row in rows(kind, asked.trials // part)]
        if not asked.json and found[name]:
            show(found[name])
    if asked.json:
        print(json.dumps(found))


def show(rows: list[Row]) -> None:
    """A table in Markdown; shares with their Monte Carlo error."""
    heads = [head for head in rows[0] if head != "trials"]
    print("| " + " | ".join(heads) + " |\n|" + " --- |" * len(heads))
    for row in rows:
        print("| " + " | ".join(cell(head, row) for head in heads) + " |")
    print(flush=True)


def cell(head: str, row: Row) -> str:
    value = row[head]
    if head in ("before", "now"):
        return f"{100 * value:.1f} ({100 * np.sqrt(value * (1 - value) / row['trials']):.1f}) %"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
