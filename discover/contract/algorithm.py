"""The kind algorithm: a candidate of a search, that is, a whole RL algorithm as one tree of components."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import jax
import jax.numpy as jnp

from discover.base.errors import UserError, nearest
from discover.components.component import Component, component
from discover.contract.curriculum import Curriculum
from discover.contract.environment import Discrete, Environment, Spec, Wrapper
from discover.contract.network import ACTION, REWARD, Heads, Network
from discover.contract.normalizer import Normalizer
from discover.contract.update_rule import UpdateRule
from discover.contract.world import World


@component
class Algorithm(Component):
    """A whole RL algorithm: an update rule, the network that it trains, and what surrounds them.

    Attributes:
        rule: how the agent learns.
        network: the function from observations to outputs whose parameters are learned.
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
        """The task family that the rule learns on: the environment inside all wrappers, as the curriculum changes it."""
        for wrapper in self.wrappers:
            environment = wrapper.wrap(environment)
        return environment if self.curriculum is None else self.curriculum.wrap_family(environment)

    def world(
        self,
        environment: Environment,
        progress: float | jax.Array = 0.0,
        env_steps: int | jax.Array = 0,
        lifetime_steps: int | jax.Array = 0,
    ) -> World:
        """The world of this algorithm on a task family: everything that its rule may use.

        Args:
            environment: the task family, before any wrapper.
            progress: share of the lifetime that has passed, in ``[0, 1]``.
            env_steps: env steps that have been taken.
            lifetime_steps: env steps of the whole lifetime; 0 if that is not known.

        Raises:
            UserError: the network does not have a form of head that the rule asks for, or a head reads an input that does not
                exist.
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
            episode_context=self.rule.episode_context,
            progress=jnp.asarray(progress, jnp.float32),
            env_steps=jnp.asarray(env_steps, jnp.int32),
            lifetime_steps=jnp.asarray(lifetime_steps, jnp.int32),
        )

    def _network_for(self, heads: Heads) -> Network:
        """The network inside the curriculum, once it is certain that it has every form of head.

        Raises:
            UserError: it does not.
        """
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
    """The number of values of every input that a head may read, by name.

    Raises:
        UserError: a head reads an input that does not exist.
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
