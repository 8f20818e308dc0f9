"""The tables and the figure of meta_rl.md, from the lines that meta_rl.py prints.

    python experiments/meta_rl.py --json >> meta_rl.jsonl
    python experiments/meta_rl_table.py meta_rl.jsonl

A system's *way to measure* with the highest return after three steps is the one that the figure shows and that is compared by
the env steps of training: 20 episodes for each step where it adapts by gradients. It has reached a return when the best of its
first three steps has, on average over seeds and goals, after a sixteenth, an eighth, a quarter, half or all of its training.
"""

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from discover import bootstrap_interval

LEVELS = {"square": (-35.0, -30.0, -25.0, -20.0), "half-circle": (1.0, 1.5, 2.0, 3.0, 4.0)}
"""Returns after adaptation that systems are compared by."""

OFF_POLICY, GRADIENTS = ("pearl", "mql"), ("maml", "promp")
PLAIN = ("greedy", "as in training")


class Training(NamedTuple):
    """All parts of the training of one system on one task.

    Attributes:
        task, system: their names.
        env_steps: ``[parts]`` of one training so far.
        minutes: of one training.
        returns: ``[parts, S, 1 + steps]`` means over goals for each way to measure.
    """

    task: str
    system: str
    env_steps: np.ndarray
    minutes: float
    returns: dict[str, np.ndarray]

    @property
    def best_way(self) -> str:
        """The way to measure with the highest return after the last step."""
        return max(self.returns, key=lambda how: self.returns[how][-1, :, -1].mean())

    def adapted(self) -> np.ndarray:
        """The return after the best number of steps, one or more, after each part of the training: ``[parts]``."""
        return self.returns[self.best_way][:, :, 1:].mean(axis=1).max(axis=-1)

    def steps_to(self, level: float) -> int | None:
        """The env steps of training after which adapted agents first reach a return."""
        reached = np.flatnonzero(self.adapted() >= level)
        return int(self.env_steps[reached[0]]) if len(reached) else None


def trainings(lines: list[str]) -> list[Training]:
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for line in lines:
        part = json.loads(line)
        found.setdefault((part["task"], part["system"]), []).append(part)
    return [_training(task, system, parts) for (task, system), parts in found.items()]


def _training(task: str, system: str, parts: list[dict[str, Any]]) -> Training:
    returns = {how: np.asarray([part["returns"][how] for part in parts]) for how in parts[-1]["returns"]}
    seeds = len(next(iter(returns.values()))[0])
    env_steps = np.asarray([part["env_steps"] for part in parts])
    return Training(task, system, env_steps=env_steps, minutes=parts[-1]["minutes"] / seeds, returns=returns)


def rows(training: Training, *, plain: bool) -> list[str]:
    """Rows after the whole training: with an episode for each step, or with 20."""
    made = []
    for how, returns in training.returns.items():
        if (how in PLAIN) != plain:
            continue
        cells = [bootstrap_interval(means, np.mean) for means in returns[-1].T]
        texts = [f"{cell.estimate:.2f} [{cell.low:.2f}, {cell.high:.2f}]" for cell in cells]
        spent = f"{training.env_steps[-1]:,} | {training.minutes:.1f}"
        made.append(f"| {training.system} | {how.split(',')[0]} | {' | '.join(texts)} | {spent} |")
    return made


def comparison(all_of_task: list[Training]) -> list[str]:
    """Rows of the env steps to each return, and how many times fewer the off-policy systems need."""
    steps = {one.system: [one.steps_to(level) for level in LEVELS[one.task]] for one in all_of_task}
    made = [f"| {system} | {' | '.join(f'{n:,}' if n else '-' for n in counts)} |" for system, counts in steps.items()]
    for off in OFF_POLICY:
        for on in GRADIENTS:
            pairs = zip(steps.get(off, []), steps.get(on, []), strict=False)
            cells = [f"{theirs / ours:.1f}" if ours and theirs else "-" for ours, theirs in pairs]
            made.append(f"| {on} : {off} | {' | '.join(cells)} |")
    return made


def figure(every: list[Training]) -> Figure:
    """Return after adaptation against env steps of training, a panel for each task."""
    tasks = list(dict.fromkeys(one.task for one in every))
    made = Figure(figsize=(5.5 * len(tasks), 4), layout="constrained")
    for axes, task in zip(made.subplots(1, len(tasks), squeeze=False)[0], tasks, strict=True):
        for one in (training for training in every if training.task == task):
            axes.plot(one.env_steps, one.adapted(), marker="o", markersize=3, label=f"{one.system} ({one.best_way})")
        axes.set(title=task, xscale="log", xlabel="env steps of training", ylabel="return after adaptation")
        axes.legend(fontsize=6)
    return made


def main() -> None:
    lines = [line for path in sys.argv[1:] for line in Path(path).read_text(encoding="utf-8").splitlines() if line.startswith("{")]
    every = trainings(lines)
    for task in dict.fromkeys(one.task for one in every):
        of_task = [one for one in every if one.task == task]
        for plain in (True, False):
            print(f"\n{task}, {'an episode' if plain else '20 episodes'} for each step\n")
            print("| system | | k = 0 | 1 | 2 | 3 | env steps | minutes |\n|" + " --- |" * 8)
            print("\n".join(row for one in of_task for row in rows(one, plain=plain)))
        print(f"\n{task}, env steps of training to a return\n")
        print("| system | " + " | ".join(f"{level:g}" for level in LEVELS[task]) + " |")
        print("|" + " --- |" * (1 + len(LEVELS[task])))
        print("\n".join(comparison(of_task)))
    figure(every).savefig(Path(__file__).with_name("meta_rl.png"), dpi=100)


if __name__ == "__main__":
    main()
