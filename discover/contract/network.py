"""The kinds network and curriculum, and the heads through which a rule asks for outputs."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Literal, NamedTuple, TypeAlias

import jax

from discover.components.component import Component
from discover.contract.environment import Environment, Spec

Outputs: TypeAlias = Mapping[str, jax.Array]
"""Outputs of the network by head name, each ``[..., *shape]``."""

AUXILIARY_LOSS = "auxiliary_loss"
"""The output in which a wrapped network reports a loss per step; `World.gradient` adds its mean."""

ACTION, REWARD = "action", "reward"
"""Inputs that a head may read besides the rule's context: what was done and what came of it. Not known yet when acting."""


class Head(NamedTuple):
    """One output that a rule needs from the network.

    Attributes:
        shape: shape per state: ``()`` for a value, ``(A,)`` for the logits of A actions.
        form: ``vector`` depends on the state; ``constant`` does not (the log standard deviation of a Gaussian policy).
            A network names the forms that it gives; a plugin may add one (``model`` for action-conditional outputs).
        mix: how a mixture of several agents combines it: as logits of a distribution (in probability space), linearly, or
            not at all (the first agent's).
        gain: gain of the orthogonal initialization of the last layer.
        reads: what the output depends on besides the observation: names in the context, `ACTION`, `REWARD`. An output is left
            out where something that it reads is not known.
    """

    shape: tuple[int, ...]
    form: str = "vector"
    mix: Literal["distribution", "linear", "first"] = "linear"
    gain: float = 1.0
    reads: tuple[str, ...] = ()

    def known(self, inputs: Inputs) -> bool:
        """Whether everything that the output reads is there."""
        return all(name in inputs.context for name in self.reads)


class Heads(NamedTuple):
    """All that a rule needs from the network.

    Attributes:
        outputs: the outputs by name.
        context: sizes by name of what the rule feeds in at every step (eta, a sampled latent, ...). A network is also told the
            sizes of `ACTION` and `REWARD` here.
    """

    outputs: Mapping[str, Head]
    context: Mapping[str, int] = MappingProxyType({})


class Inputs(NamedTuple):
    """What a network sees, with any leading axes.

    Attributes:
        observation: ``[..., *observation_shape]``.
        is_first: ``[...]`` true where an episode starts; a recurrent network resets its carry there.
        context: ``[..., size]`` each, by name: what heads may read.
        progress: scalar in ``[0, 1]``: how much of the lifetime is spent.
    """

    observation: jax.Array
    is_first: jax.Array
    context: Mapping[str, jax.Array]
    progress: jax.Array


class Network(Component):
    """Observations to the outputs that the rule's heads ask for, with an explicit carry (empty when feed-forward)."""

    kind: ClassVar[str] = "network"

    @property
    def forms(self) -> frozenset[str]:
        """The forms of head that this network can give."""
        return frozenset({"vector", "constant"})

    def init(self, key: jax.Array, spec: Spec, heads: Heads) -> Any:
        """Fresh parameters."""
        raise NotImplementedError

    def carry(self, heads: Heads) -> Any:
        """The carry of one column at the start of an episode; ``()`` for a feed-forward network."""
        del heads
        return ()

    def apply(self, params: Any, heads: Heads, inputs: Inputs, carry: Any) -> tuple[Outputs, Any]:
        """Outputs for one time step, with any leading batch axes; feed-forward networks get all steps at once, ``[T * B]``."""
        raise NotImplementedError


class Curriculum(Component):
    """What changes for the agent over its lifetime: the network (K agents mixed into one), the tasks, or both."""

    kind: ClassVar[str] = "curriculum"

    def wrap_network(self, network: Network) -> Network:
        """The network that acts and learns; one output may be `AUXILIARY_LOSS`."""
        return network

    def wrap_family(self, environment: Environment) -> Environment:
        """The task family that is learned on."""
        return environment
