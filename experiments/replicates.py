"""Several searches of one config with different seeds, side by side in tables of Markdown: a claim about a search counts these.

    discover search experiments/levers.yaml --set seed=0 --directory levers-0      # and so on, for each seed
    python experiments/replicates.py levers-0 levers-1 levers-2

First the primary test, if the config has a suite: the champion minus each baseline over it, and in how many searches it is
better. The better one of a baseline and its tuned version is the one beside which the champion gains less. Then, by search,
the tasks on which the champion is better than every baseline; then the return of all candidates on each task of the report.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

Result = Mapping[str, Any]
"""The ``result.json`` of a search."""

TUNED = "tuned "
"""How the name of a baseline begins that is another one, tuned."""


def number(value: float) -> str:
    """A number with three digits, in a column of numbers.

    >>> number(0.1234), number(-12.34), number(431.6)
    ('.123', '-12.3', '432')
    """
    if abs(value) >= 100.0:
        return f"{value:.0f}"
    if abs(value) >= 10.0:
        return f"{value:.1f}"
    return f"{value:.3f}".replace("0.", ".", 1) if abs(value) < 1.0 else f"{value:.2f}"


def whole_or_broken(value: float | None) -> str:
    """A return, or that there is none since lifetimes broke."""
    return "broken" if value is None else number(value)


def interval(row: Mapping[str, Any], estimate: str) -> str:
    """An estimate with its interval."""
    low, high = map(number, row["interval"])
    return f"{number(row[estimate])} [{low}, {high}]"


def suite_table(results: Sequence[Result]) -> str:
    """The champion minus each baseline over the suite, a column for each search."""
    pairs = [{row["baseline"]: row for row in result["suite"]} for result in results]
    lines = []
    for name in pairs[0]:
        rows = [by_name[name] for by_name in pairs]
        better = sum(row["verdict"] == "better" for row in rows)
        lines.append([name, *(f"{interval(row, 'estimate')} {row['verdict']}" for row in rows), f"{better} of {len(rows)}"])
    for name in pairs[0]:
        if f"{TUNED}{name}" in pairs[0]:
            rows = [min(by_name[name], by_name[f"{TUNED}{name}"], key=lambda row: row["estimate"]) for by_name in pairs]
            better = sum(row["verdict"] == "better" for row in rows)
            cells = (f"{number(row['estimate'])} ({row['baseline']})" for row in rows)
            lines.append([f"the better {name}", *cells, f"{better} of {len(rows)}"])
    return table(["champion minus", *(f"search {place}" for place in range(len(results))), "better"], lines)


def task_tables(results: Sequence[Result]) -> str:
    """The interquartile mean of each candidate on each task; (+) where the champion is better, (-) where it is worse."""
    marks = {"better": " (+)", "worse": " (-)"}
    parts = []
    for place, result in enumerate(results):
        names = list(dict.fromkeys(row["candidate"] for row in result["table"]))
        by_task: dict[tuple[str, int, str], dict[str, str]] = {}
        for row in result["table"]:
            verdict = (row["first_minus_this"] or {}).get("verdict", "")
            cells = by_task.setdefault((row["task"], row["steps"], row["note"]), {})
            cells[row["candidate"]] = whole_or_broken(row["iqm"]) + marks.get(verdict, "")
        lines = [
            [f"{task} @ {steps:,} ({note})", *(cells[name] for name in names)] for (task, steps, note), cells in by_task.items()
        ]
        parts.append(table([f"search {place}", *names], lines))
    return "\n\n".join(parts)


def beaten(result: Result) -> dict[str, str]:
    """The champion beside the best of all baselines on each task: (+) where it is better than all, (-) where worse than one."""
    by_task: dict[str, list[Mapping[str, Any]]] = {}
    for row in result["table"]:
        by_task.setdefault(f"{row['task']} @ {row['steps']:,} ({row['note']})", []).append(row)
    cells = {}
    for task, rows in by_task.items():
        champion, *others = rows
        verdicts = {(row["first_minus_this"] or {}).get("verdict") for row in others}
        mark = " (+)" if verdicts == {"better"} else " (-)" if "worse" in verdicts else ""
        best = max((row["iqm"] for row in others if row["iqm"] is not None), default=None)
        cells[task] = f"{whole_or_broken(champion['iqm'])} / {whole_or_broken(best)}{mark}"
    return cells


def beaten_table(results: Sequence[Result]) -> str:
    """A line for each search, a column for each task, and in how many searches the champion is better than every baseline."""
    lines = [beaten(result) for result in results]
    counts = [f"{sum(line[task].endswith('(+)') for line in lines)} of {len(lines)}" for task in lines[0]]
    cells = [[str(place), *line.values()] for place, line in enumerate(lines)]
    return table(["search", *lines[0]], [*cells, ["better than all", *counts]])


def cost(result: Result) -> str:
    """What a search has spent, and whether it doubts its choice."""
    doubt = result["champion_doubt"]
    doubted = f", another finalist is better with probability {doubt['probability']:.2f}" if doubt else ""
    return f"{result['env_steps'] / 1e6:.1f} million env steps, {result['seconds'] / 60:.0f} minutes{doubted}"


def table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table of Markdown."""
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def read(directory: Path) -> Result:
    """The result of a finished search.

    Raises:
        SystemExit: it is not finished, or has no report.
    """
    path = directory / "result.json"
    if not path.is_file():
        raise SystemExit(f"{directory} holds no finished search: run or resume it first.")
    result = json.loads(path.read_text(encoding="utf-8"))
    if not result.get("table"):
        raise SystemExit(f"the config of {directory} asks for no report: give it 'report' with baselines and tasks.")
    return result


def read_all(directories: Sequence[Path]) -> list[Result]:
    """The results of finished searches of one config.

    Raises:
        SystemExit: they are compared with different baselines.
    """
    results = [read(directory) for directory in directories]
    first, *others = [{row["baseline"] for row in result.get("suite") or ()} for result in results]
    for directory, names in zip(directories[1:], others, strict=True):
        for name in sorted(first ^ names):
            raise SystemExit(
                f"{directories[0]} and {directory} are not both compared with {name!r} over the suite: it broke in one of "
                "them, or they are searches of different configs."
            )
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directories", nargs="+", type=Path, help="of finished searches")
    results = read_all(parser.parse_args().directories)
    if all(result.get("suite") for result in results):
        print(suite_table(results))
        estimates = np.array([[row["estimate"] for row in result["suite"]] for result in results])
        print(f"\nMean over searches: {', '.join(number(mean) for mean in estimates.mean(axis=0))}.\n")
    print(f"{beaten_table(results)}\n")
    print("\n".join(f"- Search {place}: {cost(result)}." for place, result in enumerate(results)))
    print(f"\n{task_tables(results)}")


if __name__ == "__main__":
    main()
