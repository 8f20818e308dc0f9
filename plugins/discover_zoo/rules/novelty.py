"""The exploration bonus of each step, handed on from a rule that pays it to those inside it."""

import jax
import jax.numpy as jnp

from discover import Trajectory, UpdateRule, nodes

_BONUS = "bonus"
"""Its name in ``Trajectory.extra``."""


def with_novelty(trajectory: Trajectory, bonus: jax.Array, rule: UpdateRule) -> Trajectory:
    """The batch with a bonus ``[T, B]`` in its extra data, if a part of the rule that gets it says ``reads_novelty``."""
    wanted = any(getattr(node, "reads_novelty", False) for _, node in nodes(rule))
    return trajectory._replace(extra={_BONUS: bonus}) if wanted else trajectory


def novelty_of(trajectory: Trajectory) -> jax.Array:
    """The bonus ``[T, B]`` that a rule around this one has put into the extra data; 0 where there is none."""
    extra = trajectory.extra
    return extra[_BONUS] if isinstance(extra, dict) and _BONUS in extra else jnp.zeros_like(trajectory.reward)
