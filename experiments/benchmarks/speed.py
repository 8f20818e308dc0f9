"""How fast an algorithm trains, side by side with any peer.

    python experiments/benchmarks/speed.py --agents 1 64 --peer "python peer.py --agents {agents} --steps {steps}"
    python experiments/benchmarks/speed.py --task Breakout-MinAtar --change rule.num_envs=64 --change rule.minibatches=8
    python experiments/benchmarks/speed.py --recipe dqn --agents 1

Each measurement is a process of its own; ours and the peer's take turns, so that both see the same machine. The peer's
command must print one JSON object on its last line with ``steps_per_s``, ``compile_s`` and ``peak_rss_mb``. The table goes to
standard output, as Markdown; absolute figures drift by tens of percent from minute to minute, the ratios less.
"""

import argparse
import json
import os
import resource
import shlex
import statistics
import subprocess
import sys
import time

import discover


def measure(recipe: str, task: str, changes: list[str], agents: int, steps: int, repeats: int) -> dict[str, float]:
    """Train ``agents`` agents for ``steps`` env steps each, once to compile and ``repeats`` times on the clock."""
    os.environ["DISCOVER_CACHE"] = "off"  # a program that was kept from an earlier run would not be compiled
    discover.plugins()  # settles the devices before JAX starts
    import jax
    import numpy as np

    environment = discover.environment(task)
    environment.spec()  # imports the environment's library, which is not compilation
    algorithm = discover.replace(discover.recipe(recipe), dict(map(_change, changes)))
    candidates = jax.tree.map(lambda x: np.asarray(x)[None], algorithm)
    chunk = discover.fitting_chunk(agents, discover.lifetime_bytes(environment, algorithm))
    seconds, taken = [], 0
    for repeat in range(repeats + 1):
        started = time.perf_counter()
        keys = discover.seed_keys(repeat, "benchmark", agents)
        work = discover.fresh_work(environment, candidates, keys, steps)
        curves = discover.run_population(work, chunk=chunk).curves
        seconds.append(time.perf_counter() - started)
        taken = int(curves.env_steps.sum(dtype=np.int64))
    run = statistics.median(seconds[1:])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"steps_per_s": taken / run, "compile_s": seconds[0] - run, "peak_rss_mb": peak}


def _change(text: str) -> tuple[str, object]:
    """``path=value`` as a path and what the value says."""
    path, _, value = text.partition("=")
    found = discover.values_in(value)
    return path, tuple(found) if isinstance(found, list) else found


def run(command: list[str]) -> dict[str, float]:
    """The JSON object on the last line that a command prints."""
    made = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    return json.loads(made.stdout.strip().splitlines()[-1])


def compare(asked: argparse.Namespace, agents: int, steps: int) -> list[str]:
    """One row per contestant, figures being medians over rounds."""
    own = [sys.executable, __file__, "--one", "--recipe", asked.recipe, "--task", asked.task, "--repeats", str(asked.repeats)]
    own += ["--agents", str(agents), "--steps", str(steps), *(f"--change={change}" for change in asked.change)]
    commands = {"discover": own}
    if asked.peer:
        commands["peer"] = shlex.split(asked.peer.format(agents=agents, steps=steps))
    found: dict[str, list[dict[str, float]]] = {name: [] for name in commands}
    for _ in range(asked.rounds):
        for name, command in commands.items():
            found[name].append(run(command))
    base = _median(found.get("peer", found["discover"]), "steps_per_s")
    return [_row(agents, steps, name, results, base=base) for name, results in found.items()]


def _row(agents: int, steps: int, name: str, results: list[dict[str, float]], base: float) -> str:
    speeds = sorted(r["steps_per_s"] for r in results)
    speed = _median(results, "steps_per_s")
    return (
        f"| {agents} | {steps:,} | {name} | {speed:,.0f} ({speeds[0]:,.0f} to {speeds[-1]:,.0f}) | {speed / base:.2f} "
        f"| {_median(results, 'compile_s'):.1f} | {_median(results, 'peak_rss_mb'):.0f} |"
    )


def _median(results: list[dict[str, float]], key: str) -> float:
    return statistics.median(r[key] for r in results)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default="ppo")
    parser.add_argument("--task", default="CartPole-v1")
    parser.add_argument("--change", action="append", default=[], metavar="PATH=VALUE", help="a field of the recipe; repeatable")
    parser.add_argument("--agents", type=int, nargs="+", default=[1, 64])
    parser.add_argument("--steps", type=int, help="env steps per agent (500,000 for one agent, 15,360 for several)")
    parser.add_argument("--peer", help="the peer's command, with {agents} and {steps} to fill in")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        print(
            json.dumps(
                measure(asked.recipe, asked.task, asked.change, asked.agents[0], steps=asked.steps, repeats=asked.repeats)
            )
        )
        return
    print("| agents | steps each | | env steps/s, median (range) | ratio | compile s | peak MB |")
    print("|---|---|---|---|---|---|---|")
    for agents in asked.agents:
        steps = asked.steps or (500_000 if agents == 1 else 15_360)
        for row in compare(asked, agents, steps):
            print(row, flush=True)


if __name__ == "__main__":
    main()
