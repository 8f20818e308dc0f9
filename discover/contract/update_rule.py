"""The kind update rule."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import jax

from discover.components.component import Component, component
from discover.contract.environment import Spec
from discover.contract.network import Heads, Outputs
from discover.contract.trajectory import Context, Info, Trajectory
from discover.contract.world import World


class Rollout(NamedTuple):
    """How much experience one update takes.

    Attributes:
        steps: T, steps of each environment.
        num_envs: B, environments side by side.
        by_rule: the rule collects by itself (it calls `World.start` and `World.collect`); ``steps * num_envs`` then says
            how many env steps that takes, and its info holds what `World.report` says of the actors.
    """

    steps: int
    num_envs: int
    by_rule: bool = False


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
        """The rule's own state (optimizer, replay, target network, ...)."""
        raise NotImplementedError

    def behavior(self, params: Any, state: Any) -> tuple[Any, Context]:
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

    def update(self, key: jax.Array, world: World, params: Any, state: Any, trajectory: Trajectory) -> tuple[Any, Any, Info]:
        """New parameters, new state, and scalars to read. ``trajectory`` is None for a rule that collects by itself."""
        raise NotImplementedError

    def adapt_to_task(self, key: jax.Array, world: World, params: Any, state: Any, trajectory: Trajectory) -> tuple[Any, Any]:
        """Parameters and state after a first look at one task, as at test time. Unless overridden: as they were."""
        del key, world, trajectory
        return params, state


@component
class WrappingRule(UpdateRule):
    """A rule around another, which it leaves as it is but for the world that the other sees (and whatever is overridden).

    Attributes:
        rule: the other.
    """

    rule: UpdateRule

    def seen(self, world: World) -> World:
        """The world as the wrapped rule sees it, see `World.view`. Unless overridden: as it is."""
        return world

    def rollout(self, spec: Spec) -> Rollout:
        return self.rule.rollout(spec)

    def heads(self, spec: Spec) -> Heads:
        return self.rule.heads(spec)

    def init(self, key: jax.Array, world: World, params: Any) -> Any:
        return self.rule.init(key, self.seen(world), params)

    def behavior(self, params: Any, state: Any) -> tuple[Any, Context]:
        return self.rule.behavior(params, state)

    def act(self, key: jax.Array, world: World, outputs: Outputs, context: Context) -> tuple[jax.Array, jax.Array]:
        return self.rule.act(key, world, outputs, context)

    def update(self, key: jax.Array, world: World, params: Any, state: Any, trajectory: Trajectory) -> tuple[Any, Any, Info]:
        return self.rule.update(key, self.seen(world), params, state, trajectory)

    def adapt_to_task(self, key: jax.Array, world: World, params: Any, state: Any, trajectory: Trajectory) -> tuple[Any, Any]:
        return self.rule.adapt_to_task(key, self.seen(world), params, state, trajectory)
