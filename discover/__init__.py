"""discover: a framework for discovering reinforcement-learning algorithms.

Everything public is named here; a plugin imports nothing else. Names are loaded on first use, so that the command line
starts without JAX.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from discover.actor import Actor as Actor
    from discover.adaptation import Adaptation as Adaptation
    from discover.adaptation import adaptation_figure as adaptation_figure
    from discover.adaptation import evaluate_adaptation as evaluate_adaptation
    from discover.adaptation import trained_agent as trained_agent
    from discover.algorithm import Algorithm as Algorithm
    from discover.compare import table as table
    from discover.components import Component as Component
    from discover.components import choice as choice
    from discover.components import component as component
    from discover.components import free as free
    from discover.components import integer as integer
    from discover.components import option_index as option_index
    from discover.components import real as real
    from discover.components import weights as weights
    from discover.distributions import Categorical as Categorical
    from discover.distributions import Gaussian as Gaussian
    from discover.distributions import TanhGaussian as TanhGaussian
    from discover.distributions import policy_heads as policy_heads
    from discover.domains import Domain as Domain
    from discover.domains import Integer as Integer
    from discover.domains import Real as Real
    from discover.domains import Scalar as Scalar
    from discover.domains import Weights as Weights
    from discover.domains import Whole as Whole
    from discover.environments import Continuous as Continuous
    from discover.environments import Discrete as Discrete
    from discover.environments import Environment as Environment
    from discover.environments import Redraw as Redraw
    from discover.environments import Spec as Spec
    from discover.environments import Step as Step
    from discover.environments import Wrapper as Wrapper
    from discover.errors import DiscoverError as DiscoverError
    from discover.errors import DiscoverWarning as DiscoverWarning
    from discover.errors import Terminated as Terminated
    from discover.errors import UserError as UserError
    from discover.errors import nearest as nearest
    from discover.evaluation import advance_population as advance_population
    from discover.evaluation import begin_population as begin_population
    from discover.evaluation import evaluate_population as evaluate_population
    from discover.evaluation import fitting_chunk as fitting_chunk
    from discover.evaluation import lifetime_bytes as lifetime_bytes
    from discover.events import Command as Command
    from discover.events import Comparison as Comparison
    from discover.events import Difference as Difference
    from discover.events import Generation as Generation
    from discover.events import SearchInfo as SearchInfo
    from discover.events import SearchResult as SearchResult
    from discover.events import Status as Status
    from discover.events import TaskRun as TaskRun
    from discover.events import Training as Training
    from discover.executors import Curves as Curves
    from discover.executors import Executor as Executor
    from discover.hookspecs import hookimpl as hookimpl
    from discover.locks import directory_lock as directory_lock
    from discover.memory import Memory as Memory
    from discover.memory import empty_memory as empty_memory
    from discover.memory import learn_if as learn_if
    from discover.networks import ACTION as ACTION
    from discover.networks import AUXILIARY_LOSS as AUXILIARY_LOSS
    from discover.networks import REWARD as REWARD
    from discover.networks import Curriculum as Curriculum
    from discover.networks import Head as Head
    from discover.networks import Heads as Heads
    from discover.networks import Inputs as Inputs
    from discover.networks import Network as Network
    from discover.networks import Outputs as Outputs
    from discover.normalisers import Normaliser as Normaliser
    from discover.on_policy import OnPolicy as OnPolicy
    from discover.optimisers import Optimiser as Optimiser
    from discover.paths import domain_at as domain_at
    from discover.paths import get as get
    from discover.paths import nodes as nodes
    from discover.paths import replace as replace
    from discover.randomness import named_key as named_key
    from discover.randomness import named_keys as named_keys
    from discover.registry import Registry as Registry
    from discover.returns import ReturnFunction as ReturnFunction
    from discover.returns import Segment as Segment
    from discover.returns import Targets as Targets
    from discover.rules import Context as Context
    from discover.rules import Experience as Experience
    from discover.rules import Info as Info
    from discover.rules import Rollout as Rollout
    from discover.rules import UpdateRule as UpdateRule
    from discover.rules import WrappingRule as WrappingRule
    from discover.rules import group_columns as group_columns
    from discover.rules import join_columns as join_columns
    from discover.rules import moved_towards as moved_towards
    from discover.space import Space as Space
    from discover.start import run_program as run_program
    from discover.static_fields import AtLeast as AtLeast
    from discover.static_fields import Count as Count
    from discover.statistics import Interval as Interval
    from discover.statistics import bootstrap_interval as bootstrap_interval
    from discover.statistics import interquartile_mean as interquartile_mean
    from discover.strategies import Objective as Objective
    from discover.strategies import Proposal as Proposal
    from discover.strategies import Strategy as Strategy
    from discover.strategies import TaskReturns as TaskReturns
    from discover.weighting import ends_within as ends_within
    from discover.weighting import standardised as standardised
    from discover.weighting import step_weights as step_weights
    from discover.world import World as World
    from discover.yaml_text import text_of as text_of
    from discover.yaml_text import values_in_file as values_in_file

_HOME = {
    "actor": ("Actor",),
    "adaptation": ("Adaptation", "adaptation_figure", "evaluate_adaptation", "trained_agent"),
    "algorithm": ("Algorithm",),
    "compare": ("table",),
    "components": ("Component", "choice", "component", "free", "integer", "option_index", "real", "weights"),
    "distributions": ("Categorical", "Gaussian", "TanhGaussian", "policy_heads"),
    "domains": ("Domain", "Integer", "Real", "Scalar", "Weights", "Whole"),
    "environments": ("Continuous", "Discrete", "Environment", "Redraw", "Spec", "Step", "Wrapper"),
    "errors": ("DiscoverError", "DiscoverWarning", "Terminated", "UserError", "nearest"),
    "evaluation": ("advance_population", "begin_population", "evaluate_population", "fitting_chunk", "lifetime_bytes"),
    "events": (
        "Command",
        "Comparison",
        "Difference",
        "Generation",
        "SearchInfo",
        "SearchResult",
        "Status",
        "TaskRun",
        "Training",
    ),
    "executors": ("Curves", "Executor"),
    "hookspecs": ("hookimpl",),
    "locks": ("directory_lock",),
    "memory": ("Memory", "empty_memory", "learn_if"),
    "networks": ("ACTION", "AUXILIARY_LOSS", "Curriculum", "Head", "Heads", "Inputs", "Network", "Outputs", "REWARD"),
    "normalisers": ("Normaliser",),
    "on_policy": ("OnPolicy",),
    "optimisers": ("Optimiser",),
    "paths": ("domain_at", "get", "nodes", "replace"),
    "randomness": ("named_key", "named_keys"),
    "registry": ("Registry",),
    "returns": ("ReturnFunction", "Segment", "Targets"),
    "rules": (
        "Context",
        "Experience",
        "Info",
        "Rollout",
        "UpdateRule",
        "WrappingRule",
        "group_columns",
        "join_columns",
        "moved_towards",
    ),
    "space": ("Space",),
    "start": ("run_program",),
    "static_fields": ("AtLeast", "Count"),
    "statistics": ("Interval", "bootstrap_interval", "interquartile_mean"),
    "strategies": ("Objective", "Proposal", "Strategy", "TaskReturns"),
    "weighting": ("ends_within", "standardised", "step_weights"),
    "world": ("World",),
    "yaml_text": ("text_of", "values_in_file"),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = sorted(_MODULE_OF)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'discover' has no attribute '{name}'")
    module = importlib.import_module(f"discover.{_MODULE_OF[name]}")
    return getattr(module, name)


def __dir__() -> list[str]:
    return [*globals(), *_MODULE_OF]
