"""Agents of one network with more and more actions, mixed into one."""

import contextlib
import dataclasses
import math
from collections.abc import Mapping
from typing import Literal, TypeAlias

import jax.numpy as jnp
import numpy as np

from discover import (
    Carry,
    Curriculum,
    Head,
    Heads,
    Inputs,
    Key,
    Network,
    Outputs,
    Params,
    Scalar,
    Spec,
    UserError,
    component,
    real,
)
from discover_zoo.curricula.mix_and_match.joint import POLICY, joined, joint_heads, separated
from discover_zoo.curricula.mix_and_match.mixing import NEVER, mixture
from discover_zoo.curricula.mix_and_match.shares import Ramp, Share

Actions: TypeAlias = tuple[int | tuple[int, ...], ...]
"""Actions, each by its number or, where it is several choices at once, by these."""


@component
class GrowingActions(Curriculum):
    """One agent out of K with more and more actions, and at last all (Czarnecki et al. 2018, action spaces).

    Every agent has heads of its own on the candidate's one network, so that all agents learn those parts together
    that the network shares between heads (a torso, a memory). The policy of a simpler agent gives other actions the
    probability 0. Each set should hold the one before: else no policy can reach the distillation's target.

    Three choices are those of the paper. Where actions are several choices at once, the last agent's policy is a product of one
    distribution for each of them, and the simpler agents' actions are some of the combinations; ``factors`` has the same for
    a task with flat actions. With ``divergence: masked``, the distillation compares the policies over the simpler agent's
    actions alone: with all of them, it draws the next agent to these actions, by ``-log pi_{k+1}(known)``, which is the whole
    difference. With ``head: shared``, the simpler agents have no policy heads: theirs is that of the last agent, restricted
    to the actions that they know, ``pi_k(a) = pi_K(a) / pi_K(known)``. The masked divergence from the last agent is then 0.

    >>> import jax
    >>> from discover import Discrete
    >>> from discover_zoo.networks.linear import Linear
    >>> network = GrowingActions(known=((0, 1),)).wrap_network(Linear())
    >>> heads = Heads({"policy": Head((3,), mix="distribution")})
    >>> params = network.init(jax.random.key(0), Spec((4,), Discrete(3)), heads)
    >>> {name: param.shape for name, param in params.items()}
    {'policy': (4, 3), 'policy@0': (4, 2)}

    Attributes:
        known: the actions of each simpler agent, from the simplest; of several choices at once, either the number of their
            combination or a list of all of them.
        share: ``alpha`` over the lifetime: 0 for the simplest agent alone, 1 for the last.
        coefficient: weight of the distillation of each agent into the next.
        divergence: over which actions the distillation compares policies: all (``full``), or those of the simpler one.
        head: whether simpler agents have policy heads of their own, or all share the last agent's.
        factors: of a discrete action that is in truth several choices at once (see ``flat_actions``), their numbers of
            options: the last agent's policy is then a product; ``()`` for a logit of each action.
    """

    paper = "Czarnecki et al. 2018, Mix & Match: agent curricula for reinforcement learning, arXiv 1806.01780"

    known: tuple[Actions, ...] = ((0, 1),)
    share: Share = Ramp()
    coefficient: Scalar = real(1.0, low=0.0, high=10.0)
    divergence: Literal["full", "masked"] = "full"
    head: Literal["own", "shared"] = "own"
    factors: tuple[int, ...] = ()

    def wrap_network(self, network: Network) -> Network:
        return SharedMixture(
            network=network,
            known=self.known,
            share=self.share,
            coefficient=self.coefficient,
            divergence=self.divergence,
            head=self.head,
            factors=self.factors,
        )

    def completed(self) -> "GrowingActions":
        return dataclasses.replace(self, share=self.share.completed())


