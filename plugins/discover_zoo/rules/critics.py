"""Two critics of which the lower counts: their loss, and the bounds of the actions that they judge."""

import jax
import jax.numpy as jnp

from discover import Continuous, Info, Outputs, Spec, Trajectory

CRITICS = ("q1", "q2")
"""The heads of the critics."""


def critic_loss(
    outputs: Outputs, batch: Trajectory, target: jax.Array, weight: jax.Array | float = 1.0
) -> tuple[jax.Array, Info]:
    """Half the mean squared error of each critic, summed over both.

    Args:
        outputs: ``q1`` and ``q2``, each ``[T, B]``.
        batch: the transitions, which are not used.
        target: ``y[T, B]``.
        weight: ``[T, B]``, how much each step counts.

    >>> outputs = {"q1": jnp.array([1.0, 2.0, 3.0]), "q2": jnp.array([1.0, 2.0, 6.0])}
    >>> loss, _ = critic_loss(outputs, None, jnp.array([1.0, 2.0, 3.0]))
    >>> float(loss)
    1.5
    """
    del batch
    loss = sum((0.5 * jnp.mean(weight * (outputs[critic] - target) ** 2) for critic in CRITICS), jnp.zeros(()))
    return loss, {"critic_loss": loss, "q": jnp.mean(outputs["q1"])}


def lower_critic(outputs: Outputs) -> jax.Array:
    """The lower of both critics, element by element.

    >>> print(lower_critic({"q1": jnp.array([1.0, 2.0]), "q2": jnp.array([3.0, 0.0])}))
    [1. 0.]
    """
    return jnp.minimum(outputs["q1"], outputs["q2"])


def action_bounds(spec: Spec) -> tuple[jax.Array, jax.Array]:
    """Lowest and highest actions ``[D]``, in the environment's units.

    >>> low, high = action_bounds(Spec((3,), Continuous((-2.0,), (2.0,))))
    >>> print(low, high)
    [-2.] [2.]
    """
    assert isinstance(spec.action, Continuous)
    return jnp.asarray(spec.action.low, jnp.float32), jnp.asarray(spec.action.high, jnp.float32)
