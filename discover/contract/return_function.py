"""The kind return function."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

import jax

from discover.components.component import Component


class Segment(NamedTuple):
    """The input of a return function: T steps of B environments, each field ``[T, B]``.

    Attributes:
        reward: ``r_t``, the reward of the step.
        value: ``v(s_t)``, the value of the state before the step; gradients are stopped already.
        next_value: value of the *true* next state, not of the state after a reset; 0 after a termination. A return function
            does not count it there, whatever it is: a rule may build segments by itself.
        terminated: whether the step ended the episode for good: no value follows.
        truncated: whether the step ended the episode by a limit: the value of the next state counts, later rewards do not.
        behavior_log_prob: log-probability of the action under the policy that took it.
        target_log_prob: log-probability of the action under the policy that learns.
    """

    reward: jax.Array
    value: jax.Array
    next_value: jax.Array
    terminated: jax.Array
    truncated: jax.Array
    behavior_log_prob: jax.Array
    target_log_prob: jax.Array


class Targets(NamedTuple):
    """The output of a return function, each field ``[T, B]``.

    Attributes:
        value: the number that the value function should have predicted.
        advantage: how much better the action was than the value function expected.
    """

    value: jax.Array
    advantage: jax.Array


class ReturnFunction(Component):
    """Targets for value and policy from a segment. Off-policy corrections are return functions too.

    The targets are differentiable with respect to the function's own numbers: a meta-gradient with respect to, say, gamma runs
    through them. So a return function stops no gradients.
    """

    kind: ClassVar[str] = "return function"

    def __call__(self, segment: Segment) -> Targets:
        """Compute the targets."""
        raise NotImplementedError
