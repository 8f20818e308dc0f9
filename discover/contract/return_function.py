"""The kind return function."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import jax

from discover.components.component import Component


class Segment(NamedTuple):
    """What a return function sees: T steps of B environments, each ``[T, B]``.

    Attributes:
        reward: reward of the transition.
        value: value of the state that it left; gradients are stopped before, never after, the return function.
        next_value: value of the *true* next state (not of the state after a reset); 0 after a termination.
        terminated: the transition ended the episode for good: no value follows.
        truncated: the transition ended the episode by a limit: the value of the next state follows, its rewards do not.
        behavior_log_prob, target_log_prob: log-probabilities of the action when it was taken and under the policy that learns.
    """

    reward: jax.Array
    value: jax.Array
    next_value: jax.Array
    terminated: jax.Array
    truncated: jax.Array
    behavior_log_prob: jax.Array
    target_log_prob: jax.Array


class Targets(NamedTuple):
    """Each ``[T, B]``: what the value should have been, and how much better the action was than expected."""

    value: jax.Array
    advantage: jax.Array


class ReturnFunction(Component):
    """Targets for value and policy from a segment; off-policy corrections are return functions too.

    Differentiable with respect to its own leaves: the gradient to, say, gamma runs through the targets, so nothing here
    stops gradients.
    """

    kind: ClassVar[str] = "return function"

    def __call__(self, segment: Segment) -> Targets:
        raise NotImplementedError
