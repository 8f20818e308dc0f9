"""discover: a framework for discovering reinforcement-learning algorithms.

All public names are here; a plugin imports no other module of the package. Each name is loaded on its first use, so that
``import discover`` and the command line start without JAX.

>>> import discover
>>> discover.nearest("gea", ["gae", "n_step"])
"did you mean 'gae'? Known: gae, n_step"
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from discover.api.ablating import ablate as ablate
    from discover.api.adapting import adapt as adapt
    from discover.api.authoring import PluginCheck as PluginCheck
    from discover.api.authoring import check_plugin as check_plugin
    from discover.api.authoring import new_plugin as new_plugin
    from discover.api.candidates import environment as environment
    from discover.api.candidates import load as load
    from discover.api.candidates import recipe as recipe
    from discover.api.candidates import save as save
    from discover.api.comparing import compare as compare
    from discover.api.comparing import load_comparison as load_comparison
    from discover.api.estimating import estimate as estimate
    from discover.api.evaluating import evaluate as evaluate
    from discover.api.exporting import export as export
    from discover.api.listing import runs as runs
    from discover.api.loaded import plugins as plugins
    from discover.api.promoting import promote as promote
    from discover.api.promoting import save_recipe as save_recipe
    from discover.api.reading import sensitivity as sensitivity
    from discover.api.reading import show as show
    from discover.api.refining import refine as refine
    from discover.api.reporting import report as report
    from discover.api.searching import resume as resume
    from discover.api.searching import search as search
    from discover.api.training import train as train
    from discover.base.errors import DiscoverError as DiscoverError
    from discover.base.errors import DiscoverWarning as DiscoverWarning
    from discover.base.errors import Terminated as Terminated
    from discover.base.errors import UserError as UserError
    from discover.base.errors import nearest as nearest
    from discover.base.figures import band as band
    from discover.base.figures import draw_curves as draw_curves
    from discover.base.figures import import_matplotlib as import_matplotlib
    from discover.base.figures import new_figure as new_figure
    from discover.base.latex import latex_number as latex_number
    from discover.base.randomness import named_key as named_key
    from discover.base.randomness import named_keys as named_keys
    from discover.base.randomness import seed_keys as seed_keys
    from discover.base.statistics import Interval as Interval
    from discover.base.statistics import bootstrap_interval as bootstrap_interval
    from discover.base.statistics import corrected_difference as corrected_difference
    from discover.base.statistics import difference_interval as difference_interval
    from discover.base.statistics import holm as holm
    from discover.base.statistics import interquartile_mean as interquartile_mean
    from discover.base.statistics import permutation_p_values as permutation_p_values
    from discover.base.statistics import seeds_for_verdict as seeds_for_verdict
    from discover.components.component import Component as Component
    from discover.components.component import component as component
    from discover.components.domains import Domain as Domain
    from discover.components.domains import Integer as Integer
    from discover.components.domains import Scalar as Scalar
    from discover.components.domains import Weights as Weights
    from discover.components.effective import effective as effective
    from discover.components.effective import values_by_path as values_by_path
    from discover.components.field_functions import integer as integer
    from discover.components.field_functions import option_index as option_index
    from discover.components.field_functions import real as real
    from discover.components.field_functions import weights as weights
    from discover.components.number_domains import IntegerDomain as IntegerDomain
    from discover.components.number_domains import RealDomain as RealDomain
    from discover.components.open_values import choice as choice
    from discover.components.open_values import free as free
    from discover.components.option_domains import OptionIndexDomain as OptionIndexDomain
    from discover.components.paths import domain_at as domain_at
    from discover.components.paths import get as get
    from discover.components.paths import nodes as nodes
    from discover.components.paths import replace as replace
    from discover.components.space import Space as Space
    from discover.components.static_fields import AtLeast as AtLeast
    from discover.components.static_fields import Count as Count
    from discover.components.weights_domain import WeightsDomain as WeightsDomain
    from discover.contract.ablation import Ablated as Ablated
    from discover.contract.ablation import Ablation as Ablation
    from discover.contract.ablation import AblationInfo as AblationInfo
    from discover.contract.actor import Actor as Actor
    from discover.contract.adaptation import AdaptationInfo as AdaptationInfo
    from discover.contract.adaptation import AdaptationPlan as AdaptationPlan
    from discover.contract.adaptation import AdaptationResult as AdaptationResult
    from discover.contract.adaptation import CandidateAdaptation as CandidateAdaptation
    from discover.contract.algorithm import Algorithm as Algorithm
    from discover.contract.curriculum import Curriculum as Curriculum
    from discover.contract.distributions import Categorical as Categorical
    from discover.contract.distributions import Factored as Factored
    from discover.contract.distributions import Gaussian as Gaussian
    from discover.contract.distributions import Joint as Joint
    from discover.contract.distributions import TanhGaussian as TanhGaussian
    from discover.contract.distributions import policy_heads as policy_heads
    from discover.contract.environment import Continuous as Continuous
    from discover.contract.environment import Discrete as Discrete
    from discover.contract.environment import Environment as Environment
    from discover.contract.environment import MultiDiscrete as MultiDiscrete
    from discover.contract.environment import Redraw as Redraw
    from discover.contract.environment import Spec as Spec
    from discover.contract.environment import Step as Step
    from discover.contract.environment import Wrapper as Wrapper
    from discover.contract.environment import action_size as action_size
    from discover.contract.environment import decode_action as decode_action
    from discover.contract.environment import encode_action as encode_action
    from discover.contract.environment import zero_action as zero_action
    from discover.contract.events import Command as Command
    from discover.contract.events import ComparisonInfo as ComparisonInfo
    from discover.contract.events import Doubt as Doubt
    from discover.contract.events import Generation as Generation
    from discover.contract.events import SearchInfo as SearchInfo
    from discover.contract.events import Selection as Selection
    from discover.contract.events import Status as Status
    from discover.contract.events import TaskRun as TaskRun
    from discover.contract.events import TrainingInfo as TrainingInfo
    from discover.contract.executor import Curves as Curves
    from discover.contract.executor import Done as Done
    from discover.contract.executor import Executor as Executor
    from discover.contract.executor import Failure as Failure
    from discover.contract.executor import Surroundings as Surroundings
    from discover.contract.executor import Work as Work
    from discover.contract.executor import count_members as count_members
    from discover.contract.executor import part_of_progress as part_of_progress
    from discover.contract.exploration_bonus import ExplorationBonus as ExplorationBonus
    from discover.contract.held import HeldLifetimes as HeldLifetimes
    from discover.contract.held import gathered as gathered
    from discover.contract.hooks import hookimpl as hookimpl
    from discover.contract.mapped_agent import check_mappable as check_mappable
    from discover.contract.mapped_agent import map_agent as map_agent
    from discover.contract.meta_objective import Gradients as Gradients
    from discover.contract.meta_objective import MetaObjective as MetaObjective
    from discover.contract.meta_objective import Window as Window
    from discover.contract.network import ACTION as ACTION
    from discover.contract.network import AUXILIARY_LOSS as AUXILIARY_LOSS
    from discover.contract.network import EXPERT as EXPERT
    from discover.contract.network import JOINT as JOINT
    from discover.contract.network import REWARD as REWARD
    from discover.contract.network import Head as Head
    from discover.contract.network import Heads as Heads
    from discover.contract.network import Inputs as Inputs
    from discover.contract.network import Network as Network
    from discover.contract.network import Outputs as Outputs
    from discover.contract.normalizer import Normalizer as Normalizer
    from discover.contract.optimizer import Optimizer as Optimizer
    from discover.contract.params_map import ParamsMap as ParamsMap
    from discover.contract.promotion import ModelVersion as ModelVersion
    from discover.contract.promotion import Promotion as Promotion
    from discover.contract.registry import Registry as Registry
    from discover.contract.results import Comparison as Comparison
    from discover.contract.results import Difference as Difference
    from discover.contract.results import SearchResult as SearchResult
    from discover.contract.results import SuiteDifference as SuiteDifference
    from discover.contract.results import Training as Training
    from discover.contract.return_function import ReturnFunction as ReturnFunction
    from discover.contract.return_function import Segment as Segment
    from discover.contract.return_function import Targets as Targets
    from discover.contract.run_summary import RunSummary as RunSummary
    from discover.contract.strategy import Objective as Objective
    from discover.contract.strategy import Proposal as Proposal
    from discover.contract.strategy import Strategy as Strategy
    from discover.contract.strategy import TaskReturns as TaskReturns
    from discover.contract.strategy import Told as Told
    from discover.contract.task_order import NOWHERE as NOWHERE
    from discover.contract.task_order import Levels as Levels
    from discover.contract.task_order import Played as Played
    from discover.contract.task_order import TaskOrder as TaskOrder
    from discover.contract.trajectory import Context as Context
    from discover.contract.trajectory import Info as Info
    from discover.contract.trajectory import Trajectory as Trajectory
    from discover.contract.trajectory import group_environments as group_environments
    from discover.contract.trajectory import join_environments as join_environments
    from discover.contract.types import BonusState as BonusState
    from discover.contract.types import Carry as Carry
    from discover.contract.types import EnvState as EnvState
    from discover.contract.types import Key as Key
    from discover.contract.types import Lifetimes as Lifetimes
    from discover.contract.types import Members as Members
    from discover.contract.types import MetaState as MetaState
    from discover.contract.types import OptimizerState as OptimizerState
    from discover.contract.types import OrderState as OrderState
    from discover.contract.types import Params as Params
    from discover.contract.types import RuleState as RuleState
    from discover.contract.types import Statistics as Statistics
    from discover.contract.types import StrategyState as StrategyState
    from discover.contract.types import Task as Task
    from discover.contract.update_rule import Rollout as Rollout
    from discover.contract.update_rule import UpdateRule as UpdateRule
    from discover.contract.update_rule import WrappingRule as WrappingRule
    from discover.contract.world import World as World
    from discover.evaluation.ablation_file import ABLATION_FILE as ABLATION_FILE
    from discover.evaluation.adapted_executor import AdaptedExecutor as AdaptedExecutor
    from discover.evaluation.comparison_file import REPORT_FILE as REPORT_FILE
    from discover.evaluation.comparison_file import comparison_bytes as comparison_bytes
    from discover.evaluation.comparison_file import save_comparison as save_comparison
    from discover.evaluation.comparison_file import training_alone as training_alone
    from discover.evaluation.completed_executor import CompletedExecutor as CompletedExecutor
    from discover.evaluation.completed_executor import CompletedPlan as CompletedPlan
    from discover.evaluation.episodes import Evaluation as Evaluation
    from discover.inner_loop.adaptation import Adaptation as Adaptation
    from discover.inner_loop.adaptation import adaptation_figure as adaptation_figure
    from discover.inner_loop.adaptation import evaluate_adaptation as evaluate_adaptation
    from discover.inner_loop.adaptation import trained_agent as trained_agent
    from discover.inner_loop.chunks import room_on_devices as room_on_devices
    from discover.inner_loop.here import run_here as run_here
    from discover.inner_loop.isolation import attempt as attempt
    from discover.inner_loop.lifetime import Curve as Curve
    from discover.inner_loop.lifetime import run_lifetime as run_lifetime
    from discover.inner_loop.population import fitting_chunk as fitting_chunk
    from discover.inner_loop.population import lifetime_bytes as lifetime_bytes
    from discover.inner_loop.population import run_population as run_population
    from discover.inner_loop.update import Lifetime as Lifetime
    from discover.inner_loop.work import fresh_work as fresh_work
    from discover.inner_loop.work import run_alone as run_alone
    from discover.learning.on_policy import OnPolicy as OnPolicy
    from discover.learning.replay_buffer import ReplayBuffer as ReplayBuffer
    from discover.learning.replay_buffer import empty_replay_buffer as empty_replay_buffer
    from discover.learning.replay_buffer import learn_if as learn_if
    from discover.learning.target_params import polyak_update as polyak_update
    from discover.learning.weighting import ends_within as ends_within
    from discover.learning.weighting import standardized as standardized
    from discover.learning.weighting import step_weights as step_weights
    from discover.learning.window_buffer import WindowBuffer as WindowBuffer
    from discover.learning.window_buffer import empty_window_buffer as empty_window_buffer
    from discover.outer_loop.estimate import Estimate as Estimate
    from discover.outer_loop.history import HISTORY_FOLDER as HISTORY_FOLDER
    from discover.outer_loop.history import History as History
    from discover.outer_loop.history import read_history as read_history
    from discover.process.devices import cores as cores
    from discover.process.interruption import say_when_killed as say_when_killed
    from discover.process.program import run_program as run_program
    from discover.reading.facts import CandidateFacts as CandidateFacts
    from discover.reading.page import CandidatePage as CandidatePage
    from discover.reading.page import candidate_page as candidate_page
    from discover.reading.search_facts import facts_of_search as facts_of_search
    from discover.reading.sweeps import Sensitivity as Sensitivity
    from discover.reading.sweeps import Sweep as Sweep
    from discover.reading.sweeps import SweepPoint as SweepPoint
    from discover.reports.reading import source_of as source_of
    from discover.reports.report import Report as Report
    from discover.reports.report import report_on as report_on
    from discover.storage.locks import directory_lock as directory_lock
    from discover.storage.yaml_text import text_of as text_of
    from discover.storage.yaml_text import values_in as values_in
    from discover.storage.yaml_text import values_in_file as values_in_file
    from discover.workers.pool import WorkerPool as WorkerPool
    from discover.workers.pool import chunk_for_workers as chunk_for_workers
    from discover.workers.process import ProcessWorker as ProcessWorker
    from discover.workers.settings import worker_settings as worker_settings
    from discover.workers.worker import Parcel as Parcel
    from discover.workers.worker import ReadyParcel as ReadyParcel
    from discover.workers.worker import Worker as Worker
    from discover.workers.worker import WorkerLostError as WorkerLostError
    from discover.workers.workshop import Workshop as Workshop

_HOME = {
    "api.ablating": ("ablate",),
    "api.adapting": ("adapt",),
    "api.authoring": (
        "PluginCheck",
        "check_plugin",
        "new_plugin",
    ),
    "api.candidates": (
        "environment",
        "load",
        "recipe",
        "save",
    ),
    "api.comparing": ("compare", "load_comparison"),
    "api.estimating": ("estimate",),
    "api.evaluating": ("evaluate",),
    "api.exporting": ("export",),
    "api.listing": ("runs",),
    "api.loaded": ("plugins",),
    "api.promoting": ("promote", "save_recipe"),
    "api.reading": (
        "sensitivity",
        "show",
    ),
    "api.refining": ("refine",),
    "api.reporting": ("report",),
    "api.searching": (
        "resume",
        "search",
    ),
    "api.training": ("train",),
    "base.errors": (
        "DiscoverError",
        "DiscoverWarning",
        "Terminated",
        "UserError",
        "nearest",
    ),
    "base.figures": (
        "band",
        "draw_curves",
        "import_matplotlib",
        "new_figure",
    ),
    "base.latex": ("latex_number",),
    "base.randomness": (
        "named_key",
        "named_keys",
        "seed_keys",
    ),
    "base.statistics": (
        "Interval",
        "bootstrap_interval",
        "corrected_difference",
        "difference_interval",
        "holm",
        "interquartile_mean",
        "permutation_p_values",
        "seeds_for_verdict",
    ),
    "components.component": (
        "Component",
        "component",
    ),
    "components.domains": (
        "Domain",
        "Integer",
        "Scalar",
        "Weights",
    ),
    "components.effective": (
        "effective",
        "values_by_path",
    ),
    "components.field_functions": (
        "integer",
        "option_index",
        "real",
        "weights",
    ),
    "components.number_domains": (
        "IntegerDomain",
        "RealDomain",
    ),
    "components.open_values": (
        "choice",
        "free",
    ),
    "components.option_domains": ("OptionIndexDomain",),
    "components.paths": (
        "domain_at",
        "get",
        "nodes",
        "replace",
    ),
    "components.space": ("Space",),
    "components.static_fields": (
        "AtLeast",
        "Count",
    ),
    "components.weights_domain": ("WeightsDomain",),
    "contract.ablation": (
        "Ablated",
        "Ablation",
        "AblationInfo",
    ),
    "contract.actor": ("Actor",),
    "contract.adaptation": (
        "AdaptationInfo",
        "AdaptationPlan",
        "AdaptationResult",
        "CandidateAdaptation",
    ),
    "contract.algorithm": ("Algorithm",),
    "contract.curriculum": ("Curriculum",),
    "contract.distributions": (
        "Categorical",
        "Factored",
        "Gaussian",
        "Joint",
        "TanhGaussian",
        "policy_heads",
    ),
    "contract.environment": (
        "Continuous",
        "Discrete",
        "Environment",
        "MultiDiscrete",
        "Redraw",
        "Spec",
        "Step",
        "Wrapper",
        "action_size",
        "decode_action",
        "encode_action",
        "zero_action",
    ),
    "contract.events": (
        "Command",
        "ComparisonInfo",
        "Doubt",
        "Generation",
        "SearchInfo",
        "Selection",
        "Status",
        "TaskRun",
        "TrainingInfo",
    ),
    "contract.executor": (
        "Curves",
        "Done",
        "Executor",
        "Failure",
        "Surroundings",
        "Work",
        "count_members",
        "part_of_progress",
    ),
    "contract.exploration_bonus": ("ExplorationBonus",),
    "contract.held": (
        "HeldLifetimes",
        "gathered",
    ),
    "contract.hooks": ("hookimpl",),
    "contract.mapped_agent": (
        "check_mappable",
        "map_agent",
    ),
    "contract.meta_objective": (
        "Gradients",
        "MetaObjective",
        "Window",
    ),
    "contract.network": (
        "ACTION",
        "AUXILIARY_LOSS",
        "JOINT",
        "EXPERT",
        "Head",
        "Heads",
        "Inputs",
        "Network",
        "Outputs",
        "REWARD",
    ),
    "contract.normalizer": ("Normalizer",),
    "contract.optimizer": ("Optimizer",),
    "contract.params_map": ("ParamsMap",),
    "contract.promotion": (
        "ModelVersion",
        "Promotion",
    ),
    "contract.registry": ("Registry",),
    "contract.results": (
        "Comparison",
        "Difference",
        "SearchResult",
        "SuiteDifference",
        "Training",
    ),
    "contract.return_function": (
        "ReturnFunction",
        "Segment",
        "Targets",
    ),
    "contract.run_summary": ("RunSummary",),
    "contract.strategy": (
        "Objective",
        "Proposal",
        "Strategy",
        "TaskReturns",
        "Told",
    ),
    "contract.task_order": (
        "Levels",
        "NOWHERE",
        "Played",
        "TaskOrder",
    ),
    "contract.trajectory": (
        "Context",
        "Info",
        "Trajectory",
        "group_environments",
        "join_environments",
    ),
    "contract.types": (
        "BonusState",
        "Carry",
        "EnvState",
        "Key",
        "Lifetimes",
        "Members",
        "MetaState",
        "OptimizerState",
        "OrderState",
        "Params",
        "RuleState",
        "Statistics",
        "StrategyState",
        "Task",
    ),
    "contract.update_rule": (
        "Rollout",
        "UpdateRule",
        "WrappingRule",
    ),
    "contract.world": ("World",),
    "evaluation.ablation_file": ("ABLATION_FILE",),
    "evaluation.adapted_executor": ("AdaptedExecutor",),
    "evaluation.completed_executor": ("CompletedExecutor", "CompletedPlan"),
    "evaluation.comparison_file": (
        "REPORT_FILE",
        "comparison_bytes",
        "save_comparison",
        "training_alone",
    ),
    "evaluation.episodes": ("Evaluation",),
    "inner_loop.adaptation": (
        "Adaptation",
        "adaptation_figure",
        "evaluate_adaptation",
        "trained_agent",
    ),
    "inner_loop.chunks": ("room_on_devices",),
    "inner_loop.here": ("run_here",),
    "inner_loop.isolation": ("attempt",),
    "inner_loop.lifetime": (
        "Curve",
        "run_lifetime",
    ),
    "inner_loop.population": (
        "fitting_chunk",
        "lifetime_bytes",
        "run_population",
    ),
    "inner_loop.update": ("Lifetime",),
    "inner_loop.work": (
        "fresh_work",
        "run_alone",
    ),
    "learning.on_policy": ("OnPolicy",),
    "learning.replay_buffer": (
        "ReplayBuffer",
        "empty_replay_buffer",
        "learn_if",
    ),
    "learning.target_params": ("polyak_update",),
    "learning.weighting": (
        "ends_within",
        "standardized",
        "step_weights",
    ),
    "learning.window_buffer": (
        "WindowBuffer",
        "empty_window_buffer",
    ),
    "outer_loop.estimate": ("Estimate",),
    "outer_loop.history": (
        "HISTORY_FOLDER",
        "History",
        "read_history",
    ),
    "process.devices": ("cores",),
    "process.interruption": ("say_when_killed",),
    "process.program": ("run_program",),
    "reading.facts": ("CandidateFacts",),
    "reading.page": (
        "CandidatePage",
        "candidate_page",
    ),
    "reading.search_facts": ("facts_of_search",),
    "reading.sweeps": (
        "Sensitivity",
        "Sweep",
        "SweepPoint",
    ),
    "reports.reading": ("source_of",),
    "reports.report": (
        "Report",
        "report_on",
    ),
    "storage.locks": ("directory_lock",),
    "storage.yaml_text": (
        "text_of",
        "values_in",
        "values_in_file",
    ),
    "workers.pool": (
        "WorkerPool",
        "chunk_for_workers",
    ),
    "workers.process": ("ProcessWorker",),
    "workers.settings": ("worker_settings",),
    "workers.worker": (
        "Parcel",
        "ReadyParcel",
        "Worker",
        "WorkerLostError",
    ),
    "workers.workshop": ("Workshop",),
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
