"""Checks of the expert that an environment may have."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from discover.base.errors import UserError
from discover.contract.environment import Continuous, Discrete, Environment, MultiDiscrete, Spec
from discover.contract.types import EnvState, Key
from discover.testing.failures import require
from discover.testing.programs import quickly_compiled
from discover.testing.rolling import random_action

_ACTION = (
    "Rules that imitate take the expert's action as they take their own.",
    "Return a whole number, or [D] whole or real ones, within the bounds of the action space.",
)
_FOLLOWED = 16
"""Steps for which the expert is followed."""


def has_expert(environment: Environment) -> bool:
    """Whether an environment, or the one that it wraps, has an expert."""
    try:
        jax.eval_shape(lambda key: _first_action(environment, key), jax.random.key(0))
    except UserError:
        return False
    return True


def check_expert_shape(environment: Environment) -> None:
    """Check by a trace alone that an expert, if there is one, gives one action.

    Raises:
        ConformanceError: it does not, in one sentence.

    >>> from discover.testing.small import Corridor
    >>> check_expert_shape(Corridor(real=True))
    """
    if not has_expert(environment):
        return
    key, space = jax.random.key(0), environment.spec().action
    given = jax.eval_shape(lambda key: jnp.asarray(_first_action(environment, key)), key)
    expected = jax.eval_shape(lambda key: random_action(environment.spec(), key), key)
    kind = jnp.floating if isinstance(space, Continuous) else jnp.integer
    fits = given.shape == expected.shape and jnp.issubdtype(given.dtype, kind)
    require(fits, f"{environment!r} has an expert that gives {given}, no action of {space}.", *_ACTION, method="expert")


def check_expert(environment: Environment, keys: Key) -> None:
    """Check that an expert, if there is one, acts within the bounds of the action space for the first steps of some episodes.

    Args:
        environment: whose shapes are checked.
        keys: one per episode.

    Raises:
        ConformanceError: it does not, in one sentence.
    """
    if not has_expert(environment):
        return
    space = environment.spec().action
    low, high = _bounds(environment.spec())

    def follow(environment: Environment, key: Key) -> jax.Array:
        task = environment.sample_task(key)

        def step(state: EnvState, key: Key) -> tuple[EnvState, jax.Array]:
            action = environment.expert(state, task)
            return environment.step(key, state, action, task).state, action

        return jax.lax.scan(step, environment.reset(key, task)[0], jax.random.split(key, _FOLLOWED))[1]

    actions = np.asarray(quickly_compiled(jax.vmap(follow, (None, 0)))(environment, keys))
    sentence = f"{environment!r} has an expert whose actions reach from {actions.min()} to {actions.max()}, out of {space}."
    require(bool(np.all((actions >= low) & (actions <= high))), sentence, *_ACTION, method="expert")


def _bounds(spec: Spec) -> tuple[np.ndarray, np.ndarray]:
    """The lowest and the highest action."""
    match spec.action:
        case Continuous(low, high):
            return np.asarray(low), np.asarray(high)
        case Discrete(n):
            return np.asarray(0), np.asarray(n - 1)
        case MultiDiscrete(factors):
            return np.zeros(len(factors), int), np.asarray(factors) - 1


def _first_action(environment: Environment, key: Key) -> jax.Array:
    task = environment.sample_task(key)
    return environment.expert(environment.reset(key, task)[0], task)
