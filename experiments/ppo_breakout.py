"""How does PPO learn MinAtar Breakout?

    python experiments/ppo_breakout.py            # the table and the picture of ppo_breakout.md

Columns are env steps. A figure is the return of the last finished episodes, averaged over the 2 % of the lifetime that end
there: the mean over seeds, and in brackets the lowest seed.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from discover.config.build import algorithm_from
from discover.config.search_config import default_executor
from discover.contract.events import TaskRun
from discover.evaluation.train import train
from discover.plugin.loader import load_plugins
from discover.process.devices import use_every_core

RUN, SEEDS = TaskRun("Breakout-MinAtar", 1_000_000), 16
MARKS = (100_000, 200_000, 400_000, 600_000, 800_000, 1_000_000)


def main() -> None:
    use_every_core()
    registry = load_plugins().registry
    algorithm = algorithm_from(registry, "ppo_minatar")
    made = train(registry, default_executor(registry), "ppo_minatar", algorithm, run=RUN, seeds=SEEDS)
    rows = [mark * made.curves.shape[1] // RUN.steps for mark in MARKS]
    at = np.stack([made.curves[:, row - 2 : row].mean(axis=1) for row in rows], axis=1)
    cells = [f"{mean:.1f} ({low:.1f})" for mean, low in zip(at.mean(axis=0), at.min(axis=0), strict=True)]
    print(f"| env steps | {' | '.join(f'{mark:,}' for mark in MARKS)} |")
    print(f"| --- |{' --- |' * len(MARKS)}")
    print(f"| the recipe `ppo_minatar` | {' | '.join(cells)} |")
    print(f"at the end, seed by seed: {' '.join(f'{final:.1f}' for final in np.sort(at[:, -1]))}")
    print(f"{made.env_steps:,} env steps in {made.seconds:.0f} s, compilation included")
    _draw(made.curves)


def _draw(curves: np.ndarray) -> None:
    steps = (np.arange(curves.shape[1]) + 1) * RUN.steps / curves.shape[1]
    figure, axes = plt.subplots(figsize=(6, 3.5), layout="constrained")
    axes.plot(steps, curves.T, color="tab:blue", alpha=0.35, linewidth=1)
    axes.plot(steps, curves.mean(axis=0), color="tab:blue", linewidth=2, label=f"mean of {SEEDS} seeds")
    axes.set(xlabel="env steps", ylabel="episode return", title="PPO on MinAtar Breakout")
    axes.legend(frameon=False)
    figure.savefig(Path(__file__).with_suffix(".png"), dpi=120)


if __name__ == "__main__":
    main()
