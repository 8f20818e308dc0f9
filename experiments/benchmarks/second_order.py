"""What the second-order step of MAML costs in time and memory over the first-order one.

    python experiments/benchmarks/second_order.py                   # rows of meta_rl.md
    python experiments/benchmarks/second_order.py --repeats 3

One update of MAML on ``navigation-square``: 20 tasks with 20 episodes of 100 steps before and after the inner step, compiled
once with gradients through that step and once without (``first_order``). Both take turns on the clock; a ratio is the median
over the turns, with their range. Memory is what XLA reserves beside arguments and results; the seconds of compilation stand at
the end.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import jax
from discover_zoo.networks.mlp import MLP

from discover import Algorithm, environment, recipe, replace

FAMILY = environment("navigation-square")
SIZES = {"rule.tasks": 20, "network": MLP(hidden=(64, 64), activation="tanh")}


def update_of(algorithm: Algorithm) -> tuple[Callable[[], Any], float, float]:
    """One update, compiled, to be called again and again; its temporary memory in MB, and the seconds of compilation."""

    trajectory: Any = None  # it collects by itself

    def update(key: jax.Array, params: Any, state: Any) -> Any:
        world = algorithm.world(FAMILY)
        return algorithm.rule.update(key, world, params, state, trajectory=trajectory)[:2]

    key, world = jax.random.key(0), algorithm.world(FAMILY)
    params = world.initial_params(key)
    state = algorithm.rule.init(key, world, params)
    lowered, started = jax.jit(update).lower(key, params, state), time.perf_counter()
    compiled = lowered.compile()
    seconds, memory = time.perf_counter() - started, compiled.memory_analysis()
    assert memory is not None
    return lambda: jax.block_until_ready(compiled(key, params, state)), memory.temp_size_in_bytes / 1e6, seconds


def seconds_of(call: Callable[[], Any]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=15, help="turns on the clock")
    given = parser.parse_args()
    print(
        "| outside | seconds, second order | first order | ratio (range) | MB, second order | first order | ratio | compile s |"
    )
    print("| --- |" + " --- |" * 7)
    for name, outer in (("maml", "TRPO"), ("promp", "ProMP")):
        algorithm = replace(recipe(name), SIZES)
        second, first = (update_of(replace(algorithm, {"rule.first_order": only})) for only in (False, True))
        for call in (second[0], first[0]):
            call()
        turns = [(seconds_of(second[0]), seconds_of(first[0])) for _ in range(given.repeats)]
        ratios = [two / one for two, one in turns]
        two, one = (statistics.median(each) for each in zip(*turns, strict=True))
        ratio = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        memory = f"{second[1]:.0f} | {first[1]:.0f} | {second[1] / first[1]:.2f}"
        print(f"| {outer} | {two:.2f} | {one:.2f} | {ratio} | {memory} | {second[2]:.1f}, {first[2]:.1f} |", flush=True)


if __name__ == "__main__":
    main()
