"""What is V-trace worth when the actors lag behind the learner?

    python experiments/impala_lag.py            # the table of impala_lag.md
    python experiments/impala_lag.py --case catch 32   # one task and lag, as one JSON object

The recipe `impala` with V-trace, and the same with the uncorrected return (`MonteCarlo`, which is what V-trace is where all
ratios are 1), on the same seeds. Figures are interquartile means over seeds with their 95 % intervals: of the return at the end
(last 2 % of the lifetime), and of the mean return over the lifetime. Differences are paired by seed.
"""

import argparse
import json

from discover_zoo.returns.monte_carlo import MonteCarlo

from discover import Interval, Registry, bootstrap_interval, get, replace
from discover.base.statistics import difference_interval
from discover.config.build import algorithm_from
from discover.config.search_config import default_executor
from discover.contract.events import TaskRun
from discover.evaluation.train import train
from discover.plugin.loader import load_plugins
from discover.process.devices import use_every_core

SEEDS = 16
LAGS = {"catch": (4, 16, 32), "CartPole-v1": (16,)}
STEPS = 200_000
MEASURES = ("end", "lifetime")


def compared(registry: Registry, task: str, lag: int) -> dict[str, dict[str, Interval]]:
    """By measure: V-trace, no correction, and the difference."""
    algorithm = replace(algorithm_from(registry, "impala"), {"rule.lag": lag})
    uncorrected = MonteCarlo(gamma=get(algorithm, "rule.returns.gamma"))
    scores = []
    for made in (algorithm, replace(algorithm, {"rule.returns": uncorrected})):
        training = train(registry, default_executor(registry), "impala", made, run=TaskRun(task, STEPS), seeds=SEEDS)
        scores.append({"end": training.returns, "lifetime": training.curves.mean(axis=-1)})
    return {
        measure: {
            "v_trace": bootstrap_interval(scores[0][measure]),
            "none": bootstrap_interval(scores[1][measure]),
            "difference": difference_interval(scores[0][measure], scores[1][measure], paired=True),
        }
        for measure in MEASURES
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", nargs=2, metavar=("TASK", "LAG"), help="this one alone, as one JSON object")
    case = parser.parse_args().case
    use_every_core()
    registry = load_plugins().registry
    if case is not None:
        print(json.dumps(compared(registry, case[0], int(case[1]))))
        return
    print("| task | lag | measure | V-trace | no correction | difference |\n|---|---|---|---|---|---|", flush=True)
    for task, lags in LAGS.items():
        for lag in lags:
            for measure, row in compared(registry, task, lag).items():
                cells = " | ".join(_cell(row[name]) for name in ("v_trace", "none", "difference"))
                print(f"| {task} | {lag} | {measure} | {cells} |", flush=True)


def _cell(interval: Interval) -> str:
    return f"{interval.estimate:.3f} ({interval.low:.3f} to {interval.high:.3f})"


if __name__ == "__main__":
    main()
