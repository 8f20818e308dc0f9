"""Networks that a bonus has for itself: made, evaluated and fitted by it, apart from the agent's."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from discover import Context, Heads, Inputs, Key, Network, Optimizer, OptimizerState, Outputs, Params, Spec, UserError

Loss = Callable[[Params, Any, Key], jax.Array]
"""``(params, batch, key) -> scalar``; leaves of the batch are ``[n, ...]``."""


class Fitted(NamedTuple):
    """A network that is fitted.

    Attributes:
        params: its parameters.
        optimizer: the state of its optimizer.
    """

    params: Params
    optimizer: OptimizerState


def new_params(key: Key, network: Network, spec: Spec, heads: Heads) -> Params:
    """Fresh parameters of a network that a bonus has for itself.

    Raises:
        UserError: it has a memory, for which single transitions will not do.
    """
    if jax.tree.leaves(jax.eval_shape(lambda: network.carry(heads))):
        raise UserError(
            f"a bonus judges single transitions, and {type(network).__name__} has a memory of those before: choose a network "
            "without one (mlp, cnn)."
        )
    return network.init(key, spec, heads)


def evaluated(
    network: Network, params: Params, heads: Heads, observation: jax.Array, *, context: Context, progress: jax.Array
) -> Outputs:
    """The outputs ``[N, ...]`` of such a network for observations ``[N, ...]``."""
    inputs = Inputs(observation, jnp.zeros(observation.shape[0], bool), context, progress)
    return network.apply(params, heads, inputs, ())[0]


def fit(
    key: Key, loss: Loss, fitted: Fitted, optimizer: Optimizer, *, data: Any, epochs: int, minibatches: int, progress: jax.Array
) -> Fitted:
    """A network after some passes over data, each in a new order.

    Args:
        key: randomness of the order, and for the loss.
        loss: of a minibatch.
        fitted: the network before.
        optimizer: by which it learns.
        data: a tree whose leaves are ``[N, ...]``.
        epochs: number of passes.
        minibatches: steps per pass: at most N. Rows that do not divide into so many are left out of a pass.
        progress: of the lifetime, for schedules.
    """
    rows = jax.tree.leaves(data)[0].shape[0]
    count = min(minibatches, rows)

    def step(fitted: Fitted, given: tuple[jax.Array, Key]) -> tuple[Fitted, None]:
        index, key = given
        gradient = jax.grad(loss)(fitted.params, jax.tree.map(lambda x: x[index], data), key)
        return Fitted(*optimizer.update(gradient, fitted.optimizer, fitted.params, progress)), None

    def epoch(fitted: Fitted, key: Key) -> tuple[Fitted, None]:
        key_order, key_steps = jax.random.split(key)
        order = jax.random.permutation(key_order, rows)[: rows // count * count].reshape(count, -1)
        return jax.lax.scan(step, fitted, (order, jax.random.split(key_steps, count)))

    return jax.lax.scan(epoch, fitted, jax.random.split(key, epochs))[0]
