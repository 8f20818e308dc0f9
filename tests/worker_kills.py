"""Kills of real workers while they work: the bits stay, each result comes once, and nobody is blamed."""

import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import toys

from discover import Done, Executor, Registry, Surroundings, Work, Worker, WorkerPool, fresh_work, gathered, run_here
from discover.config.build import algorithm_from, environment_from
from discover.contract.held import HeldLifetimes
from discover.inner_loop.isolation import ATTEMPTS
from discover.plugin.loader import Plugins, load_plugins
from discover.workers import dispatch

CHUNK = 2
_PAUSE = 0.3  # seconds between two kills: fewer than a new worker takes to begin


def plugins_in(folder: Path) -> Plugins:
    """The toys as a plugin in a folder, which workers load too."""
    folder.mkdir(mode=0o755)
    shutil.copy(toys.__file__, folder / "toys.py")
    (folder / "toys.py").chmod(0o644)
    return load_plugins(folder)


def work_of(registry: Registry, steps: int, *slopes: float) -> Work:
    """Members of one structure, by their words."""
    rule = {"noise": 0.5, "steps": steps}
    words = [{"recipe": "climb", "rule": {"toy_climb": {"slope": slope, **rule}}} for slope in slopes]
    members = jax.tree.map(lambda *leaves: np.stack(leaves), *[algorithm_from(registry, word) for word in words])
    return fresh_work(environment_from(registry, "late-payday"), members, jax.random.split(jax.random.key(3), 2), 96)


def bits(result: Any) -> list[bytes]:
    assert isinstance(result, Done), result
    leaves = jax.tree.leaves((result.curves, gathered(result.lifetimes)))
    raw = [jax.random.key_data(x) if jax.numpy.issubdtype(x.dtype, jax.dtypes.prng_key) else x for x in leaves]
    return [np.asarray(leaf).tobytes() for leaf in raw]


def assert_survives_kills(
    executor: Executor, plugins: Plugins, strike: Callable[[Worker], bool], *, kills: int, monkeypatch: Any
) -> None:
    """Let an executor work again and again, until so many of its workers have been killed in the middle of a job.

    Args:
        executor: with chunks of two.
        plugins: those of `plugins_in`.
        strike: kills a worker; False if it cannot.
        kills: how many.
        monkeypatch: counts the answers.
    """
    registry = plugins.registry
    work = [
        work_of(registry, 4, 0.1, 0.2, 0.3),
        work_of(registry, 5, 0.1, 0.2),
        work_of(registry, 4, *np.linspace(0.4, 0.9, 6)),
    ]
    kept = [piece._replace(keep=True, stop=5) for piece in work]
    honest = [bits(result) for _, result in sorted(run_here(work, CHUNK))]
    honest_kept = [bits(result) for _, result in sorted(run_here(kept, CHUNK))]
    answers, taken, killed, over = list[bool](), dispatch.result_from, list[Worker](), threading.Event()
    monkeypatch.setattr(dispatch, "result_from", lambda *message: answers.append(True) or taken(*message))
    pool = executor.open(Surroundings(registry, plugins.folder))
    assert isinstance(pool, WorkerPool)
    parts = sum(len(pool._cut(piece)) for piece in work)

    def kill() -> None:
        """Kill those who work; but what two workers were lost with is left alone, since three are taken as its own fault."""
        while len(killed) < kills and not over.wait(_PAUSE):
            for job in list(pool._crew.jobs.values()):
                if job.part.losses < ATTEMPTS - 1 and job.worker not in killed and strike(job.worker):
                    killed.append(job.worker)
                    break

    killer = threading.Thread(target=kill, daemon=True)
    try:
        assert [bits(result) for _, result in sorted(pool.run(work))] == honest
        killer.start()
        while killer.is_alive():
            answers.clear()
            assert [bits(result) for _, result in sorted(pool.run(work))] == honest
            assert len(answers) == parts, "each part is done once, however many workers were lost"
            results = [result for _, result in sorted(pool.run([piece._replace(hold=True) for piece in kept]))]
            assert all(isinstance(each, Done) and isinstance(each.lifetimes, HeldLifetimes) for each in results)
            assert [bits(result) for result in results] == honest_kept
        assert len(killed) == kills
    finally:
        over.set()
        pool.close()
