"""Is population-based training of the learning rate and the entropy cost worth more than random search with the same budget?

    python experiments/pbt_cartpole.py [--repeats 10] [--lineage FILE.png]

PPO on CartPole-v1, ten members of 50,000 env steps each. Random search is the same search without exploitation: ten draws
from the same prior, each trained to the end. The best member is chosen by the first half of the last generation's curve and
reported by the second half, so that no score is both chosen and told.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from discover_mlflow.lineage import Lineage, lineage_figure

from discover import Generation, SearchInfo, Space, bootstrap_interval, hookimpl, plugins, search

REPEATS = 10
NUMBERS = {
    "entropy_coefficient": {"free": {"low": 1e-4, "high": 0.1, "scale": "log"}},
    "optimizer": {"clip_norm": {"optimizer": {"adam": {"learning_rate": "free", "anneal": 0.0}}}},
}
WORDS: dict[str, Any] = {
    "candidate": {"recipe": "ppo", "rule": {"ppo": NUMBERS}},
    "population": 10,
    "generations": 16,
    "seeds": 1,
    "finalists": 1,
    "selection_seeds": 1,
    "tasks": [{"task": "CartPole-v1", "steps": 50_000}],
}
METHODS = {
    "random search": {"pbt": {"share": 0.0}},
    "PBT, truncation": {"pbt": {}},
    "PBT, t-test": {"pbt": {"exploit": "t_test"}},
}


class Watcher:
    """Remembers the generations and the space of the latest search."""

    def __init__(self) -> None:
        self.generations: list[Generation] = []
        self.space: Space | None = None

    @hookimpl
    def discover_search_started(self, search: SearchInfo) -> None:
        self.generations, self.space = [], search.space

    @hookimpl
    def discover_generation_done(self, generation: Generation) -> None:
        self.generations.append(generation)


WATCHER = Watcher()


def searched(strategy: dict[str, Any], seed: int) -> list[Generation]:
    """The generations of one search."""
    plugins(extra=[WATCHER])
    with tempfile.TemporaryDirectory() as folder:
        search(WORDS, Path(folder) / "run", strategy=strategy, seed=seed)
    return WATCHER.generations


def told(generations: list[Generation]) -> tuple[float, float]:
    """Return of the chosen member, and the mean of all, in the second half of the last generation."""
    curves = np.asarray(generations[-1].returns[0])[:, 0]
    chosen = int(np.argmax(curves[:, :50].mean(axis=1)))
    late = curves[:, 50:].mean(axis=1)
    return float(late[chosen]), float(late.mean())


def draw_lineage(path: str) -> None:
    """The descent in one search with PBT by truncation, and each number over its generations."""
    generations, space = searched(METHODS["PBT, truncation"], 0), WATCHER.space
    assert space is not None
    genes = {gene.path: gene for gene in space.genes}
    genomes = jnp.stack([jnp.asarray(generation.genomes) for generation in generations])
    numbers = {
        name: np.asarray(jax.vmap(jax.vmap(gene.domain.decode))(genomes[..., gene.start : gene.start + 1]))
        for name, gene in genes.items()
    }
    parents = np.stack([np.asarray(generation.parents) for generation in generations])
    fitness = np.stack([generation.fitness for generation in generations])
    lineage_figure(Lineage(parents, fitness, numbers)).savefig(path, dpi=100)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--lineage", help="draw one search's descent into this file, and do nothing else")
    wanted = parser.parse_args()
    repeats = wanted.repeats
    if wanted.lineage:
        draw_lineage(wanted.lineage)
        return
    found: dict[str, np.ndarray] = {}
    for name, strategy in METHODS.items():
        started = time.perf_counter()
        found[name] = np.asarray([told(searched(strategy, seed)) for seed in range(repeats)])
        cells = [_interval(found[name][:, column]) for column in (0, 1)]
        print(f"| {name} | {cells[0]} | {cells[1]} | {time.perf_counter() - started:.0f} s |", flush=True)
    for name in list(METHODS)[1:]:
        difference = found[name] - found["random search"]
        print(f"| {name} minus random search | {_interval(difference[:, 0])} | {_interval(difference[:, 1])} | |")


def _interval(values: np.ndarray) -> str:
    low, estimate, high = bootstrap_interval(values)
    return f"{estimate:.1f} [{low:.1f}, {high:.1f}]"


if __name__ == "__main__":
    main()
