"""The kind network, and the heads by which an update rule asks for outputs."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Literal, NamedTuple, TypeAlias

import jax

from discover.components.component import Component
from discover.contract.environment import Spec
from discover.contract.types import Carry, Key, Params

Outputs: TypeAlias = Mapping[str, jax.Array]
"""Outputs of a network by the name of the head, each ``[..., *head.shape]``."""

AUXILIARY_LOSS = "auxiliary_loss"
"""Name of the output by which a network inside a curriculum adds a loss ``[...]``: `World.gradient` adds its mean."""

ACTION, REWARD = "action", "reward"
"""Names of the inputs that a head may read beside the context: the action and its reward. Neither is known while acting."""

EXPERT = "expert"
"""Name of the context in which a world that asks the expert (`Collector.ask_expert`) records its actions, encoded: no head may
read it, since there is no expert where the agent is judged."""


class Head(NamedTuple):
    """One output that an update rule needs from the network.

    Attributes:
        shape: shape for one state: ``()`` for a value, ``(A,)`` for the logits of A actions.
        form: how the output depends on the state. ``vector`` depends on it; ``constant`` does not (the log standard deviation
            of a Gaussian policy). A network names the forms that it has; a plugin may add others.
        mix: how a mixture of several agents combines their outputs: as logits of a ``distribution`` (in probability space),
            ``linear``, or by taking that of the ``first`` agent.
        gain: gain of the orthogonal initialization of the last layer.
        reads: inputs beside the observation, by name: names in the context, `ACTION`, `REWARD`. Where one of them is not known,
            the network leaves the output out.
    """

    shape: tuple[int, ...]
    form: str = "vector"
    mix: Literal["distribution", "linear", "first"] = "linear"
    gain: float = 1.0
    reads: tuple[str, ...] = ()

    def known(self, inputs: Inputs) -> bool:
        """Whether the inputs hold everything that the head reads."""
        return all(name in inputs.context for name in self.reads)


class Heads(NamedTuple):
    """Everything that an update rule needs from the network.

    Attributes:
        outputs: the heads by name.
        context: number of values of each input that the rule adds at every step (meta-parameters, a sampled latent variable,
            ...), by name. When a network receives heads, `ACTION` and `REWARD` are among these sizes.
    """

    outputs: Mapping[str, Head]
    context: Mapping[str, int] = MappingProxyType({})


class Inputs(NamedTuple):
    """The inputs of a network, all with the same leading axes.

    Attributes:
        observation: ``[..., *observation_shape]``.
        is_first: ``[...]`` true at the first step of an episode; a recurrent network resets its carry there.
        context: ``[..., size]`` each, by name: inputs that heads may read.
        progress: scalar in ``[0, 1]``: share of the lifetime that has passed.
    """

    observation: jax.Array
    is_first: jax.Array
    context: Mapping[str, jax.Array]
    progress: jax.Array


class Network(Component):
    """A function from observations to the outputs of all heads. Its memory, if it has one, is an explicit carry."""

    kind: ClassVar[str] = "network"

    @property
    def forms(self) -> frozenset[str]:
        """The forms of head that this network has."""
        return frozenset({"vector", "constant"})

    def init(self, key: Key, spec: Spec, heads: Heads) -> Params:
        """Draw fresh parameters."""
        raise NotImplementedError

    def carry(self, heads: Heads) -> Carry:
        """The memory of one environment at the start of an episode; ``()`` for a feed-forward network."""
        del heads
        return ()

    def apply(self, params: Params, heads: Heads, inputs: Inputs, carry: Carry) -> tuple[Outputs, Carry]:
        """Compute the outputs of one time step.

        Args:
            params: as `init` gave them.
            heads: the outputs to compute; those whose inputs are not known are left out (`Head.known`).
            inputs: with any leading axes: ``[B]`` for a recurrent network; a feed-forward network also receives all steps at
                once, ``[T * B]``.
            carry: the memory before the step, with the leading axes of the inputs.

        Returns:
            The outputs by name, and the memory after the step.
        """
        raise NotImplementedError
