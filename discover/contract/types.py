"""Names for the trees of arrays that components hand each other, and whose structure is the business of one of them alone."""

from __future__ import annotations

from typing import Any, TypeAlias

import jax

Key: TypeAlias = jax.Array
"""A random key of JAX; it is used once."""

Params: TypeAlias = Any
"""A network's parameters."""

Carry: TypeAlias = Any
"""A network's memory from step to step; empty when it is feed-forward."""

RuleState: TypeAlias = Any
"""What an update rule keeps beside the parameters: its optimizer's state, a replay buffer, target parameters, ..."""

OptimizerState: TypeAlias = Any
"""What an optimizer keeps."""

StrategyState: TypeAlias = Any
"""What a strategy keeps from generation to generation."""

Statistics: TypeAlias = Any
"""What a normalizer keeps."""

Task: TypeAlias = Any
"""The parameters of one environment of a task family."""

EnvState: TypeAlias = Any
"""The state of an environment between two steps."""

Members: TypeAlias = Any
"""Candidates of one structure as a single candidate, each leaf with a leading axis P."""

Lifetimes: TypeAlias = Any
"""Ongoing lifetimes of members and seeds, each leaf ``[P, S, ...]``."""
