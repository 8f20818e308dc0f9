"""Adaptation of candidates: training on a task family, then the return on new tasks against the episodes of adaptation."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import jax
import numpy as np

from discover.base.errors import UserError, nearest
from discover.base.randomness import named_key, seed_keys
from discover.config.build import environment_from
from discover.config.candidate_file import fingerprint_of
from discover.contract.adaptation import AdaptationInfo, AdaptationPlan, AdaptationResult, CandidateAdaptation
from discover.contract.algorithm import Algorithm
from discover.contract.environment import Environment
from discover.contract.events import TaskRun
from discover.contract.executor import Executor
from discover.contract.registry import Registry
from discover.contract.types import Key
from discover.evaluation.adapting import adapted_returns, note_on, with_horizon
from discover.evaluation.checks import check_lifetimes
from discover.evaluation.telling import share_of, tell_nobody
from discover.evaluation.train import references_of
from discover.inner_loop.reasons import translate_errors
from discover.inner_loop.work import fresh_work, run_alone
from discover.plugin.provenance import provenance


def adapt(
    registry: Registry,
    executor: Executor,
    candidates: Mapping[str, Algorithm],
    run: TaskRun,
    *,
    plan: AdaptationPlan,
    seeds: int,
    seed: int = 0,
    progress: Callable[[str, float], None] | None = None,
    tell: Callable[..., object] | None = None,
) -> AdaptationResult:
    """Train S agents of each candidate on a task family, and let each adapt to tasks that are drawn after its training.

    All candidates have the same seeds, and for each seed the same new tasks.

    Args:
        registry: has the task.
        executor: where to train.
        candidates: by name.
        run: the task family, and the env steps of each training.
        plan: what follows on each new task.
        seeds: S.
        seed: of the stream that the S seeds come from.
        progress: called with a description of the work in progress, and the share of the whole that is done.
        tell: called with the name of a hook and its arguments when the adaptation starts, fails or has finished.

    Raises:
        UserError: the plan has nothing to adapt from, the task is no family, or a candidate cannot be trained on it.
        EvaluationError: a candidate's program cannot be compiled or run.
    """
    plan.check()
    environment = _family(registry, run.task)
    check_lifetimes(registry, candidates, [run])
    tell = tell or tell_nobody
    info = AdaptationInfo(
        candidates=dict(candidates),
        run=run,
        plan=plan,
        seeds=seeds,
        fingerprints={name: fingerprint_of(registry, candidate) for name, candidate in candidates.items()},
        provenance=provenance(registry),
    )
    tell("discover_adaptation_started", adaptation=info)
    keys, found = seed_keys(seed, "adapt", seeds), dict[str, CandidateAdaptation]()
    try:
        for place, (name, algorithm) in enumerate(candidates.items()):
            share = share_of(progress, f"{name} on {run.label}", place, len(candidates))
            with translate_errors(f"'{name}' cannot be trained on {run.label}", "repair the component that raises this"):
                found[name] = _adapted(executor, environment, name, algorithm, keys=keys, info=info, progress=share)
    except BaseException as error:
        tell("discover_adaptation_failed", adaptation=info, error=error)
        raise
    references = references_of(registry, run.task) if environment.episodes_per_trial == 1 else None
    result = AdaptationResult(found, run, plan, references, provenance=info.provenance)
    tell("discover_adaptation_finished", adaptation=result)
    return result


def _adapted(
    executor: Executor,
    environment: Environment,
    name: str,
    algorithm: Algorithm,
    *,
    keys: Key,
    info: AdaptationInfo,
    progress: Callable[[float], None] | None,
) -> CandidateAdaptation:
    """The agents of one candidate: trained, then adapted to new tasks."""
    executor = executor.settle(len(keys), algorithm, [environment])
    candidates, started = jax.tree.map(lambda x: np.asarray(x)[None], algorithm), time.perf_counter()
    work = fresh_work(environment, candidates, keys, info.run.steps, keep=True)
    done = run_alone(executor, work, progress)
    seconds = time.perf_counter() - started
    new = jax.vmap(lambda key: named_key(key, "adapt"))(keys)
    plan = with_horizon(algorithm, environment, info.plan, keys[0])
    agents = jax.tree.map(lambda x: x[0], jax.device_put(done.lifetimes, jax.devices()[0]))
    returns = adapted_returns(algorithm, environment, agents, keys=new, plan=plan)
    return CandidateAdaptation(
        algorithm=algorithm,
        returns=np.where(done.curves.finite[0][:, None, None], returns, np.nan),
        env_steps=int(done.curves.env_steps.sum(dtype=np.int64)),
        seconds=seconds,
        note=note_on(name, algorithm, environment),
    )


def _family(registry: Registry, task: str) -> Environment:
    """The environment of a task that is a family of several tasks.

    Raises:
        UserError: there is no such task, or it is a single one.
    """
    environment = environment_from(registry, task)
    if environment.redraw == "never":
        families = [entry.name for entry in registry.entries("task") if _is_family(registry, entry.name)]
        raise UserError(f"task '{task}' is one task and no family, so there is nothing to adapt to: {nearest(task, families)}.")
    return environment


def _is_family(registry: Registry, task: str) -> bool:
    try:
        return environment_from(registry, task).redraw != "never"
    except Exception:  # a task of another plugin that is broken must not hide the mistake
        return False
