"""Agents of one network with more and more actions, mixed into one."""

from collections.abc import Mapping

import jax.numpy as jnp

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
from discover_zoo.curricula.mix_and_match.mixing import NEVER, mixture
from discover_zoo.curricula.mix_and_match.shares import Ramp, Share

_POLICY = "policy"


@component
class GrowingActions(Curriculum):
    """One agent out of K with more and more actions, and at last all (Czarnecki et al. 2018, action spaces).

    Every agent has heads of its own on the candidate's one network, so that all agents learn those parts together
    that the network shares between heads (a torso, a memory). The policy of a simpler agent gives other actions the
    probability 0. Each set should hold the one before: else no policy can reach the distillation's target.

    >>> import jax
    >>> from discover import Discrete
    >>> from discover_zoo.networks.linear import Linear
    >>> network = GrowingActions(known=((0, 1),)).wrap_network(Linear())
    >>> heads = Heads({"policy": Head((3,), mix="distribution")})
    >>> params = network.init(jax.random.key(0), Spec((4,), Discrete(3)), heads)
    >>> {name: param.shape for name, param in params.items()}
    {'policy': (4, 3), 'policy@0': (4, 2)}

    Attributes:
        known: the actions of each simpler agent, from the simplest.
        share: ``alpha`` over the lifetime: 0 for the simplest agent alone, 1 for the last.
        coefficient: weight of the distillation of each agent into the next.
    """

    paper = "Czarnecki et al. 2018, Mix & Match: agent curricula for reinforcement learning, arXiv 1806.01780"

    known: tuple[tuple[int, ...], ...] = ((0, 1),)
    share: Share = Ramp()
    coefficient: Scalar = real(1.0, low=0.0, high=10.0)

    def wrap_network(self, network: Network) -> Network:
        return SharedMixture(network=network, known=self.known, share=self.share, coefficient=self.coefficient)


@component
class SharedMixture(Network):
    """The network that `GrowingActions` makes: one network that gives the heads of all agents."""

    network: Network
    share: Share
    coefficient: Scalar = real(1.0, low=0.0, high=10.0)
    known: tuple[tuple[int, ...], ...] = ()

    @property
    def forms(self) -> frozenset[str]:
        return self.network.forms

    def init(self, key: Key, spec: Spec, heads: Heads) -> Params:
        return self.network.init(key, spec, self._all(heads))

    def carry(self, heads: Heads) -> Carry:
        return self.network.carry(self._all(heads))

    def apply(self, params: Params, heads: Heads, inputs: Inputs, carry: Carry) -> tuple[Outputs, Carry]:
        outputs, carry = self.network.apply(params, self._all(heads), inputs, carry)
        agents = [self._outputs_of(index, actions, heads.outputs, outputs) for index, actions in enumerate(self.known)]
        agents.append({name: value for name, value in outputs.items() if "@" not in name})
        alpha, shape = self.share(inputs.progress), inputs.is_first.shape
        return mixture(heads.outputs, agents, alpha, coefficient=self.coefficient, shape=shape), carry

    def _all(self, heads: Heads) -> Heads:
        """The heads of all agents; those of simpler ones are called ``head@agent``."""
        if _POLICY not in heads.outputs:
            names = ", ".join(sorted(heads.outputs))
            raise UserError(
                f"growing_actions needs a head called '{_POLICY}', but the rule asks for {names}: choose a rule with a policy, "
                "or another curriculum."
            )
        outputs = dict(heads.outputs)
        for index, actions in enumerate(self.known):
            for name, head in heads.outputs.items():
                outputs[f"{name}@{index}"] = _narrowed(head, actions) if name == _POLICY else head
        return heads._replace(outputs=outputs)

    def _outputs_of(self, index: int, actions: tuple[int, ...], heads: Mapping[str, Head], outputs: Outputs) -> Outputs:
        """Outputs of a simpler agent, in the shape of the heads, without those that are not known yet."""
        own = {name: outputs[f"{name}@{index}"] for name in heads if f"{name}@{index}" in outputs}
        if _POLICY in own:
            logits = jnp.full((*own[_POLICY].shape[:-1], heads[_POLICY].shape[0]), NEVER)
            own[_POLICY] = logits.at[..., jnp.asarray(actions)].set(own[_POLICY])
        return own


def _narrowed(head: Head, actions: tuple[int, ...]) -> Head:
    """A policy head over some of its actions alone."""
    if head.mix != "distribution" or not actions or max(actions) >= head.shape[0] or min(actions) < 0:
        raise UserError(
            f"growing_actions needs a policy over discrete actions that has all of known={actions}; the rule's is of shape "
            f"{head.shape} and mixed as '{head.mix}': choose other actions, or another curriculum."
        )
    return head._replace(shape=(len(actions),))
