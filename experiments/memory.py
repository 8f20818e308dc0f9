"""Does an agent need a memory to remember, and does it have one?

    python experiments/memory.py            # the table of memory.md
    python experiments/memory.py --json     # the same as one JSON object

PPO with the settings of the recipe `ppo_gru`, nothing tuned, on bsuite's memory chain: a bit is shown at the start of an
episode and asked for at its end. With a GRU, an LSTM, and an MLP of about the size of what surrounds their memories. A figure
is the mean return of the last finished episodes over the last 2 % of the lifetime.
"""

import argparse
import json
import time
from typing import Any

import numpy as np

from discover import bootstrap_interval
from discover.config.build import algorithm_from
from discover.config.search_config import default_executor
from discover.contract.events import TaskRun
from discover.contract.registry import Registry
from discover.evaluation.train import train
from discover.plugin.loader import load_plugins
from discover.process.devices import use_every_core

RUN, SEEDS = TaskRun("MemoryChain-bsuite", 100_000), 8
SIZES = {"encoder": [128], "memory": 128, "hidden": [128]}
NETWORKS: dict[str, Any] = {
    "GRU": {"gru": SIZES},
    "LSTM": {"lstm": SIZES},
    "MLP": {"mlp": {"hidden": [128, 128], "activation": "relu", "shared": True}},
}


def figures(registry: Registry, network: dict[str, Any]) -> dict[str, Any]:
    """Final return: interquartile mean, its 95 % interval, the lowest and highest seed; and the minutes it took."""
    started = time.perf_counter()
    algorithm = algorithm_from(registry, {"recipe": "ppo_gru", "network": network})
    curves = train(registry, default_executor(registry), "ppo_gru", algorithm, run=RUN, seeds=SEEDS).curves
    final = np.asarray(curves)[:, -2:].mean(axis=1)
    interval = bootstrap_interval(final)
    return {
        "mean": interval.estimate,
        "interval": [interval.low, interval.high],
        "seeds": [float(final.min()), float(final.max())],
        "minutes": (time.perf_counter() - started) / 60.0,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    as_json = parser.parse_args().json
    use_every_core()
    registry = load_plugins().registry
    made = {name: figures(registry, network) for name, network in NETWORKS.items()}
    if as_json:
        print(json.dumps({"steps": RUN.steps, "seeds": SEEDS, **made}))
        return
    print("| network | final return | 95 % interval | lowest and highest seed | minutes |")
    print("| --- | --- | --- | --- | --- |")
    for name, found in made.items():
        (low, high), (worst, best) = found["interval"], found["seeds"]
        print(f"| {name} | {found['mean']:.3f} | {low:.3f} to {high:.3f} | {worst:.3f}, {best:.3f} | {found['minutes']:.1f} |")


if __name__ == "__main__":
    main()
