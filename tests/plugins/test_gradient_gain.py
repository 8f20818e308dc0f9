"""The search by gradients improves what it climbs: numbers that begin plainly wrong teach fresh agents better after it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discover_zoo.executors.local import Local
from discover_zoo.rules.drift_network import random_weights
from discover_zoo.rules.lpo import LPO
from searches import Watcher

from discover import (
    Key,
    Registry,
    Space,
    Weights,
    component,
    difference_interval,
    fresh_work,
    hookimpl,
    run_alone,
    seed_keys,
    weights,
)
from discover.config.build import environment_from
from discover.config.search_config import checked_config
from discover.outer_loop.search import search
from discover.plugin.loader import load_plugins

STEPS = 60 * 12 * 8
"""Of a lifetime of 60 updates."""

RETURNS = {"gae": {"gamma": 0.99, "lam": 0.95}}
NETWORK = {"mlp": {"hidden": [32]}}


def timid_weights(rule: object, key: Key) -> dict[str, jax.Array]:
    """Weights of a drift of about 64 (1 - r)^2: the policy stays nearly where it is."""
    del rule, key
    return {"hidden": jnp.zeros((8, 128)).at[3].set(1.0), "output": jnp.full(128, 0.5)}


@component
class TimidLPO(LPO):
    """LPO whose search begins with a drift that hardly lets it learn."""

    drift_weights: Weights = weights(init=random_weights, start=timid_weights)


class SmallCatch:
    """Catch on a board on which agents learn within a second."""

    @hookimpl
    def discover_register(self, registry: Registry) -> None:
        board = {"catch": {"rows": 5, "columns": 5}}
        registry.add("timid_lpo", TimidLPO)
        registry.add_task("small-catch", board, summary="Catch", random=-0.6, reference=1.0, origin="one of 5 is caught")


def earned(candidate: Mapping[str, Any], seed: int, directory: Path, **strategy: Any) -> tuple[float, float]:
    """What fresh agents earn over a lifetime with the start of a search, and with what it found, on the same seeds."""
    watcher = Watcher()
    plugins = load_plugins(extra=[SmallCatch(), watcher])
    words = {
        "name": "uphill",
        "seed": seed,
        "candidate": candidate,
        "strategy": {"gradient": strategy},
        "population": 1,
        "generations": 40,
        "seeds": 32,
        "finalists": 1,
        "selection_seeds": 1,
        "executor": {"local": {"chunk": 16}},
        "tasks": [{"task": "small-catch", "steps": STEPS}],
    }
    search(plugins, words, directory)
    genomes = np.concatenate([watcher.generations[place].genomes for place in (0, -1)])
    (group,) = Space(checked_config(plugins.registry, words).template).groups(genomes)
    keys = seed_keys(seed, "fresh", 16)
    work = fresh_work(environment_from(plugins.registry, "small-catch"), group.candidates, keys, STEPS)
    start, found = run_alone(Local(chunk=16), work).curves.episode_return.mean(axis=(1, 2))
    return float(start), float(found)


@pytest.mark.slow
def test_a_learning_rate_that_is_far_too_small_becomes_one_that_teaches(tmp_path: Path) -> None:
    candidate = {
        "rule": {
            "a2c": {
                "returns": RETURNS,
                "optimizer": {"adam": {"learning_rate": {"free": {"start": 1e-4}}}},
                "steps": 12,
                "num_envs": 8,
                "entropy_coefficient": 0.0,
            }
        },
        "network": NETWORK,
    }
    runs = [earned(candidate, seed, tmp_path / str(seed), updates=5, learning_rate=0.15) for seed in range(10, 14)]
    start, found = zip(*runs, strict=True)
    assert difference_interval(found, start, paired=True).low > 0.5, "of the 1.6 between a random policy and the best one"


@pytest.mark.slow
def test_a_learned_drift_that_hardly_lets_the_policy_move_becomes_one_that_does(tmp_path: Path) -> None:
    rule = {
        "returns": RETURNS,
        "optimizer": {"clip_norm": {"max_norm": 0.5, "optimizer": {"adam": {"learning_rate": 0.005}}}},
        "steps": 12,
        "num_envs": 8,
        "drift_weights": "free",
    }
    candidate = {"rule": {"timid_lpo": rule}, "network": NETWORK}
    runs = [earned(candidate, seed, tmp_path / str(seed), updates=5, learning_rate=0.15) for seed in range(10, 14)]
    start, found = zip(*runs, strict=True)
    assert difference_interval(found, start, paired=True).low > 0.5, "of the 1.6 between a random policy and the best one"
