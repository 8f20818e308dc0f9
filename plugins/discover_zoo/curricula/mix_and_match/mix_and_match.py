"""Agents with networks of their own, mixed into one."""

import dataclasses

import jax

from discover import Carry, Curriculum, Heads, Inputs, Key, Network, Outputs, Params, Scalar, Spec, component, real
from discover_zoo.curricula.mix_and_match.joint import joined, joint_heads, separated
from discover_zoo.curricula.mix_and_match.mixing import mixture
from discover_zoo.curricula.mix_and_match.shares import Ramp, Share


@component
class MixAndMatch(Curriculum):
    """One agent out of K: ``simple``, from the simplest on, and last the candidate's own network (Czarnecki et al. 2018).

    For architectures (feed-forward before recurrent), tasks (`Specialists` before one network for all), or any others that
    give the same heads. All run over the whole lifetime, with carries of their own. Policies over several choices at once are
    mixed as distributions over all combinations, of which each state then has a table.

    >>> from discover import Discrete, Head
    >>> from discover_zoo.networks.linear import Linear
    >>> network = MixAndMatch(simple=(Linear(),)).wrap_network(Linear())
    >>> params = network.init(jax.random.key(0), Spec((3,), Discrete(2)), Heads({"policy": Head((2,), mix="distribution")}))
    >>> [agent["policy"].shape for agent in params]
    [(3, 2), (3, 2)]

    Attributes:
        simple: the agents that learn fast.
        share: ``alpha`` over the lifetime: 0 for the simplest agent alone, 1 for the last.
        coefficient: weight of the distillation of each agent into the next.
    """

    paper = "Czarnecki et al. 2018, Mix & Match: agent curricula for reinforcement learning, arXiv 1806.01780"

    simple: tuple[Network, ...]
    share: Share = Ramp()
    coefficient: Scalar = real(1.0, low=0.0, high=10.0)

    def wrap_network(self, network: Network) -> Network:
        return Mixture(agents=(*self.simple, network), share=self.share, coefficient=self.coefficient)

    def completed(self) -> "MixAndMatch":
        return dataclasses.replace(self, share=self.share.completed())


@component
class Mixture(Network):
    """The network that `MixAndMatch` makes: all agents side by side, each with its own parameters and carry."""

    agents: tuple[Network, ...]
    share: Share
    coefficient: Scalar = real(1.0, low=0.0, high=10.0)

    @property
    def forms(self) -> frozenset[str]:
        return frozenset.intersection(*(agent.forms for agent in self.agents))

    def init(self, key: Key, spec: Spec, heads: Heads) -> Params:
        keys = jax.random.split(key, len(self.agents))
        return tuple(agent.init(k, spec, heads) for agent, k in zip(self.agents, keys, strict=True))

    def carry(self, heads: Heads) -> Carry:
        return tuple(agent.carry(heads) for agent in self.agents)

    def apply(self, params: Params, heads: Heads, inputs: Inputs, carry: Carry) -> tuple[Outputs, Carry]:
        steps = [agent.apply(p, heads, inputs, c) for agent, p, c in zip(self.agents, params, carry, strict=True)]
        outputs, carries = zip(*steps, strict=True)
        alpha, shape = self.share(inputs.progress), inputs.is_first.shape
        agents = [joined(heads.outputs, each) for each in outputs]
        mixed = mixture(joint_heads(heads.outputs), agents, alpha, coefficient=self.coefficient, shape=shape)
        return separated(heads.outputs, mixed), carries
