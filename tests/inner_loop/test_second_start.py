"""A second process finds the programs of the first one on the disk."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import collections, logging
import discover
discover.plugins()
import jax, numpy as np

missed = collections.Counter()

class Note(logging.Handler):
    def emit(self, record):
        if "CACHE MISS" in record.getMessage():
            missed[record.getMessage().split("'")[1]] += 1

logger = logging.getLogger("jax._src.compiler")
logger.setLevel(logging.DEBUG)
logger.propagate = False
logger.addHandler(Note())
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)

def piece(task, width, members):
    one = discover.replace(discover.recipe("a2c"), {"network.hidden": (width,), "rule.steps": 4, "rule.num_envs": 2})
    candidates = jax.tree.map(lambda x: np.repeat(np.asarray(x)[None], members, axis=0), one)
    return discover.fresh_work(discover.environment(task), candidates, discover.seed_keys(0, "test", 2), 64)

work = [piece(task, width, members) for task in ("catch", "CartPole-v1") for width, members in ((4, 3), (5, 1), (6, 9))]
results = dict(discover.run_here(work, chunk=2))
assert all(isinstance(result, discover.Done) for result in results.values()), results
print(missed["jit__advance"], missed["jit__begin"], missed["jit__finish"])
"""


@pytest.mark.slow
def test_a_mixed_generation_compiles_each_structure_once_for_each_task_and_nothing_on_a_second_start(tmp_path: Path) -> None:
    cache = tmp_path / "programs"
    cache.mkdir(mode=0o700)
    counts = []
    for _ in range(2):
        made = subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={**os.environ, "DISCOVER_CACHE": str(cache)},
            stdout=subprocess.PIPE,
            encoding="utf-8",
            check=True,
            timeout=600,
        )
        counts.append([int(count) for count in made.stdout.split()])
    assert counts[0][0] == 6, "three structures on two tasks"
    assert max(counts[0]) <= 6
    assert counts[1] == [0, 0, 0]
