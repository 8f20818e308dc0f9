"""Batches of random transitions, for tests of what reads batches alone."""

from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from discover import Discrete, ExplorationBonus, Spec, Trajectory
from discover.testing.programs import quickly_compiled

STEPS, COLUMNS, NUMBERS = 5, 3, 4
WORLD: Any = SimpleNamespace(spec=Spec((NUMBERS,), Discrete(2)), progress=jnp.zeros(()))
KEY = jax.random.key(0)


def batch(seed: int, **changes: Any) -> Trajectory:
    """Random transitions; with ``changes``, some other fields."""
    random = np.random.default_rng(seed)
    zeros = np.zeros((STEPS, COLUMNS), np.float32)
    seen, after = random.normal(2.0, 3.0, (2, STEPS, COLUMNS, NUMBERS)).astype(np.float32)
    fields: dict[str, Any] = {
        "observation": jnp.asarray(seen),
        "action": jnp.asarray(random.integers(2, size=(STEPS, COLUMNS))),
        "log_prob": zeros,
        "outputs": {},
        "reward": zeros,
        "terminated": zeros > 0.0,
        "truncated": zeros > 0.0,
        "next_observation": jnp.asarray(after),
        "is_first": zeros > 0.0,
        "context": {},
        "carry": (),
        "task": (),
    }
    return Trajectory(**fields | changes)


def begun(bonus: ExplorationBonus) -> Any:
    """The state of a bonus before its first batch."""
    return quickly_compiled(lambda: bonus.init(KEY, WORLD, COLUMNS))()


def updated(bonus: ExplorationBonus) -> Any:
    """The update of a bonus, compiled: ``(state, batch) -> (pay, state)``."""
    return quickly_compiled(lambda state, steps: bonus.update(KEY, WORLD, state, steps))
