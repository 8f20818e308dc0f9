"""Does PPO with the published settings learn CartPole-v1 as the reference code does?

    python experiments/ppo_cartpole.py            # the table of ppo_cartpole.md
    python experiments/ppo_cartpole.py --json     # its first row alone, as one JSON object

Columns are env steps. A figure is the return of the last finished episodes, averaged over the 2 % of the lifetime that end
there: the mean over seeds, and in brackets the lowest seed.
"""

import argparse
import json
from typing import Any

import jax
import numpy as np

from discover import Environment, Spec, Step, Wrapper, component, replace
from discover.config.build import algorithm_from
from discover.config.search_config import default_executor
from discover.contract.events import TaskRun
from discover.contract.registry import Registry
from discover.evaluation.train import train
from discover.plugin.loader import load_plugins
from discover.process.devices import use_every_core

RUN, SEEDS = TaskRun("CartPole-v1", 500_000), 8
MARKS = (50_000, 100_000, 150_000, 200_000, 250_000, 300_000, 400_000, 500_000)
REFERENCE = "233.3 (196.5) 326.8 (222.4) 391.4 (279.1) 449.4 (342.0) 465.6 (365.4) 487.3 (459.5) 493.7 (480.5) 488.2 (467.2)"
"""PureJaxRL's ppo.py run with 8 seeds on gymnax 0.0.8, windows as ours."""


@component
class Endings(Environment):
    """A family whose truncations are shown as terminations."""

    inner: Environment

    def spec(self) -> Spec:
        return self.inner.spec()

    def sample_task(self, key: jax.Array) -> Any:
        return self.inner.sample_task(key)

    def reset(self, key: jax.Array, task: Any) -> tuple[Any, jax.Array]:
        return self.inner.reset(key, task)

    def step(self, key: jax.Array, state: Any, action: jax.Array, task: Any) -> Step:
        made = self.inner.step(key, state, action, task)
        return made._replace(terminated=made.terminated | made.truncated, truncated=made.truncated & False)


@component
class TruncationTerminates(Wrapper):
    """No value follows a time limit: what agents see whose environment reports one flag for both endings."""

    def wrap(self, environment: Environment) -> Environment:
        return Endings(inner=environment)


def figures(registry: Registry, changes: dict[str, Any]) -> dict[str, list[float]]:
    """Mean and lowest seed at each mark, for the recipe ``ppo`` with changes."""
    algorithm = replace(algorithm_from(registry, "ppo"), changes)
    curves = train(registry, default_executor(registry), "ppo", algorithm, run=RUN, seeds=SEEDS).curves
    rows = [mark * curves.shape[1] // RUN.steps for mark in MARKS]
    at = np.stack([curves[:, row - 2 : row].mean(axis=1) for row in rows], axis=1)
    return {"mean": at.mean(axis=0).tolist(), "lowest": at.min(axis=0).tolist()}


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
    blind = figures(registry, {"wrappers": (TruncationTerminates(),)})
    print(_row("env steps", [f"{mark:,}" for mark in MARKS]), _row("---", ["---"] * len(MARKS)), sep="\n")
    print(_row("the recipe `ppo`", _cells(ours)))
    print(_row("the same, time limit shown as a termination", _cells(blind)))
    print(_row("PureJaxRL", [f"{cell})" for cell in REFERENCE.rstrip(")").split(") ")]))


def _cells(made: dict[str, list[float]]) -> list[str]:
    return [f"{mean:.1f} ({lowest:.1f})" for mean, lowest in zip(made["mean"], made["lowest"], strict=True)]


def _row(label: str, cells: list[str]) -> str:
    return f"| {' | '.join([label, *cells])} |"


if __name__ == "__main__":
    main()
