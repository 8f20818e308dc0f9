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


class NotExportableError(UserError):
    """A candidate that cannot be exported.

    Args:
        reason: the reason, as a clause.
        name: of the candidate.

    >>> str(NotExportableError("the rule R wraps another one", "mine"))[:72]
    "'mine' cannot be exported, since the rule R wraps another one: export a "
    """

    def __init__(self, reason: str, name: str = "the candidate"):
        self.reason = reason
        super().__init__(
            f"'{name}' cannot be exported, since {reason}: export a rule that learns from batches or a replay buffer of its "
            "own experience, with a network without memory, and with nothing around them."
        )


def check_exportable(algorithm: Algorithm, spec: Spec) -> None:
    """Check everything that can be told without reading source.

    Raises:
        NotExportableError: it has a part that an exported file does not have.
        UserError: a value is open.
    """
    check(algorithm)
    rule, network = algorithm.rule, algorithm.network
    named = type(rule).__name__
    if algorithm.curriculum is not None:
        raise NotExportableError(f"the curriculum {type(algorithm.curriculum).__name__} changes the agent while it learns")
    if algorithm.normalizer is not None:
        raise NotExportableError(f"the normalizer {type(algorithm.normalizer).__name__} keeps statistics of its own")
    if algorithm.wrappers:
        raise NotExportableError(f"the wrapper {type(algorithm.wrappers[0]).__name__} changes the environment")
    if isinstance(rule, WrappingRule):
        raise NotExportableError(f"the rule {named} wraps another one")
    if rule.rollout(spec).by_rule:
        raise NotExportableError(f"the rule {named} collects its own experience")
    heads = rule.heads(spec)
    if heads.context:
        raise NotExportableError(f"the rule {named} adds '{min(heads.context)}' to the observation")
    for name, head in heads.outputs.items():
        if head.reads:
            raise NotExportableError(f"the head '{name}' of {named} reads '{head.reads[0]}' beside the observation")
    if jax.tree.leaves(jax.eval_shape(lambda: network.carry(heads))):
        raise NotExportableError(f"the network {type(network).__name__} has a memory")


def check_uses(definitions: Mapping[str, str]) -> None:
    """Check that the collected code asks the world only for what an exported file has.

    Raises:
        NotExportableError: it asks for more.
    """
    for name, text in definitions.items():
        for node in ast.walk(ast.parse(text)):
            match node:
                case ast.Attribute(value=ast.Name(id="world"), attr=asked) if not hasattr(World, asked):
                    raise NotExportableError(f"{name} uses 'world.{asked}', which exists only in the framework")
