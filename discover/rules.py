"""The kind update rule, and the world: all that a rule may use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeAlias

import jax

from discover.components import Component
from discover.environments import Spec
from discover.networks import Heads, Outputs

if TYPE_CHECKING:
    from discover.world import World

Info: TypeAlias = Mapping[str, jax.Array]
"""Scalars for a human to read, by name; averaged over the rows of the learning curve."""

Context: TypeAlias = Mapping[str, jax.Array]
"""What a rule feeds to the network, by name: ``[size]``, or ``[B, size]`` for a value per environment."""


class Rollout(NamedTuple):
    """How much experience one update takes.

    Attributes:
        steps: T, steps of each environment.
        environments: B, environments side by side.
        by_rule: the rule collects by itself (it calls `World.start` and `World.collect`); ``steps * environments`` then says
            how many env steps that takes, and its info reports ``episode_return`` and ``env_steps``.
    """

    steps: int
    environments: int
    by_rule: bool = False


class Experience(NamedTuple):
    """T steps of B environments, each ``[T, B, ...]`` unless said otherwise; gradients are stopped.

    Attributes:
        observation: what the agent saw.
        action, log_prob: what it did, and the log-probability of that when it did it.
        outputs: what the network said when acting, by head.
        reward, terminated, truncated: what came of it.
        next_observation: the *true* next observation, before any reset.
        first: true where an episode starts.
        context: what the rule fed to the network, by name.
        carry: ``[B, ...]`` the network's carry before the first step.
        task: ``[B, ...]`` the task of each column at the segment's start.
    """

    observation: jax.Array
    action: jax.Array
    log_prob: jax.Array
    outputs: Outputs
    reward: jax.Array
    terminated: jax.Array
    truncated: jax.Array
    next_observation: jax.Array
    first: jax.Array
    context: Context
    carry: Any
    task: Any


class UpdateRule(Component):
    """How an agent learns from experience. Pure; written for one lifetime; never touches the network.

    Differentiable with respect to its own leaves (or it lists those that are not in ``not_differentiable``): stop the
    gradient on the values *before* the return function, and use neither ``while_loop`` nor ``custom_vjp`` in `update`.
    """

    kind: ClassVar[str] = "update rule"

    def rollout(self, spec: Spec) -> Rollout:
        """How much the lifetime collects before each update."""
        raise NotImplementedError

    def heads(self, spec: Spec) -> Heads:
        """The outputs that the network must give."""
        raise NotImplementedError

    def init(self, key: jax.Array, world: World, params: Any) -> Any:
        """The rule's own state (optimiser, replay, target network, ...)."""
        raise NotImplementedError

    def behaviour(self, params: Any, state: Any) -> tuple[Any, Context]:
        """What acting needs of the rule's state: parameters, and a context by name, as `heads` declares it.

        Unless overridden: the parameters, no context.
        """
        del state
        return params, {}

    def act(self, key: jax.Array, world: World, outputs: Outputs, context: Context) -> tuple[jax.Array, jax.Array]:
        """Actions ``[B, ...]`` and their log-probabilities ``[B]``. Unless overridden: a sample of the policy head."""
        del context
        policy = world.policy(outputs)
        action = policy.sample(key)
        return action, policy.log_prob(action)

    def update(self, key: jax.Array, world: World, params: Any, state: Any, experience: Experience) -> tuple[Any, Any, Info]:
        """New parameters, new state, and scalars to read. ``experience`` is None for a rule that collects by itself."""
        raise NotImplementedError
