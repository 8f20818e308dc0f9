"""Does the recipe `a2c` learn CartPole-v1 and Catch?

    python experiments/a2c.py            # the table of a2c.md
    python experiments/a2c.py --json     # the same figures as one JSON object

A figure is the return of the last finished episodes, averaged over the last 2 % of the lifetime, of each seed.
"""

import argparse
import json
from typing import Any

from discover_zoo.optimizers.clip_norm import ClipNorm
from discover_zoo.optimizers.optax.table import rmsprop
from discover_zoo.returns.gae import GAE

from discover import replace
from discover.config.build import algorithm_from
from discover.config.search_config import default_executor
from discover.contract.events import TaskRun
from discover.evaluation.train import train
from discover.plugin.loader import load_plugins
from discover.process.devices import use_every_core

SEEDS = 10
LONGER = {"rule.returns": GAE(gamma=0.99, lam=0.95), "rule.steps": 20}
"""Batches that hold whole episodes of Catch, as in groove's A2C agent."""
RMSPROP = rmsprop(learning_rate=7e-4, decay=0.99, eps=1e-5, eps_in_sqrt=False)
"""The optimizer of RL Baselines3 Zoo as it is, without the bias correction of the recipe's."""
ORIGINAL = {"rule.optimizer": ClipNorm(optimizer=RMSPROP, max_norm=0.5)}
CASES: dict[str, tuple[TaskRun, float, dict[str, Any]]] = {
    "CartPole-v1": (TaskRun("CartPole-v1", 500_000), 475.0, {}),
    "CartPole-v1, RMSProp": (TaskRun("CartPole-v1", 500_000), 475.0, ORIGINAL),
    "catch": (TaskRun("catch", 200_000), 0.95, {}),
    "catch, RMSProp": (TaskRun("catch", 200_000), 0.95, ORIGINAL),
    "catch, 20 steps and GAE(0.95)": (TaskRun("catch", 200_000), 0.95, LONGER),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    as_json = parser.parse_args().json
    use_every_core()
    registry = load_plugins().registry
    found = {}
    for name, (run, _, changes) in CASES.items():
        algorithm = replace(algorithm_from(registry, "a2c"), changes)
        found[name] = train(registry, default_executor(registry), "a2c", algorithm, run=run, seeds=SEEDS)
    if as_json:
        print(json.dumps({name: made.returns.tolist() for name, made in found.items()}))
        return
    print("| case | env steps | bound | seeds that meet it | mean | lowest | seconds |\n|---|---|---|---|---|---|---|")
    for name, made in found.items():
        run, bound, _ = CASES[name]
        met = f"{int((made.returns >= bound).sum())} of {SEEDS}"
        figures = f"{made.returns.mean():.2f} | {made.returns.min():.2f} | {made.seconds:.0f}"
        print(f"| {name} | {run.steps:,} | {bound:g} | {met} | {figures} |")


if __name__ == "__main__":
    main()
