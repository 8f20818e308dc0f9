"""What it costs that candidates are of many structures, and what an option inside one program saves.

    python experiments/benchmarks/many_structures.py                       # all kinds of populations of many_structures.md
    python experiments/benchmarks/many_structures.py --kinds lone mixed    # some of them
    python experiments/benchmarks/many_structures.py --recipe ppo --steps 15360
    python experiments/benchmarks/many_structures.py --tracked             # what a tracked search spends outside lifetimes

Candidates are evaluated three times, as generations of a search are. Each kind of population has two processes with one
cache of programs on the disk: the second start finds what the first has compiled. Times are wall time and CPU time; on a
machine that is not idle, compare CPU time. The table goes to standard output, as Markdown.
"""

import argparse
import itertools
import json
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any

import discover

KINDS = {
    "lone": "one structure",
    "mixed": "5 return functions x 4 networks",
    "few": "5 return functions",
    "choices": "4 networks, as a choice",
    "one_of": "4 networks, as `one_of_networks`",
    "batched": "the same, mapped over the index",
    "optimizers": "6 optimizers, as a choice",
    "one_of_optimizers": "6 optimizers, as `one_of_optimizers`",
}
RETURNS = ("gae", "n_step", "lambda_return", "monte_carlo", "v_trace")
NETWORKS = tuple(itertools.product(("tanh", "relu"), ("orthogonal", "lecun")))
OPTIMIZERS = ("adam", "sgd", "rmsprop", "adamw", "nadam", "lion")
GENERATIONS = 3


