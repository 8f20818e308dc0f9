"""A network that grows while the agent learns."""

from discover import (
    Curriculum,
    Key,
    Network,
    Params,
    RuleState,
    UpdateRule,
    UserError,
    World,
    check_mappable,
    component,
    map_agent,
    named_keys,
)
from discover_zoo.curricula.growing_network.growing_perceptron import GrowingPerceptron
from discover_zoo.curricula.growing_network.net2deeper import Net2Deeper
from discover_zoo.curricula.growing_network.net2wider import Net2Wider
from discover_zoo.networks.perceptron import Perceptron


@component
class GrowingNetwork(Curriculum):
    """A network that grows in width, in depth, or both, to the size of the candidate's own (Chen et al. 2016, Net2Net).

    A small network learns first, and what it has learned is carried over into a larger one that gives the same outputs; the
    rule knows nothing of it. The candidate's network, an `MLP`, says the last size. All sizes are one compiled program: the
    parameters have their last shapes, and units and layers that are not in use yet are zero (see `GrowingPerceptron`), get no
    gradient, and add nothing to a norm. In the end the agent has the candidate's own network, with nothing around it.

    What the rule holds in the form of the parameters (target networks, older copies) is changed as they are; Adam's moments
    are mapped as their gradients; any other optimizer with a memory begins anew. Before an update each way of growing
    takes at most one step.

    Pitfalls: an optimizer that moves parameters whose gradient is zero wakes units before their time. A trace of gradients
    that a rule keeps in the form of the parameters is taken for parameters. An agent that is copied
    from one of another size (population-based training over ``first``) goes on from that size.

    Attributes:
        wider: growth in width, see `Net2Wider`; null for none.
        deeper: growth in depth, see `Net2Deeper`; null for none.

    >>> from discover_zoo.networks.plain_mlp import PlainMLP
    >>> GrowingNetwork().wrap_network(Perceptron(hidden=(64, 64), activation="relu")).start
    (16, 16)
    >>> GrowingNetwork().wrap_network(PlainMLP())
    Traceback (most recent call last):
    discover.base.errors.UserError: growing_network grows the network mlp alone, with at least one hidden layer; the \
candidate's is PlainMLP: choose mlp, or another curriculum.
    """

    paper = "Chen et al. 2016, Net2Net: accelerating learning via knowledge transfer, arXiv 1511.05641"

    wider: Net2Wider | None = Net2Wider()
    deeper: Net2Deeper | None = None

    def wrap_network(self, network: Network) -> GrowingPerceptron:
        plain = type(network).features is Perceptron.features if isinstance(network, Perceptron) else False
        if not isinstance(network, Perceptron) or not plain or not network.hidden:
            raise UserError(
                "growing_network grows the network mlp alone, with at least one hidden layer; the candidate's is "
                f"{type(network).__name__}: choose mlp, or another curriculum."
            )
        if self.deeper is not None:
            self.deeper.check(network.hidden, network.activation)
        return GrowingPerceptron(
            hidden=network.hidden,
            activation=network.activation,
            shared=network.shared,
            initializer=network.initializer,
            start=network.hidden if self.wider is None else self.wider.widths(network.hidden)[0],
            inserted=0 if self.deeper is None else self.deeper.layers,
        )

    def before_update(
        self, key: Key, world: World, rule: UpdateRule, *, params: Params, state: RuleState
    ) -> tuple[Params, RuleState]:
        network = world.network
        assert isinstance(network, GrowingPerceptron)  # as `wrap_network` made it
        check_mappable(rule, world, world.view(network=network.small()))
        key_wider, _ = named_keys(key, "wider", "deeper")
        if self.wider is not None:
            due, change = self.wider.change(key_wider, network, params, world.progress)
            params, state = map_agent(rule, params, state, change, when=due)
        if self.deeper is not None:
            due, change = self.deeper.change(network, params, world.progress)
            params, state = map_agent(rule, params, state, change, when=due)
        return params, state
