"""A second process finds the programs of the first one on the disk: it traces and compiles nothing, and has the same bits."""

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

traced = collections.Counter()

def count(name, function):
    def counted(*arguments, **more):
        traced[name] += 1
        return function(*arguments, **more)
    return counted

from discover.inner_loop import lifetime
for name in ("begin", "advance", "curve_of"):
    setattr(lifetime, name, count(name, getattr(lifetime, name)))

work = [piece(task, width, members) for task in ("catch", "CartPole-v1") for width, members in ((4, 3), (5, 1), (6, 9))]
results = dict(discover.run_here(work, chunk=2))
assert all(isinstance(result, discover.Done) for result in results.values()), results
print(*(missed[name] for name in ("jit__advance", "jit__begin", "jit__finish")))
print(*(traced[name] for name in ("begin", "advance", "curve_of")))
"""

BITS = """
import hashlib
import discover
discover.plugins()
import jax, numpy as np
from discover.inner_loop import lifetime
from discover.storage.array_file import raw_leaf

def never(*arguments, **more):
    raise AssertionError("traced")

if SECOND:
    lifetime.begin = lifetime.advance = lifetime.curve_of = never

networks = [{"mlp": {"hidden": [4], "activation": name}} for name in ("tanh", "relu")]
CASES = [
    ("catch", {"recipe": "ppo", "rule": {"ppo": {"steps": 8, "num_envs": 4, "minibatches": 2}}}, 2, 128, True),
    ("CartPole-v1", {"recipe": "a2c"}, 1, 128, True),
    ("CartPole-v1", {"recipe": "dqn"}, 2, 256, False),
    ("catch", {"recipe": "a2c", "network": {"one_of_networks": {"options": networks, "index": 1}}}, 2, 128, False),
]
for task, words, chunk, steps, keep in CASES:
    one = discover.load(words)
    two = jax.tree.map(lambda x: np.repeat(np.asarray(x)[None], 2, axis=0), one)
    work = discover.fresh_work(discover.environment(task), two, discover.seed_keys(0, "test", 2), steps, keep=keep)
    done = discover.run_population(work, chunk=chunk)
    raw = [np.asarray(raw_leaf(leaf)).tobytes() for leaf in jax.tree.leaves(done)]
    print(hashlib.sha256(b"".join(raw)).hexdigest())
"""


def printed(script: str, cache: str) -> list[str]:
    """What a script prints in a process of its own."""
    made = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "DISCOVER_CACHE": cache},
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=True,
        timeout=600,
    )
    return made.stdout.split()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A private folder, which is not that of the tests."""
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR", raising=False)
    folder = tmp_path / "programs"
    folder.mkdir(mode=0o700)
    return folder


@pytest.mark.slow
def test_a_mixed_generation_compiles_each_structure_once_for_each_task_and_nothing_on_a_second_start(cache: Path) -> None:
    counts = [[int(count) for count in printed(SCRIPT, str(cache))] for _ in range(2)]
    assert counts[0][0] == 6, "three structures on two tasks"
    assert max(counts[0][:3]) <= 6
    assert counts[0][4] == 6, "each is traced once"
    assert counts[1] == [0] * 6


@pytest.mark.slow
def test_the_bits_are_those_of_programs_that_are_not_kept(cache: Path) -> None:
    plain = printed("SECOND = False" + BITS, "off")
    assert len(plain) == 4
    assert printed("SECOND = False" + BITS, str(cache)) == plain
    assert printed("SECOND = True" + BITS, str(cache)) == plain
