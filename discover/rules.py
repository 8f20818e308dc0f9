"""The kind update rule, and the world: all that a rule may use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeAlias, TypeVar

import jax
import jax.numpy as jnp

from discover.components import Component, component
from discover.environments import Spec
from discover.networks import Heads, Outputs

if TYPE_CHECKING:
    from discover.world import World

T = TypeVar("T")

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
            how many env steps that takes, and its info holds what `World.report` says of the actors.
    """

    steps: int
    environments: int
    by_rule: bool = False


class Unscaled(NamedTuple):
    """What experience was before the normaliser, for rules that learn from it much later.

    Attributes:
        observation, reward, next_observation: ``[T, B, ...]``.
        normaliser, statistics: by which it is rescaled now, that is, after the segment.
    """

    observation: jax.Array
    reward: jax.Array
    next_observation: jax.Array
    normaliser: Any = ()
    statistics: Any = ()


class Experience(NamedTuple):
    """T steps of B environments, each ``[T, B, ...]`` unless said otherwise; gradients are stopped.

    Attributes:
        observation: what the agent saw.
        action, log_prob: what it did, and the log-probability of that when it did it.
        outputs: what the network says of the observations with the parameters that acted, by head.
        reward, terminated, truncated: what came of it.
        next_observation: the *true* next observation, before any reset.
        first: true where an episode starts.
        context: what the rule fed to the network, by name.
        carry: ``[B, ...]`` the network's carry before the first step.
        task: ``[B, ...]`` the task of each column at the segment's start; empty where single steps were shuffled.
        extra: ``[G, ...]`` what a rule that wraps another lets travel with each group of columns (see `World.view`).
        unscaled: what it was before the normaliser; empty without one, and where steps or columns were rearranged. A `Memory`
            sees to it: no rule need know.
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
    extra: Any = ()
    unscaled: Unscaled | tuple[()] = ()


def group_columns(batch: Experience, size: int) -> Experience:
    """Groups of ``size`` neighbouring columns along a new leading axis: ``[T, B, ...]`` becomes ``[G, T, size, ...]``."""

    def columns(x: jax.Array) -> jax.Array:
        return x.reshape(-1, size, *x.shape[1:])

    def steps(x: jax.Array) -> jax.Array:
        return jnp.moveaxis(x.reshape(x.shape[0], -1, size, *x.shape[2:]), 1, 0)

    whole = jax.tree.map(columns, {"carry": batch.carry, "task": batch.task})
    rest = batch._replace(carry=(), task=(), extra=(), unscaled=())
    return jax.tree.map(steps, rest)._replace(**whole, extra=batch.extra)


def join_columns(groups: T) -> T:
    """The inverse of `group_columns`, for experience or outputs: ``[G, T, size, ...]`` becomes ``[T, B, ...]``."""

    def columns(x: jax.Array) -> jax.Array:
        return x.reshape(-1, *x.shape[2:])

    def steps(x: jax.Array) -> jax.Array:
        return jnp.moveaxis(x, 0, 1).reshape(x.shape[1], -1, *x.shape[3:])

    if not isinstance(groups, Experience):
        return jax.tree.map(steps, groups)
    whole = jax.tree.map(columns, {"carry": groups.carry, "task": groups.task})
    rest = groups._replace(carry=(), task=(), extra=(), unscaled=())
    return jax.tree.map(steps, rest)._replace(**whole, extra=groups.extra)


def moved_towards(target: T, params: T, share: jax.Array) -> T:
    """``(1 - share) * target + share * params``: how target parameters follow (Polyak averaging); exact at 0 and at 1."""
    return jax.tree.map(lambda t, p: (1.0 - share) * t + share * p, target, params)


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

    def adapt_to_task(self, key: jax.Array, world: World, params: Any, state: Any, experience: Experience) -> tuple[Any, Any]:
        """Parameters and state after a first look at one task, as at test time. Unless overridden: as they were."""
        del key, world, experience
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

    def behaviour(self, params: Any, state: Any) -> tuple[Any, Context]:
        return self.rule.behaviour(params, state)

    def act(self, key: jax.Array, world: World, outputs: Outputs, context: Context) -> tuple[jax.Array, jax.Array]:
        return self.rule.act(key, world, outputs, context)

    def update(self, key: jax.Array, world: World, params: Any, state: Any, experience: Experience) -> tuple[Any, Any, Info]:
        return self.rule.update(key, self.seen(world), params, state, experience)

    def adapt_to_task(self, key: jax.Array, world: World, params: Any, state: Any, experience: Experience) -> tuple[Any, Any]:
        return self.rule.adapt_to_task(key, self.seen(world), params, state, experience)