def words(kind: str, recipe: str, member: int) -> dict[str, Any]:
    """A candidate as in a config, by a recipe that has the name of its rule."""
    networks = [{"mlp": {"activation": activation, "initializer": initializer}} for activation, initializer in NETWORKS]
    if kind == "lone":
        return {"recipe": recipe}
    if kind == "few":
        return {"recipe": recipe, "rule": {recipe: {"returns": RETURNS[member % 5]}}}
    if kind == "mixed":
        return {"recipe": recipe, "network": networks[member % 4], "rule": {recipe: {"returns": RETURNS[member // 4 % 5]}}}
    if kind == "choices":
        return {"recipe": recipe, "network": networks[member % 4]}
    if kind in ("one_of", "batched"):
        return {"recipe": recipe, "network": {"one_of_networks": {"options": networks, "index": member % 4}}}
    option: Any = OPTIMIZERS[member % 6]
    if kind == "one_of_optimizers":
        option = {"one_of_optimizers": {"options": list(OPTIMIZERS), "index": member % 6}}
    return {"recipe": recipe, "rule": {recipe: {"optimizer": option}}}


def population(kind: str, recipe: str, members: int) -> list[Any]:
    """Candidates, grouped by structure."""
    import jax
    import numpy as np
    from discover_zoo.networks.one_of_networks import OneOfNetworks

    @discover.component
    class Batched(OneOfNetworks):
        """One of several networks, by an index that differs between lifetimes side by side."""

        index: discover.Integer = discover.option_index(count=lambda self: len(self.options))

    groups: dict[Any, list[Any]] = {}
    for member in range(members):
        one = discover.load(words(kind, recipe, member))
        if kind == "batched":
            mine: Any = discover.get(one, "network")
            one = discover.replace(one, {"network": Batched(options=mine.options, index=mine.index)})
        groups.setdefault(jax.tree.structure(one), []).append(one)
    return [jax.tree.map(lambda *leaves: np.stack(leaves), *members) for members in groups.values()]


class Compiled(logging.Handler):
    """Counts the programs that advance lifetimes, as they are compiled."""

    count = 0

    def emit(self, record: logging.LogRecord) -> None:
        words = record.getMessage().split()
        self.count += words[:1] == ["Compiling"] and "_advance" in words[1]


def measure(kind: str, asked: argparse.Namespace) -> dict[str, Any]:
    """Evaluate candidates three times; of each time the wall time, the CPU time and the programs that were compiled."""
    discover.plugins()  # settles the devices before JAX starts
    import jax

    compiled = Compiled()
    logging.getLogger("jax").addHandler(compiled)
    jax.config.update("jax_log_compiles", True)
    environment, made, rows = discover.environment("CartPole-v1"), population(kind, asked.recipe, asked.members), []
    chunk = asked.chunk or (4 if kind in ("mixed", "few") else 8)
    for generation in range(GENERATIONS):
        keys = discover.seed_keys(generation, "benchmark", 1)
        work = [discover.fresh_work(environment, group, keys, asked.steps) for group in made]
        wall, cpu = time.perf_counter(), time.process_time()
        before = compiled.count
        results = dict(discover.run_here(work, chunk=chunk))
        assert all(isinstance(result, discover.Done) for result in results.values()), results
        spent = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
        rows.append({**spent, "compiled": compiled.count - before})
    return {"structures": len(made), "chunk": chunk, "first": rows[0], "later": min(rows[1:], key=lambda row: row["cpu"])}


def compared(kind: str, asked: argparse.Namespace) -> dict[str, Any]:
    """Both starts of a kind of population."""
    command = [sys.executable, __file__, "--one", "--kinds", kind, "--recipe", asked.recipe, "--steps", str(asked.steps)]
    command += ["--members", str(asked.members), "--chunk", str(asked.chunk)]
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o700)
        environment = {**os.environ, "DISCOVER_CACHE": folder}
        starts = []
        for _ in range(2):
            told = subprocess.run(command, env=environment, stdout=subprocess.PIPE, encoding="utf-8", check=True).stdout
            starts.append(json.loads(told.strip().splitlines()[-1]))
    first, second = starts
    later = min((start["later"] for start in starts), key=lambda row: row["cpu"])
    return {**first, "first": first["first"], "second start": second["first"], "later": later}


class Clock:
    """Notes when each generation was over, and how long its lifetimes took."""

    def __init__(self) -> None:
        self.rows: list[tuple[float, float]] = []

    @discover.hookimpl
    def discover_generation_done(self, generation: discover.Generation) -> None:
        self.rows.append((time.perf_counter(), generation.evaluation_seconds))

    def outside(self) -> tuple[float, float]:
        """Seconds of a generation outside its evaluation, and of the whole: medians without the first."""
        whole = [now - before for (before, _), (now, _) in itertools.pairwise(self.rows)]
        outside = [seconds - inside for seconds, (_, inside) in zip(whole, self.rows[1:], strict=True)]
        return statistics.median(outside), statistics.median(whole)


def tracked(asked: argparse.Namespace) -> tuple[float, float]:
    """Seconds of a generation outside its evaluation, and of the whole, in a search that is tracked in SQLite."""
    clock, recipe = Clock(), asked.recipe
    discover.plugins(extra=[clock])
    config = {
        "name": "overhead",
        "candidate": {"recipe": recipe, "rule": {recipe: {"entropy_coefficient": "free", "value_coefficient": "free"}}},
        "strategy": "genetic",
        "objective": "area_under_curve",
        "population": asked.members,
        "generations": 8,
        "seeds": 1,
        "tasks": [{"task": "CartPole-v1", "steps": asked.steps}],
        "finalists": 1,
        "selection_seeds": 1,
        "report": None,
    }
    with tempfile.TemporaryDirectory() as folder:
        discover.search(config, f"{folder}/search", tracking=f"sqlite:///{folder}/mlflow.db")
    return clock.outside()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--recipe", default="a2c")
    parser.add_argument("--steps", type=int, default=5_120, help="env steps of each lifetime")
    parser.add_argument("--members", type=int, default=64)
    parser.add_argument("--chunk", type=int, default=0, help="lifetimes side by side; as a search settles them unless set")
    parser.add_argument("--tracked", action="store_true", help="measure a tracked search instead")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(measure(asked.kinds[0], asked)))
        return
    if asked.tracked:
        outside, whole = tracked(asked)
        print(f"{1e3 * outside:.0f} ms of {whole:.2f} s are outside lifetimes ({outside / whole:.1%})")
        return
    columns = ("structures", "chunk", "programs compiled", "first generation, wall s (CPU s)", "of a second start", "later")
    print(f"| {asked.members} candidates | {' | '.join(columns)} |")
    print("|---|---|---|---|---|---|---|")
    for kind in asked.kinds:
        row = compared(kind, asked)
        times = [f"{row[name]['wall']:.1f} ({row[name]['cpu']:.1f})" for name in ("first", "second start", "later")]
        facts = [KINDS[kind], row["structures"], row["chunk"], row["first"]["compiled"], *times]
        print(f"| {' | '.join(map(str, facts))} |", flush=True)


if __name__ == "__main__":
    main()
