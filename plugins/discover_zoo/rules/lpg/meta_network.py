"""The kind meta-network: targets for policy and prediction, from what an agent did and saw."""

from typing import ClassVar, NamedTuple

import jax

from discover import Component, Count, component


class Experience(NamedTuple):
    """A batch of T steps in B environments as a meta-network sees it; each field ``[T, B]`` unless another shape stands there.

    No observation, no action and no parameter is among them, so that one network serves agents and tasks of any form.

    Attributes:
        reward: the reward of the step.
        discount: gamma; 0 where the step terminated its episode, so that nothing follows.
        ends: whether another episode begins after the step, by termination or truncation.
        probability: that of the action taken (the density of a real one), under the policy that took it.
        prediction: ``[T, B, m]`` logits of the agent's prediction before the step.
        next_prediction: ``[T, B, m]`` logits at the *true* next observation; without meaning where the discount is 0.
        progress: scalar in ``[0, 1]``, share of the lifetime that has passed.
        updates: scalar, the number of updates of the whole lifetime; 0 where that is not known.
    """

    reward: jax.Array
    discount: jax.Array
    ends: jax.Array
    probability: jax.Array
    prediction: jax.Array
    next_prediction: jax.Array
    progress: jax.Array
    updates: jax.Array


class LearnedTargets(NamedTuple):
    """The targets that a meta-network gives an agent.

    Attributes:
        policy: ``[T, B]``, by how much the action shall become likelier; a learned advantage, of either sign.
        prediction: ``[T, B, m]``, logits of what the prediction should have been.
    """

    policy: jax.Array
    prediction: jax.Array


@component
class MetaNetwork(Component):
    """A function from experience to targets, of which a learned rule consists. Its weights are numbers of the algorithm.

    Attributes:
        predictions: m, the size of the agent's categorical prediction.
    """

    kind: ClassVar[str] = "meta-network"

    predictions: Count = 30

    def __call__(self, experience: Experience) -> LearnedTargets:
        """The targets; differentiable in the weights."""
        raise NotImplementedError

    def formula(self) -> str:
        """The equation of ``\\hat\\pi_t`` and ``\\hat y_t``, in LaTeX."""
        return ""
