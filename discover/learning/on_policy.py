"""A base class for rules that learn a policy and its value from fresh batches."""

from __future__ import annotations

from discover.components.component import component
from discover.components.static_fields import Count
from discover.contract.distributions import policy_heads
from discover.contract.environment import Spec
from discover.contract.network import Head, Heads
from discover.contract.optimizer import Optimizer
from discover.contract.return_function import ReturnFunction
from discover.contract.types import Key, OptimizerState, Params
from discover.contract.update_rule import Rollout, UpdateRule
from discover.contract.world import World


@component
class OnPolicy(UpdateRule):
    """A base class with a policy and a value, a return function and an optimizer. A subclass adds `update`.

    Attributes:
        returns: targets for the value, advantages for the policy.
        optimizer: optimizer of the parameters. Its state is the state of the rule, unless a subclass overrides `init`.
        steps: T of a batch: steps in each environment between two updates.
        num_envs: B of a batch: environments side by side.
    """

    returns: ReturnFunction
    optimizer: Optimizer
    steps: Count = 128
    num_envs: Count = 4

    def rollout(self, spec: Spec) -> Rollout:
        return Rollout(self.steps, self.num_envs)

    def heads(self, spec: Spec) -> Heads:
        return Heads({**policy_heads(spec), "value": Head(())})

    def init(self, key: Key, world: World, params: Params) -> OptimizerState:
        return self.optimizer.init(params)
