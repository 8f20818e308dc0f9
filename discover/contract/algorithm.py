"""The candidate: a whole RL algorithm as one component tree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import jax.numpy as jnp

from discover.base.errors import UserError, nearest
from discover.components.component import Component, component
from discover.contract.environment import Discrete, Environment, Spec, Wrapper
from discover.contract.network import ACTION, REWARD, Curriculum, Heads, Network
from discover.contract.normalizer import Normalizer
from discover.contract.update_rule import UpdateRule
from discover.contract.world import World


@component
class Algorithm(Component):
    """An update rule on a network, with what surrounds them.

    Attributes:
        rule: how the agent learns.
        network: what it learns with.
        curriculum: how the agent or its tasks change over the lifetime.
        wrappers: environment wrappers, the first one innermost.
        normalizer: running rescaling of observations and rewards.
    """

    kind: ClassVar[str] = "algorithm"

    rule: UpdateRule
    network: Network
    curriculum: Curriculum | None = None
    wrappers: tuple[Wrapper, ...] = ()
    normalizer: Normalizer | None = None

    def family(self, environment: Environment) -> Environment:
        """The task family as the rule sees it: wrapped, then changed by the curriculum."""
        for wrapper in self.wrappers:
            environment = wrapper.wrap(environment)
        return environment if self.curriculum is None else self.curriculum.wrap_family(environment)

    def world(self, environment: Environment, progress: Any = 0.0, env_steps: Any = 0) -> World:
        """What the rule may use on this task family.

        Args:
            environment: the task family, before any wrapper.
            progress: share of the lifetime that is spent.
            env_steps: env steps that have been taken.

        Raises:
            UserError: the network cannot give a head that the rule asks for, or a head reads what nobody feeds in.
        """
        family = self.family(environment)
        spec = family.spec()
        heads = self.rule.heads(spec)
        return World(
            spec=spec,
            heads=heads,
            network=self._network_for(heads),
            network_heads=heads._replace(context=_sizes(spec, heads)),
            family=family,
            normalizer=self.normalizer,
            act=self.rule.act,
            progress=jnp.asarray(progress, jnp.float32),
            env_steps=jnp.asarray(env_steps, jnp.int32),
        )

    def _network_for(self, heads: Heads) -> Network:
        """The network as the rule sees it."""
        network = self.network if self.curriculum is None else self.curriculum.wrap_network(self.network)
        for name, head in heads.outputs.items():
            if head.form not in network.forms:
                forms = ", ".join(sorted(network.forms))
                raise UserError(
                    f"{type(self.rule).__name__} asks for the head '{name}' of form '{head.form}', which the network "
                    f"{type(network).__name__} cannot give (it gives {forms}): choose another network."
                )
        return network


def _sizes(spec: Spec, heads: Heads) -> Mapping[str, int]:
    """How many numbers each name stands for that a head may read.

    Raises:
        UserError: a head reads what nobody gives.
    """
    action = spec.action.n if isinstance(spec.action, Discrete) else len(spec.action.low)
    sizes = {**heads.context, ACTION: action, REWARD: 1}
    for name, head in heads.outputs.items():
        for read in head.reads:
            if read not in sizes:
                raise UserError(
                    f"the head '{name}' reads '{read}', which the rule's context does not hold; {nearest(read, sizes)}."
                )
    return sizes
