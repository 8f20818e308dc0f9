"""Memory of a process that meets ever more structures: only the programs used last stay.

    python experiments/benchmarks/structures_memory.py                      # 200 structures of A2C on catch

Every ten structures are a generation, as a search submits it: small groups, which run side by side on their home devices, and
every tenth group a large one, which has all devices. The table goes to standard output, as Markdown. A process of its own
measures nothing but itself; the cache of programs on the disk is off, so that every structure is compiled.
"""

import argparse
import gc
import os
import time
from collections.abc import Iterator

import jax
import numpy as np

import discover

GROUPS = 10
"""Structures of a generation."""


def work_of(structure: int) -> discover.Work:
    """Two candidates of a structure that no other number gives, or sixteen of every tenth."""
    algorithm = discover.replace(
        discover.recipe("a2c"), {"network.hidden": (8 + structure,), "rule.num_envs": 2, "rule.steps": 4}
    )
    members = 16 if structure % GROUPS == 0 else 2
    candidates = jax.tree.map(lambda x: np.repeat(np.asarray(x)[None], members, axis=0), algorithm)
    keys = discover.seed_keys(0, "memory", 2)
    return discover.fresh_work(discover.environment("catch"), candidates, keys, 256)


def resident() -> int:
    """The bytes of this process that lie in memory; 0 where the system does not say."""
    try:
        with open("/proc/self/statm", encoding="ascii") as told:
            return int(told.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except FileNotFoundError:
        return 0


def growth(structures: int) -> Iterator[tuple[int, int, int, float]]:
    """After each generation: structures so far, bytes in memory, programs in memory, CPU seconds."""
    for first in range(0, structures, GROUPS):
        results = dict(discover.run_here([work_of(structure) for structure in range(first, first + GROUPS)], chunk=4))
        failed = [result for result in results.values() if isinstance(result, discover.Failure)]
        assert not failed, failed
        del results
        gc.collect()
        yield first + GROUPS, resident(), len(jax.devices()[0].client.live_executables()), time.process_time()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--structures", type=int, default=200)
    asked = parser.parse_args()
    os.environ["DISCOVER_CACHE"] = "off"
    discover.plugins()  # settles the devices before JAX starts
    print("| structures | resident, MB | executables | CPU seconds |\n|---|---|---|---|")
    for count, size, executables, seconds in growth(asked.structures):
        print(f"| {count} | {size / 1e6:,.0f} | {executables} | {seconds:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
