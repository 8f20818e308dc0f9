"""A thousand workers: how many of them work, and what it costs to tell each one what to do?

    python experiments/scheduler.py                            # the tables of docs/scale.md
    python experiments/scheduler.py --figure scheduler.png     # the figure too
    python experiments/scheduler.py --json --workers 100       # one JSON object

A simulation of pieces of work on workers, without any of them: a piece has a duration, and a worker does one piece at a time.
Durations are log-normal. Their spread is that of speeds that were measured (`SPEEDS`), and a compilation takes as long as one
of PPO did. What is simulated is who waits for whom; no GPU was at hand, so that durations are relative to their mean.
"""

import argparse
import heapq
import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

SPEEDS = {  # env steps/s on two CPU cores, of docs/speed.md; each line is a choice that a space can leave open
    "rule and task": (149_133, 75_384, 72_291),  # PPO on CartPole and on Breakout, DQN on CartPole
    "width": (279_091, 113_273, 38_344),  # 64, 128, 256
    "environments": (443_268, 374_996, 215_966, 313_649),  # 4, 16, 64, 256
    "steps per batch": (308_125, 483_462, 393_104),  # 32, 128, 512
}
COMPILATION = 9.4
"""CPU seconds of a structure of PPO (experiments/many_structures.md)."""

LIFETIME_BYTES = {"PPO on CartPole": 0.14 * 2**20, "SAC on Pendulum": 9.3 * 2**20, "DQN on Breakout": 31.5 * 2**20}
"""Bytes of a lifetime in the middle of its training, measured."""

CURVE_BYTES = 100 * 4 * 5 + 5
"""Bytes of the curves of a lifetime of PPO: 100 rows of return, length and three numbers of the rule; a flag and a count."""

SPREADS, CANDIDATES_EACH, AHEAD, FAILURE_HOURS, LINK = (0.0, 0.5, 1.0, 1.5, 2.0), 100, 100, 10_000.0, 1.25e9


def measured_spread() -> float:
    """The standard deviation of the logarithm of durations over candidates that differ in all that was measured."""
    return float(np.sqrt(sum(np.var(np.log(speeds)) for speeds in SPEEDS.values())))


def durations(rng: np.random.Generator, count: int, spread: float) -> FloatArray:
    """Log-normal durations of mean 1."""
    return np.exp(spread * rng.standard_normal(count) - 0.5 * spread**2)


def makespan(pieces: FloatArray, workers: int) -> float:
    """When the last piece is done, if each worker that is free takes the next one in line.

    >>> makespan(np.array([3.0, 1.0, 1.0, 1.0]), workers=2)
    3.0
    """
    free = [0.0] * workers
    for piece in pieces.tolist():
        heapq.heapreplace(free, free[0] + piece)
    return float(max(free))


def with_barriers(pieces: FloatArray, workers: int, population: int) -> float:
    """The share of time that workers are busy, if a generation begins when the one before it is done.

    >>> with_barriers(np.array([1.0, 3.0, 2.0, 2.0]), workers=2, population=2)
    0.8
    """
    total = sum(makespan(pieces[first : first + population], workers) for first in range(0, len(pieces), population))
    return float(pieces.sum() / (workers * total))


def with_a_share(pieces: FloatArray, workers: int, population: int, share: float) -> float:
    """The share of time that workers are busy, if a generation begins when so large a share of the one before it is done.

    What is not done by then goes on, and is told to the strategy with a later generation.

    >>> with_a_share(np.array([1.0, 3.0, 1.0, 1.0]), workers=2, population=2, share=0.5)
    1.0
    """
    free, begin = [0.0] * workers, 0.0
    for first in range(0, len(pieces), population):
        ends = []
        for piece in pieces[first : first + population].tolist():
            ends.append(max(begin, free[0]) + piece)
            heapq.heapreplace(free, ends[-1])
        begin = float(np.sort(ends)[max(1, int(np.ceil(share * len(ends)))) - 1])
    return float(pieces.sum() / (workers * max(free)))


def compiling(
    pieces: FloatArray, structures: NDArray[np.int64], workers: int, *, compilation: float, kept: int, homes: bool
) -> tuple[float, float]:
    """The compilations per structure, and the share of all work that they are.

    A worker keeps the programs of the structures that it used last. With homes, a worker that is free takes the next piece of
    which it has the program, if the line has one among the next `AHEAD` pieces; else the first.

    Args:
        pieces, structures: duration and structure of each piece.
        workers: how many.
        compilation: its duration.
        kept: programs that a worker keeps.
        homes: whether workers prefer what they have the program of.

    >>> both = np.ones(4), np.array([0, 1, 0, 1])
    >>> compiling(*both, workers=2, compilation=1.0, kept=1, homes=True)
    (1.0, 0.3333333333333333)
    >>> compiling(*both, workers=1, compilation=1.0, kept=1, homes=False)
    (2.0, 0.5)
    """
    free = [(0.0, worker) for worker in range(workers)]
    programs: list[dict[int, None]] = [{} for _ in range(workers)]
    line, compilations = list(range(len(pieces)))[::-1], 0
    while line:
        now, worker = heapq.heappop(free)
        mine, place = programs[worker], len(line) - 1
        if homes:
            near = range(place, max(-1, place - AHEAD), -1)
            place = next((p for p in near if int(structures[line[p]]) in mine), place)
        piece = line.pop(place)
        structure, needed = int(structures[piece]), 0.0
        if structure not in mine:
            compilations, needed = compilations + 1, compilation
        mine.pop(structure, None)
        mine[structure] = None
        if len(mine) > kept:
            del mine[next(iter(mine))]
        heapq.heappush(free, (now + needed + pieces[piece], worker))
    spent = compilation * compilations
    return compilations / len(set(structures.tolist())), spent / (spent + float(pieces.sum()))


