"""The kind update rule."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from discover.base.errors import UserError
from discover.components.component import Component, component
from discover.contract.environment import Spec
from discover.contract.network import Heads, Outputs
from discover.contract.trajectory import Context, Info, Trajectory
from discover.contract.types import Key, Params, RuleState
from discover.contract.world import World


class Rollout(NamedTuple):
    """The amount of experience that one update takes.

    Attributes:
        steps: T, steps of each environment.
        num_envs: B, environments side by side.
        by_rule: whether the rule collects by itself, with `World.start` and `World.collect`. Then ``steps * num_envs`` says how
            many env steps an update takes, `UpdateRule.update` receives no trajectory, and its info holds `World.report`.
    """

    steps: int
    num_envs: int
    by_rule: bool = False


class UpdateRule(Component):
    """The way in which an agent learns from experience: pure functions, written for one lifetime.

    A rule never calls the network itself; the `World` does that for it. It is differentiable with respect to its own numbers
    (or lists those for which it is not in ``not_differentiable``). To that end it stops gradients on values *before* the return
    function, never after it, and uses neither ``while_loop`` nor ``custom_vjp`` in `update`.
    """

    kind: ClassVar[str] = "update rule"

    def rollout(self, spec: Spec) -> Rollout:
        """The amount of experience before each update."""
        raise NotImplementedError

    def heads(self, spec: Spec) -> Heads:
        """The outputs that the rule needs from the network, and the inputs that it adds to the observation."""
        raise NotImplementedError

    def init(self, key: Key, world: World, params: Params) -> RuleState:
        """The rule's own state before the first update (optimizer state, replay buffer, target parameters, ...).

        It is a tree of arrays whose structure never changes.
        """
        raise NotImplementedError

    def behavior(self, params: Params, state: RuleState) -> tuple[Params, Context]:
        """The parameters with which to act, and the context to feed to the network, as `heads` declares it.

        By default the learned parameters and no context.
        """
        del state
        return params, {}

    def episode_context(self, key: Key, context: Context) -> Context:
        """Draw inputs that are held for one episode, and drawn anew for the next; by default none.

        Args:
            key: randomness.
            context: what `behavior` returned, with leading axis B.

        Returns:
            ``[B, size]`` each, by name; the network, `act` and the trajectory have them beside those of ``context``.
        """
        del key, context
        return {}

    def act(self, key: Key, world: World, outputs: Outputs, context: Context) -> tuple[jax.Array, jax.Array]:
        """Choose actions. By default a sample of the policy heads.

        Args:
            key: randomness.
            world: the world.
            outputs: ``[B, ...]`` outputs of the network at the observations.
            context: what `behavior` and `episode_context` returned, with leading axis B.

        Returns:
            Actions ``[B, ...]`` and their log-probabilities ``[B]``.
        """
        del context
        policy = world.policy(outputs)
        action = policy.sample(key)
        return action, policy.log_prob(action)

    def act_greedily(self, world: World, outputs: Outputs, context: Context) -> jax.Array:
        """The actions ``[B, ...]`` of an agent that learns no more and explores no more; for `discover.evaluate`.

        By default the most likely ones of the policy heads. A rule that overrides `act` overrides this too.

        Args:
            world: the world.
            outputs: ``[B, ...]`` outputs of the network at the observations.
            context: what `behavior` and `episode_context` returned, with leading axis B.
        """
        del context
        return world.policy(outputs).mode()

    def update(
        self, key: Key, world: World, params: Params, state: RuleState, trajectory: Trajectory
    ) -> tuple[Params, RuleState, Info]:
        """Learn from a trajectory.

        Args:
            key: randomness.
            world: the world, with the clock of this update.
            params: parameters of the network.
            state: the rule's own state.
            trajectory: ``[T, B, ...]``; None for a rule that collects by itself.

        Returns:
            New parameters, new state, and scalars for a human reader by name.
        """
        raise NotImplementedError

    def adapt_to_task(
        self, key: Key, world: World, params: Params, state: RuleState, trajectory: Trajectory
    ) -> tuple[Params, RuleState]:
        """Adapt to one task after first experience with it, as at test time. By default nothing changes.

        MAML takes a gradient step here.
        """
        del key, world, trajectory
        return params, state

    def regularizer(self, info: Info) -> jax.Array:
        """The number that a strategy which differentiates lifetimes with this rule adds to what it maximizes; by default 0.

        A learned rule says here what keeps it healthy while it is learned: the entropy of its agents, the size of its targets.

        Args:
            info: the scalars that `update` reported, or their means over several updates; like the parameters, they are
                differentiable in the numbers of the rule.

        Returns:
            A scalar, differentiable in ``info`` and best linear in it: then that of means is the mean of all updates.
        """
        del info
        return jnp.zeros(())


@component
class WrappingRule(UpdateRule):
    """A base class for rules that wrap another one: every method is that of the wrapped rule, unless overridden.

    Attributes:
        changes_rewards: whether the wrapped rule learns from other rewards than this one gets.
        rule: the wrapped rule.
    """

    changes_rewards: ClassVar[bool] = False

    rule: UpdateRule

    def inner_world(self, world: World) -> World:
        """The world that the wrapped rule receives (see `World.view`). By default the same world."""
        return world

    def inner_rule(self, world: World) -> UpdateRule:
        """The wrapped rule with the numbers that it has at this time of the lifetime. By default always the same."""
        del world
        return self.rule

    def inner_state(self, state: RuleState) -> RuleState:
        """The wrapped rule's part of the state. By default all of it. A rule with a state of its own overrides `init` too."""
        return state

    def with_inner_state(self, state: RuleState, inner: RuleState) -> RuleState:
        """The state with another part of the wrapped rule."""
        del state
        return inner

    def rollout(self, spec: Spec) -> Rollout:
        return self.rule.rollout(spec)

    def heads(self, spec: Spec) -> Heads:
        return self.rule.heads(spec)

    def init(self, key: Key, world: World, params: Params) -> RuleState:
        return self.inner_rule(world).init(key, self.inner_world(world), params)

    def behavior(self, params: Params, state: RuleState) -> tuple[Params, Context]:
        return self.rule.behavior(params, self.inner_state(state))

    def episode_context(self, key: Key, context: Context) -> Context:
        return self.rule.episode_context(key, context)

    def act(self, key: Key, world: World, outputs: Outputs, context: Context) -> tuple[jax.Array, jax.Array]:
        return self.inner_rule(world).act(key, world, outputs, context)  # the environments are those of the world outside

    def act_greedily(self, world: World, outputs: Outputs, context: Context) -> jax.Array:
        return self.inner_rule(world).act_greedily(world, outputs, context)

    def update(
        self, key: Key, world: World, params: Params, state: RuleState, trajectory: Trajectory
    ) -> tuple[Params, RuleState, Info]:
        rule, inner = self.inner_rule(world), self.inner_state(state)
        return self._outside(state, rule.update(key, self.inner_world(world), params, inner, trajectory=trajectory))

    def adapt_to_task(
        self, key: Key, world: World, params: Params, state: RuleState, trajectory: Trajectory
    ) -> tuple[Params, RuleState]:
        rule, inner = self.inner_rule(world), self.inner_state(state)
        return self._outside(state, rule.adapt_to_task(key, self.inner_world(world), params, inner, trajectory=trajectory))

    def regularizer(self, info: Info) -> jax.Array:
        return self.rule.regularizer(info)

    def _outside(self, state: RuleState, result: tuple[Any, ...]) -> Any:
        """The result of the wrapped rule, with this rule's state in the place of its own."""
        params, inner, *info = result
        return params, self.with_inner_state(state, inner), *info


def check_greedy(rule: UpdateRule, remedy: str) -> None:
    """Check that a rule can act greedily, or the one that it wraps, by whose methods it acts.

    Raises:
        UserError: it chooses actions in its own way, and has no `UpdateRule.act_greedily`.
    """
    kind = type(rule)
    if isinstance(rule, WrappingRule) and kind.act_greedily is WrappingRule.act_greedily:
        check_greedy(rule.rule, remedy)
    elif kind.act is not UpdateRule.act and kind.act_greedily is UpdateRule.act_greedily:
        raise UserError(f"{kind.__name__} chooses actions in its own way and has no act_greedily: {remedy}.")