@component
class SharedMixture(Network):
    """The network that `GrowingActions` makes: one network that gives the heads of all agents."""

    network: Network
    share: Share
    coefficient: Scalar = real(1.0, low=0.0, high=10.0)
    known: tuple[Actions, ...] = ()
    divergence: Literal["full", "masked"] = "full"
    head: Literal["own", "shared"] = "own"
    factors: tuple[int, ...] = ()

    @property
    def forms(self) -> frozenset[str]:
        return self.network.forms

    def init(self, key: Key, spec: Spec, heads: Heads) -> Params:
        return self.network.init(key, spec, self._all(heads))

    def carry(self, heads: Heads) -> Carry:
        return self.network.carry(self._all(heads))

    def apply(self, params: Params, heads: Heads, inputs: Inputs, carry: Carry) -> tuple[Outputs, Carry]:
        outputs, carry = self.network.apply(params, self._all(heads), inputs, carry)
        own = self._last(heads.outputs)
        joint, last = joint_heads(own), joined(own, {name: value for name, value in outputs.items() if "@" not in name})
        known = [_numbers(actions, own[POLICY]) for actions in self.known]
        agents = [self._outputs_of(index, numbers, last, outputs) for index, numbers in enumerate(known)]
        masked = {}
        if self.divergence == "masked":
            masked[POLICY] = [jnp.isin(jnp.arange(joint[POLICY].shape[0]), jnp.asarray(numbers)) for numbers in known]
        mixed = mixture(
            joint,
            [*agents, last],
            self.share(inputs.progress),
            coefficient=self.coefficient,
            shape=inputs.is_first.shape,
            known=masked,
        )
        return separated(heads.outputs, mixed), carry

    def _last(self, heads: Mapping[str, Head]) -> dict[str, Head]:
        """The heads of the last agent: those that the rule asks for, with a product of policies if `factors` are given."""
        if POLICY not in heads:
            raise UserError(
                f"growing_actions needs a head called '{POLICY}', but the rule asks for {', '.join(sorted(heads))}: choose a "
                "rule with a policy, or another curriculum."
            )
        head = heads[POLICY]
        if not self.factors:
            return dict(heads)
        if head.mix != "distribution" or head.factors or head.shape != (math.prod(self.factors),):
            raise UserError(
                f"growing_actions has factors={self.factors}, {math.prod(self.factors)} combinations, which are not the "
                f"actions of the policy, of shape {head.shape}: leave factors out, or give those of the task."
            )
        return {**heads, POLICY: head._replace(shape=(sum(self.factors),), factors=self.factors)}

    def _all(self, heads: Heads) -> Heads:
        """The heads of all agents; those of simpler ones are called ``head@agent``."""
        outputs = self._last(heads.outputs)
        last = outputs[POLICY]
        for index, actions in enumerate(self.known):
            numbers = _numbers(actions, last)
            for name, head in heads.outputs.items():
                if name != POLICY:
                    outputs[f"{name}@{index}"] = head
                elif self.head == "own":
                    outputs[f"{name}@{index}"] = last._replace(shape=(len(numbers),), factors=())
        return heads._replace(outputs=outputs)

    def _outputs_of(self, index: int, numbers: list[int], last: Outputs, outputs: Outputs) -> Outputs:
        """Outputs of a simpler agent, in the shape of the heads, without those that are not known yet."""
        own = {name: outputs[f"{name}@{index}"] for name in last if f"{name}@{index}" in outputs}
        if POLICY in last:
            theirs, places = last[POLICY], jnp.asarray(numbers)
            made = own[POLICY] if self.head == "own" else theirs[..., places]
            own[POLICY] = jnp.full(theirs.shape, NEVER).at[..., places].set(made)
        return own


def _numbers(actions: Actions, head: Head) -> list[int]:
    """The numbers of actions that a policy head has.

    >>> _numbers(((1, 0), 5), Head((5,), mix="distribution", factors=(2, 3)))
    [3, 5]
    """
    factors = head.factors or head.shape
    if head.mix == "distribution" and actions:
        with contextlib.suppress(ValueError):
            return [_number(action, factors) for action in actions]
    whole = f"choices at once with {factors} options" if head.factors else f"shape {head.shape}"
    raise UserError(
        f"growing_actions needs a policy over discrete actions that has all of known={actions}; the rule's is of {whole} and "
        f"mixed as '{head.mix}': choose other actions, or another curriculum."
    )


def _number(action: int | tuple[int, ...], factors: tuple[int, ...]) -> int:
    """The number of an action; one that there is not raises ValueError."""
    if isinstance(action, tuple):
        return int(np.ravel_multi_index(action, factors))
    if not 0 <= action < math.prod(factors):
        raise ValueError(action)
    return action
