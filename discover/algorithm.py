"""The candidate: a whole RL algorithm as one component tree."""

from __future__ import annotations

from typing import ClassVar

from discover.components import Component, component
from discover.environments import Wrapper
from discover.networks import Curriculum, Network
from discover.normalisers import Normaliser
from discover.rules import UpdateRule


@component
class Algorithm(Component):
    """An update rule on a network, with what surrounds them.

    Attributes:
        rule: how the agent learns.
        network: what it learns with.
        curriculum: how the agent or its tasks change over the lifetime.
        wrappers: environment wrappers, the first one innermost.
        normaliser: running rescaling of observations and rewards.
    """

    kind: ClassVar[str] = "algorithm"

    rule: UpdateRule
    network: Network
    curriculum: Curriculum | None = None
    wrappers: tuple[Wrapper, ...] = ()
    normaliser: Normaliser | None = None