def lost(hours: float, window: float = np.inf, mean_time: float = FAILURE_HOURS) -> float:
    """The time that it takes to finish a lifetime on workers that fail, over the time without failures.

    Args:
        hours: of the lifetime.
        window: hours after which its state is stored; without, it begins anew.
        mean_time: mean hours between two failures of a worker.

    >>> round(lost(1.0), 4), round(lost(10_000.0), 2), round(lost(10_000.0, window=1.0), 4)
    (1.0001, 1.72, 1.0001)
    """
    each = min(hours, window)
    return float(mean_time / each * np.expm1(each / mean_time))


def busy_table(workers: int, seed: int) -> list[dict[str, Any]]:
    """The busy share of a search of a hundred candidates per worker, by the spread of durations."""
    rng, rows = np.random.default_rng(seed), []
    for spread in sorted({*SPREADS, round(measured_spread(), 2)}):
        pieces = durations(rng, CANDIDATES_EACH * workers, spread)
        row: dict[str, Any] = {"spread": spread}
        for each in (1, 4, 16):
            row[f"barriers, {each} per worker"] = with_barriers(pieces, workers, each * workers)
        row["not waiting for the last tenth, 4 per worker"] = with_a_share(pieces, workers, 4 * workers, 0.9)
        row["no barriers"] = with_barriers(pieces, workers, len(pieces))
        rows.append(row)
    return rows


def program_table(workers: int, seed: int) -> list[dict[str, Any]]:
    """Compilations by where pieces go: ten pieces per worker, of a hundred structures."""
    rng, rows = np.random.default_rng(seed), []
    pieces, structures = durations(rng, 10 * workers, measured_spread()), rng.integers(100, size=10 * workers)
    for minutes in (1.0, 10.0, 120.0):
        for homes in (False, True):
            compilation = COMPILATION / (60.0 * minutes)
            each, share = compiling(pieces, structures, workers, compilation=compilation, kept=48, homes=homes)
            rows.append({"minutes": minutes, "homes": homes, "compilations per structure": each, "share of the work": share})
    return rows


def host_table(workers: int, seeds: int = 8) -> list[dict[str, Any]]:
    """What one host receives: the curves, or the lives, of a generation of four members per worker."""
    lifetimes = 4 * workers * seeds
    sizes = {"curves": float(CURVE_BYTES), **{f"lives, {name}": size for name, size in LIFETIME_BYTES.items()}}
    return [{"what": name, "GB": lifetimes * size / 1e9, "seconds": lifetimes * size / LINK} for name, size in sizes.items()]


def failure_table() -> list[dict[str, Any]]:
    """The factor that failures cost, by the length of a lifetime."""
    lengths = (1.0, 24.0, 7 * 24.0, 30 * 24.0)
    return [{"hours": hours, "anew": lost(hours), "stored hourly": lost(hours, 1.0)} for hours in lengths]


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100.0 else f"{value:.4g}" if 1.0 < value < 1.1 else f"{value:.2g}"


def markdown(rows: list[dict[str, Any]]) -> str:
    """Rows as a table of Markdown."""
    cells = [[_short(value) if isinstance(value, float) else str(value) for value in row.values()] for row in rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in (list(rows[0]), ["---"] * len(rows[0]), *cells))


def draw(rows: list[dict[str, Any]], path: str) -> None:
    """The busy share over the spread of durations."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
    spreads = [row["spread"] for row in rows]
    for name in list(rows[0])[1:]:
        axes.plot(spreads, [row[name] for row in rows], marker="o", markersize=3, label=name)
    axes.axvline(measured_spread(), color="gray", linestyle=":", label="spread that was measured")
    axes.set(xlabel="standard deviation of the logarithm of durations", ylabel="busy share of workers", ylim=(0.0, 1.05))
    axes.legend(fontsize=7)
    figure.savefig(path, dpi=150)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--figure", metavar="PATH", help="draw the busy share into this file")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    asked = parser.parse_args()
    tables = {
        "busy": busy_table(asked.workers, asked.seed),
        "programs": program_table(asked.workers, asked.seed),
        "host": host_table(asked.workers),
        "failures": failure_table(),
    }
    if asked.figure:
        draw(tables["busy"], asked.figure)
    print(json.dumps(tables) if asked.json else "\n\n".join(map(markdown, tables.values())))


if __name__ == "__main__":
    main()
