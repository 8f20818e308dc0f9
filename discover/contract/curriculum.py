"""The kind curriculum."""

from __future__ import annotations

from typing import ClassVar

from discover.components.component import Component
from discover.contract.environment import Environment
from discover.contract.network import Network
from discover.contract.task_order import TaskOrder


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
