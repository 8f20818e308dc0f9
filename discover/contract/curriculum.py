"""The kind curriculum."""

from __future__ import annotations

from typing import ClassVar

from discover.components.component import Component
from discover.contract.environment import Environment
from discover.contract.network import Network
from discover.contract.task_order import TaskOrder
from discover.contract.types import Key, Params, RuleState
from discover.contract.update_rule import UpdateRule
from discover.contract.world import World


class Curriculum(Component):
    """A change of the agent, of its tasks, or of both over the lifetime (several agents that are mixed into one, say)."""

    kind: ClassVar[str] = "curriculum"

    def wrap_network(self, network: Network) -> Network:
        """The network that acts and learns. One of its outputs may be `AUXILIARY_LOSS`."""
        return network

    def wrap_family(self, environment: Environment) -> Environment:
        """The task family that the agent learns on."""
        return environment

    def task_order(self) -> TaskOrder | None:
        """The order in which the agent meets the levels of the family; None, by default: as the family draws them."""
        return None

    def completed(self) -> Curriculum:
        """The curriculum at its end, where the agent that it leads to stands alone. By default the same.

        An agent in the middle of a curriculum is judged by it where what counts is that agent, not the mixture which acts.
        """
        return self

    def before_update(
        self, key: Key, world: World, rule: UpdateRule, *, params: Params, state: RuleState
    ) -> tuple[Params, RuleState]:
        """Change the agent between two updates, before the next one collects its experience. By default nothing changes.

        It is a pure function of the agent and of the lifetime's clock, `World.progress`, so that a lifetime that goes on
        after an interruption has the same bits. Shapes stay: a network that grows has its last size from the start, and
        what is not in use yet is zero. `map_agent` changes the rule's state with the parameters.

        Args:
            key: randomness of this change.
            world: the world, with the clock of the update.
            rule: the rule, for `map_agent`.
            params: parameters of the network.
            state: the rule's state.

        Returns:
            New parameters and a new state of the rule, of the same form.
        """
        del key, world, rule
        return params, state
