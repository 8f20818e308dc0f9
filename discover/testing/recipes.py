"""Checks of recipes and other whole candidates."""

from __future__ import annotations

from collections.abc import Iterable

import jax

from discover.base.errors import UserError
from discover.contract.algorithm import Algorithm
from discover.contract.environment import Environment
from discover.inner_loop import lifetime
from discover.inner_loop.lifetime import Lifetime
from discover.testing.components import complete
from discover.testing.failures import finite, require
from discover.testing.guard import guarded
from discover.testing.small import Corridor

SMALL = (Corridor(), Corridor(real=True))
"""Environments with discrete and with real actions."""


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
    refusals: list[str] = []
    environment = next((e for e in environments if _fits(algorithm, e, refusals)), None)
    reasons = "; ".join(dict.fromkeys(refusals))
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

    after = jax.jit(train)(algorithm, jax.random.key(0))
    require(
        finite(after.params),
        f"{name} has parameters that are not finite after {updates} updates.",
        "A candidate that is not finite counts as broken.",
        "Lower the learning rate, or bound the norm of the gradient (clip_norm).",
    )


def _fits(algorithm: Algorithm, environment: Environment, refusals: list[str]) -> bool:
    """Whether a candidate can begin in an environment, by a trace; a refusal is added to the others."""
    try:
        jax.eval_shape(lambda a, key: lifetime.begin(a, environment, key), algorithm, jax.random.key(0))
    except (UserError, TypeError, ValueError) as error:
        refusals.append(str(error).splitlines()[0].rstrip("."))
        return False
    return True
