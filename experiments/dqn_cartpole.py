"""Does DQN with the published settings learn CartPole-v1 as the reference code does?

    python experiments/dqn_cartpole.py            # the table of dqn_cartpole.md
    python experiments/dqn_cartpole.py --json     # the first row alone, as one JSON object

Columns are env steps. A figure is the return of the last finished episodes, averaged over the 2 % of the lifetime that end
there: the mean over seeds, and in brackets the lowest seed. A seed has reached 500 where such a window first averages 499.5.
"""

import argparse
import json
from typing import Any

import numpy as np
from ppo_cartpole import TruncationTerminates

from discover import Registry, replace
from discover.config.build import algorithm_from
from discover.config.search_config import default_executor
from discover.contract.events import TaskRun
from discover.evaluation.train import train
from discover.plugin.loader import load_plugins
from discover.process.devices import use_every_core

RUN, SEEDS = TaskRun("CartPole-v1", 500_000), 16
MARKS = (50_000, 100_000, 150_000, 200_000, 250_000, 300_000, 400_000, 500_000)
REFERENCE = "34.8 (31.6) 71.9 (63.4) 187.4 (160.0) 364.5 (282.5) 439.5 (312.0) 487.9 (421.5) 491.0 (394.0) 496.0 (468.1)"
"""PureJaxRL's dqn.py on gymnax 1.0.1, 16 seeds, windows as ours; changed where it gives all seeds the same generator."""


def figures(registry: Registry, changes: dict[str, Any]) -> dict[str, list[float]]:
    """Mean and lowest seed at each mark, and when each seed reached 500, for the recipe ``dqn`` with changes."""
    algorithm = replace(algorithm_from(registry, "dqn"), changes)
    curves = train(registry, default_executor(registry), "dqn", algorithm, run=RUN, seeds=SEEDS).curves
    rows = [mark * curves.shape[1] // RUN.steps for mark in MARKS]
    at = np.stack([curves[:, row - 2 : row].mean(axis=1) for row in rows], axis=1)
    windows = (curves[:, 1:] + curves[:, :-1]) / 2 >= 499.5
    reached = np.where(windows.any(axis=1), (windows.argmax(axis=1) + 2) * RUN.steps // curves.shape[1], np.inf)
    return {"mean": at.mean(axis=0).tolist(), "lowest": at.min(axis=0).tolist(), "reached": reached.tolist()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print the first row alone, as one JSON object")
    as_json = parser.parse_args().json
    use_every_core()
    registry = load_plugins().registry
    ours = figures(registry, {})
    if as_json:
        print(json.dumps({"steps": MARKS, **ours}))
        return
    print(_row("env steps", [f"{mark:,}" for mark in MARKS]), _row("---", ["---"] * len(MARKS)), sep="\n")
    print(_row("the recipe `dqn`", _cells(ours)), flush=True)
    blind = {"wrappers": (TruncationTerminates(),)}
    print(_row("the same, time limit shown as a termination", _cells(figures(registry, blind))), flush=True)
    print(_row("the same, kernels begin orthogonal", _cells(figures(registry, {"network.initializer": "orthogonal"}))))
    print(_row("PureJaxRL, its seeds made independent", [f"{cell})" for cell in REFERENCE.rstrip(")").split(") ")]))
    print(f"The recipe's seeds reached 500 at {', '.join(f'{steps:,.0f}' for steps in ours['reached'])} steps.")


def _cells(made: dict[str, list[float]]) -> list[str]:
    return [f"{mean:.1f} ({lowest:.1f})" for mean, lowest in zip(made["mean"], made["lowest"], strict=True)]


def _row(label: str, cells: list[str]) -> str:
    return f"| {' | '.join([label, *cells])} |"


if __name__ == "__main__":
    main()
