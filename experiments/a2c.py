"""Does the recipe `a2c` learn CartPole-v1 and Catch?

    python experiments/a2c.py            # the table of a2c.md
    python experiments/a2c.py --json     # the same figures as one JSON object

A figure is the return of the last finished episodes, averaged over the last 2 % of the lifetime, of each seed.
"""

import argparse
import json
from typing import Any, NamedTuple

from discover_zoo.optimizers.clip_norm import ClipNorm
from discover_zoo.optimizers.optax.table import rmsprop
from discover_zoo.returns.gae import GAE

from discover import recipe, replace, train

SEEDS = 10
LONGER = {"rule.returns": GAE(gamma=0.99, lam=0.95), "rule.steps": 20}
"""Batches that hold whole episodes of Catch, as in groove's A2C agent."""
RMSPROP = rmsprop(learning_rate=7e-4, decay=0.99, eps=1e-5, eps_in_sqrt=False)
"""The optimizer of RL Baselines3 Zoo as it is, without the bias correction of the recipe's."""
ORIGINAL = {"rule.optimizer": ClipNorm(optimizer=RMSPROP, max_norm=0.5)}


class Case(NamedTuple):
    """On which task and for how long the recipe is trained, what a seed should reach, and what differs from the recipe."""

    task: str
    steps: int
    bound: float
    changes: dict[str, Any]


CASES = {
    "CartPole-v1": Case("CartPole-v1", 500_000, 475.0, {}),
    "CartPole-v1, RMSProp": Case("CartPole-v1", 500_000, 475.0, ORIGINAL),
    "catch": Case("catch", 200_000, 0.95, {}),
    "catch, RMSProp": Case("catch", 200_000, 0.95, ORIGINAL),
    "catch, 20 steps and GAE(0.95)": Case("catch", 200_000, 0.95, LONGER),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    as_json = parser.parse_args().json
    trainings = {
        name: train(replace(recipe("a2c"), case.changes), case.task, steps=case.steps, seeds=SEEDS)
        for name, case in CASES.items()
    }
    if as_json:
        print(json.dumps({name: training.returns.tolist() for name, training in trainings.items()}))
        return
    print("| case | env steps | bound | seeds that meet it | mean | lowest | seconds |\n|---|---|---|---|---|---|---|")
    for name, training in trainings.items():
        case, returns = CASES[name], training.returns
        met = f"{int((returns >= case.bound).sum())} of {SEEDS}"
        figures = f"{returns.mean():.2f} | {returns.min():.2f} | {training.seconds:.0f}"
        print(f"| {name} | {case.steps:,} | {case.bound:g} | {met} | {figures} |")


if __name__ == "__main__":
    main()
