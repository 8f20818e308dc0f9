"""Candidates that cannot be exported, each with the reason in one sentence."""

from __future__ import annotations

import ast
from collections.abc import Mapping

import jax

from discover.base.errors import UserError
from discover.components.paths import check
from discover.contract.algorithm import Algorithm
from discover.contract.environment import Spec
from discover.contract.update_rule import WrappingRule
from discover.exporting.stand_ins.world import World

REMEDY = (
    "export a rule that learns from what it has collected, or from a replay buffer, with a feed-forward network and nothing around it (ppo, "
    "dpo, lpo, a2c, reinforce, impala, dqn, ...)"
)


def refuse(what: str) -> UserError:
    """The error that a candidate cannot be exported.

    >>> str(refuse("the curriculum Mixture changes the network"))[:72]
    'it cannot be exported, since the curriculum Mixture changes the network:'
    """
    return UserError(f"it cannot be exported, since {what}: {REMEDY}.")


def check_exportable(algorithm: Algorithm, spec: Spec) -> None:
    """Check everything that can be told without reading source.

    Raises:
        UserError: a value is open, or the candidate has a part that an exported file does not have.
    """
    check(algorithm)
    rule, network = algorithm.rule, algorithm.network
    named = type(rule).__name__
    if algorithm.curriculum is not None:
        raise refuse(f"the curriculum {type(algorithm.curriculum).__name__} changes the agent while it learns")
    if algorithm.normalizer is not None:
        raise refuse(f"the normalizer {type(algorithm.normalizer).__name__} keeps statistics of its own")
    if algorithm.wrappers:
        raise refuse(f"the wrapper {type(algorithm.wrappers[0]).__name__} changes the environment")
    if isinstance(rule, WrappingRule):
        raise refuse(f"the rule {named} wraps another one")
    if rule.rollout(spec).by_rule:
        raise refuse(f"the rule {named} collects its own experience")
    heads = rule.heads(spec)
    if heads.context:
        raise refuse(f"the rule {named} adds '{min(heads.context)}' to the observation")
    for name, head in heads.outputs.items():
        if head.reads:
            raise refuse(f"the head '{name}' of {named} reads '{head.reads[0]}' beside the observation")
    if jax.tree.leaves(jax.eval_shape(lambda: network.carry(heads))):
        raise refuse(f"the network {type(network).__name__} has a memory")


def check_uses(definitions: Mapping[str, str]) -> None:
    """Check that the collected code asks the world only for what an exported file has.

    Raises:
        UserError: it asks for more.
    """
    for name, text in definitions.items():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "world":
                if not hasattr(World, node.attr):
                    raise refuse(f"{name} uses 'world.{node.attr}', which exists only in the framework")
