"""Do PPO, SAC and TD3 swing up Pendulum-v1?

    python experiments/pendulum.py                       # the table of pendulum.md
    python experiments/pendulum.py --recipe sac --json   # one row, as one JSON object

A figure is the return of training episodes, exploration included, in the last tenth of the lifetime: mean over seeds.
"""

import argparse
import json
import time
from typing import Any, NamedTuple

import numpy as np

from discover import bootstrap_interval
from discover.config.build import algorithm_from
from discover.config.search_config import default_executor
from discover.contract.events import TaskRun
from discover.evaluation.train import train
from discover.plugin.loader import load_plugins
from discover.process.devices import use_every_core


class Check(NamedTuple):
    """How long a recipe is trained, with how many seeds, and what it must exceed."""

    steps: int
    seeds: int
    bound: float


CHECKS = {
    "ppo_pendulum": Check(100_000, 8, -300.0),
    "sac": Check(20_000, 4, -200.0),
    "td3": Check(20_000, 4, -200.0),
}
LAST = 10
"""Rows of the learning curve that count: the last tenth."""


def figures(recipe: str) -> dict[str, Any]:
    """Final returns of the recipe's seeds, their mean and their interquartile mean with its 95 % interval."""
    use_every_core()
    check, registry, started = CHECKS[recipe], load_plugins().registry, time.perf_counter()
    run, algorithm = TaskRun("Pendulum-v1", check.steps), algorithm_from(registry, recipe)
    curves = train(registry, default_executor(registry), recipe, algorithm, run=run, seeds=check.seeds).curves
    returns = curves[:, -LAST:].mean(axis=1)
    low, middle, high = bootstrap_interval(returns)
    return {
        "recipe": recipe,
        **check._asdict(),
        "returns": np.round(returns, 1).tolist(),
        "mean": float(returns.mean()),
        "iqm": middle,
        "interval": [low, high],
        "halfway": float(curves[:, 50 - LAST : 50].mean()),
        "minutes": (time.perf_counter() - started) / 60,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", choices=CHECKS, nargs="+", default=list(CHECKS))
    parser.add_argument("--json", action="store_true", help="print one JSON object per recipe")
    asked = parser.parse_args()
    if not asked.json:
        print(
            "| recipe | env steps | seeds | mean, halfway | mean, at the end | lowest seed | IQM (95 %) | must exceed | min |"
        )
        print("|---|---|---|---|---|---|---|---|---|")
    for recipe in asked.recipe:
        found = figures(recipe)
        print(json.dumps(found) if asked.json else _row(found), flush=True)


def _row(found: dict[str, Any]) -> str:
    low, high = found["interval"]
    cells = [
        f"`{found['recipe']}`",
        f"{found['steps']:,}",
        found["seeds"],
        f"{found['halfway']:.1f}",
        f"{found['mean']:.1f}",
        f"{min(found['returns']):.1f}",
        f"{found['iqm']:.1f} ({low:.1f} to {high:.1f})",
        f"{found['bound']:.0f}",
        f"{found['minutes']:.1f}",
    ]
    return f"| {' | '.join(map(str, cells))} |"


if __name__ == "__main__":
    main()
