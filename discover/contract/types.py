"""Names for the values that components exchange.

Most of them are trees of arrays (pytrees of JAX) whose structure is known to one component alone: only a network knows what its
`Params` are. A type checker accepts any value for such a name; it tells the reader what to pass.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import jax

Key: TypeAlias = jax.Array
"""A random key of JAX (``jax.random.key``). Use each key once."""

Params: TypeAlias = Any
"""The parameters of a network."""

Carry: TypeAlias = Any
"""The memory of a recurrent network from step to step; ``()`` for a feed-forward network."""

RuleState: TypeAlias = Any
"""The state of an update rule beside the parameters: optimizer state, replay buffer, target parameters, ..."""

BonusState: TypeAlias = Any
"""The state of an exploration bonus: counts, networks of its own, ..."""

OptimizerState: TypeAlias = Any
"""The state of an optimizer."""

StrategyState: TypeAlias = Any
"""The state of a strategy between two generations."""

MetaState: TypeAlias = Any
"""The state of a meta-objective beside an agent: a critic of its own, say."""

OrderState: TypeAlias = Any
"""The state of a task order: the levels that it keeps, and what it knows of them."""

Statistics: TypeAlias = Any
"""The running statistics of a normalizer."""

Task: TypeAlias = Any
"""The parameters of one environment of a task family."""

EnvState: TypeAlias = Any
"""The state of an environment between two steps."""

Members: TypeAlias = Any
"""The members of a population that share one structure: a candidate whose leaves have a leading axis P."""

Lifetimes: TypeAlias = Any
"""Unfinished lifetimes of P members with S seeds each: a tree whose leaves are ``[P, S, ...]``."""
