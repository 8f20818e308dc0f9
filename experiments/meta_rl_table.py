"""The tables and the figure of meta_rl.md, from the lines that meta_rl.py prints.

    python experiments/meta_rl.py --json >> meta_rl.jsonl
    python experiments/meta_rl_table.py meta_rl.jsonl

Systems are compared by the env steps of training to a return, twice: with one episode for each step of adaptation, and with 20
where a system adapts by gradients. A system has reached a return when the best of its first three steps has, on average over
seeds and goals, after a sixteenth, an eighth, a quarter, half or all of its training; greedy or not, whichever is better in the
end. In the figure broken lines are with 20 episodes.
"""

import itertools
import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure

from discover import bootstrap_interval

LEVELS = {"square": (-35.0, -30.0, -25.0, -20.0, -15.0, -10.0), "half-circle": (1.0, 1.5, 2.0, 3.0, 4.0)}
"""Returns after adaptation that systems are compared by."""

OFF_POLICY, GRADIENTS = ("pearl", "mql"), ("maml", "promp")
PLAIN = ("greedy", "as in training")
LOWEST = {"square": -60.0}
"""Returns below which the figure shows nothing."""


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

    def adapted(self, *, plain: bool) -> np.ndarray | None:
        """The return after the best number of steps, one or more, after each part of the training: ``[parts]``.

        None if it was not measured with so many episodes for a step.
        """
        ways = [returns for how, returns in self.returns.items() if (how in PLAIN) == plain]
        if not ways:
            return None
        best = max(ways, key=lambda returns: returns[-1, :, 1:].mean(axis=0).max())
        return best[:, :, 1:].mean(axis=1).max(axis=-1)

    def steps_to(self, level: float, *, plain: bool) -> int | None:
        """The env steps of training after which adapted agents first reach a return."""
        adapted = self.adapted(plain=plain)
        if adapted is None:
            return self.steps_to(level, plain=True)
        reached = np.flatnonzero(adapted >= level)
        return int(self.env_steps[reached[0]]) if len(reached) else None


def trainings(lines: list[str]) -> list[Training]:
    """One of each task and system; lines of several runs of them are taken together."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for line in lines:
        part = json.loads(line)
        found.setdefault((part["task"], part["system"]), []).append(part)
    return [
        _training(task, system, sorted(parts, key=lambda part: part["env_steps"])) for (task, system), parts in found.items()
    ]


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


def comparison(all_of_task: list[Training], *, plain: bool) -> list[str]:
    """Rows of the env steps to each return, and how many times fewer the off-policy systems need."""
    steps = {one.system: [one.steps_to(level, plain=plain) for level in LEVELS[one.task]] for one in all_of_task}
    made = [f"| {system} | {' | '.join(f'{n:,}' if n else '-' for n in counts)} |" for system, counts in steps.items()]
    for off, on in itertools.product(OFF_POLICY, GRADIENTS):
        if off in steps and on in steps:
            pairs = zip(steps[off], steps[on], strict=True)
            cells = [f"{theirs / ours:.1f}" if ours and theirs else "-" for ours, theirs in pairs]
            made.append(f"| {on} : {off} | {' | '.join(cells)} |")
    return made


def figure(every: list[Training]) -> Figure:
    """Return after adaptation against env steps of training, a panel for each task."""
    tasks = list(dict.fromkeys(one.task for one in every))
    made = Figure(figsize=(5.5 * len(tasks), 4), layout="constrained")
    for axes, task in zip(made.subplots(1, len(tasks), squeeze=False)[0], tasks, strict=True):
        for place, one in enumerate(training for training in every if training.task == task):
            for plain, style in ((True, "-"), (False, "--")):
                adapted = one.adapted(plain=plain)
                if adapted is not None:
                    label = one.system if plain else None
                    axes.plot(one.env_steps, adapted, style, color=f"C{place}", marker="o", markersize=3, label=label)
        axes.set(title=task, xscale="log", xlabel="env steps of training", ylabel="return after adaptation")
        axes.set_ylim(bottom=LOWEST.get(task))
        axes.legend(fontsize=6)
    return made


def main() -> None:
    lines = [
        line for path in sys.argv[1:] for line in Path(path).read_text(encoding="utf-8").splitlines() if line.startswith("{")
    ]
    every = trainings(lines)
    for task in dict.fromkeys(one.task for one in every):
        of_task = [one for one in every if one.task == task]
        for plain in (True, False):
            effort = "an episode" if plain else "20 episodes"
            print(f"\n{task}, {effort} for each step\n")
            print("| system | | k = 0 | 1 | 2 | 3 | env steps | minutes |\n|" + " --- |" * 8)
            print("\n".join(row for one in of_task for row in rows(one, plain=plain)))
            print(
                f"\n{task}, env steps of training to a return, with {'an episode' if plain else '20 episodes'} for each step\n"
            )
            print("| system | " + " | ".join(f"{level:g}" for level in LEVELS[task]) + " |")
            print("|" + " --- |" * (1 + len(LEVELS[task])))
            print("\n".join(comparison(of_task, plain=plain)))
    figure(every).savefig(Path(__file__).with_name("meta_rl.png"), dpi=100)


if __name__ == "__main__":
    main()
