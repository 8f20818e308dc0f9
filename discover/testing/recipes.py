"""Checks of recipes and other whole candidates."""

from __future__ import annotations

from collections.abc import Iterable

import jax

from discover.base.errors import UserError, cause_of
from discover.contract.algorithm import Algorithm
from discover.contract.environment import Environment
from discover.inner_loop import lifetime
from discover.inner_loop.lifetime import Lifetime
from discover.testing.components import complete
from discover.testing.failures import finite, require
from discover.testing.guard import guarded, told
from discover.testing.programs import quickly_compiled
from discover.testing.small import Corridor

SMALL = (Corridor(), Corridor(real=True), Corridor(factored=True))
"""Environments with discrete, with real and with factored actions."""


@guarded("rule")
def check_recipe(algorithm: Algorithm, environments: Iterable[Environment] = SMALL, updates: int = 2) -> None:
    """Check a candidate by a few updates, at its own sizes, on the first environment that it can be trained on.

    Args:
        algorithm: open values are set first.
        environments: the choice.
        updates: how many.

    Raises:
        ConformanceError: it fits none of them, or is not finite after these updates.
    """
    algorithm, name = complete(algorithm), type(algorithm.rule).__name__
    refusals: list[Exception] = []
    environment = next((e for e in environments if _fits(algorithm, e, refusals)), None)
    reasons = "; ".join(dict.fromkeys(_reason(error, algorithm) for error in refusals))
    if environment is None and refusals and not any(isinstance(error, UserError) for error in refusals):
        raise refusals[0]  # of the code, not of the environment
    require(
        environment is not None,
        f"no environment suits the recipe ({reasons}).",
        "Each part of a candidate must fit the others, and its task.",
        "Change the network or the rule, or register a task that suits them.",
    )
    assert environment is not None

    def train(algorithm: Algorithm, key: jax.Array) -> Lifetime:
        life = lifetime.begin(algorithm, environment, key)
        return lifetime.advance(algorithm, environment, life, start=0, stop=updates, total=updates)

    after = quickly_compiled(train)(algorithm, jax.random.key(0))
    require(
        finite(after.params),
        f"{name} has parameters that are not finite after {updates} updates.",
        "A candidate that is not finite counts as broken.",
        "Lower the learning rate, or bound the norm of the gradient (clip_norm).",
    )


def _fits(algorithm: Algorithm, environment: Environment, refusals: list[Exception]) -> bool:
    """Whether a candidate can begin in an environment, by a trace; a refusal is added to the others."""
    try:
        jax.eval_shape(lambda a, key: lifetime.begin(a, environment, key), algorithm, jax.random.key(0))
    except Exception as error:  # a network may need observations of another shape
        refusals.append(error)
        return False
    return True


def _reason(error: Exception, algorithm: Algorithm) -> str:
    """Why a candidate cannot begin in an environment, without a full stop."""
    return cause_of(error) if isinstance(error, UserError) else told(error, algorithm, "init").sentence.rstrip(".")
