"""Checks of normalizers."""

from __future__ import annotations

import jax
import numpy as np

from discover.contract.environment import Discrete, Spec
from discover.contract.normalizer import Normalizer
from discover.testing.compilations import changed_weak_type
from discover.testing.components import complete
from discover.testing.failures import close, finite, form, require
from discover.testing.guard import guarded
from discover.testing.programs import quickly_compiled

STEPS, COLUMNS = 5, 3
_SPEC = Spec((4,), Discrete(2))

_STATE = ("Statistics run in a loop, whose state keeps its form.", "Return the structure, shapes and dtypes of `init`.")
_SAME = ("A replay buffer rescales later what was counted before.", "Rescale by the statistics after the step in both methods.")
_FINITE = ("The first observation has no spread.", "Add a small constant to a variance before its root.")


@guarded("update")
def check_normalizer(normalizer: Normalizer) -> None:
    """Check a normalizer on a few steps of several environments, of observations with an offset and one that never changes.

    Statistics keep their form, also where environments start anew. What is rescaled keeps its shape and is finite, before the
    first step too. To rescale without counting gives what counting gave.

    Raises:
        ConformanceError: the first check that fails, in one sentence.
    """
    normalizer, name = complete(normalizer), type(normalizer).__name__
    first = normalizer.init(_SPEC, COLUMNS)
    random = np.random.default_rng(0)
    observations = 3.0 + random.normal(size=(STEPS, COLUMNS, 4)).astype(np.float32)
    observations[..., 0] = 5.0
    rewards = 100.0 * random.normal(size=(STEPS, COLUMNS)).astype(np.float32)
    done = np.zeros((STEPS, COLUMNS), bool)
    done[2, 1] = True
    update, update_reward, normalize, normalize_reward = (
        quickly_compiled(lambda s, x: normalizer.update(s, x)),
        quickly_compiled(lambda s, r, d: normalizer.update_reward(s, r, d)),
        quickly_compiled(lambda s, x: normalizer.normalize(s, x)),
        quickly_compiled(lambda s, r: normalizer.normalize_reward(s, r)),
    )
    require(finite(normalize(first, observations[0])), f"{name} is not finite before its first step.", *_FINITE)
    state = first
    for observation, reward, ended in zip(observations, rewards, done, strict=True):
        state, rescaled = update(state, observation)
        _check_state(name, first, state, "update")
        _check_rescaled(name, observation, rescaled, normalize(state, observation))
        state, rescaled = update_reward(state, reward, ended)
        _check_state(name, first, state, "update_reward")
        _check_rescaled(name, reward, rescaled, normalize_reward(state, reward))
    _check_state(name, first, normalizer.restart(state, COLUMNS), "restart")


def _check_state(name: str, first: object, state: object, method: str) -> None:
    """Check that statistics are finite and of the form of the first ones."""
    require(form(state) == form(first), f"{name}.{method} changes the form of the statistics.", *_STATE, method=method)
    require(finite(state), f"{name}.{method} gives statistics that are not finite.", *_FINITE, method=method)
    changed = changed_weak_type(first, state)
    require(
        changed is None,
        f"the statistics of {name} begin with a number of Python at '{changed}'.",
        "A lifetime that goes on would be compiled a second time.",
        "Write jnp.zeros(()) in `init`.",
        method="init",
    )


def _check_rescaled(name: str, before: np.ndarray, rescaled: jax.Array, again: jax.Array) -> None:
    """Check numbers that were rescaled while they were counted, and without counting them."""
    shape = np.shape(rescaled)
    require(shape == before.shape, f"{name} turns numbers of shape {before.shape} into numbers of shape {shape}.", *_STATE)
    require(finite(rescaled), f"{name} rescales finite numbers to some that are not finite.", *_FINITE)
    require(close(rescaled, again, 1e-4), f"{name} rescales numbers otherwise when it does not count them.", *_SAME)
