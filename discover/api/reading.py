"""Reading a candidate from Python."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from discover.api.candidates import Candidate, load, name_of, settled
from discover.api.loaded import plugins
from discover.api.running import command_session, count, task_run

if TYPE_CHECKING:
    from discover.contract.algorithm import Algorithm
    from discover.contract.events import TaskRun
    from discover.plugin.session import Session
    from discover.reading.page import CandidatePage
    from discover.reading.sweeps import Sensitivity


def show(
    candidate: Candidate,
    *,
    name: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    store: str | None = None,
) -> CandidatePage:
    """Describe a candidate: its effective parts, the nearest known recipe, formulas, and what is known of it.

    Args:
        candidate: see `load`. The champion in the directory of a search comes with its report, lineage and cost.
        name: of the candidate in the page; what ``candidate`` calls it, with its overrides, unless given.
        overrides: other values of the candidate by dotted path; what is known of the candidate is not of the changed one.
        store: address of the tracking store.

    Returns:
        The page: it prints as text; `CandidatePage.html` and `CandidatePage.markdown` give it in other forms.

    Raises:
        UserError: there is no such candidate, or it has open values.

    >>> show("dpo").sentence
    'dpo is the recipe dpo.'
    """
    from discover.config.overrides import changed_name, changes_of
    from discover.reading.facts import CandidateFacts
    from discover.reading.known_facts import known_facts
    from discover.reading.page import candidate_page

    candidate = settled(candidate, store)
    algorithm, facts = load(candidate, overrides=overrides, store=store), CandidateFacts()
    if isinstance(candidate, str | os.PathLike) and not overrides:
        facts = known_facts(plugins(), os.fspath(candidate), algorithm, store)
    name = name or changed_name(name_of(candidate), changes_of(overrides))
    return candidate_page(algorithm, plugins().registry, name=name, facts=facts)


def sensitivity(
    candidate: Candidate,
    task: str,
    *,
    steps: int = 100_000,
    seeds: int = 4,
    points: int = 5,
    seed: int = 0,
    numbers: Sequence[str] = (),
    overrides: Mapping[str, Any] | None = None,
    store: str | None = None,
) -> Sensitivity:
    """Train a candidate with each of its numbers at several places of its range; all else stays as it is.

    It trains ``points * seeds`` lifetimes for each number, with the same seeds everywhere. ``dataclasses.replace`` adds the
    result to a page: ``replace(discover.show("ppo"), sensitivity=...)``.

    Args:
        candidate: see `load`.
        task: name of the task.
        steps: env steps of each lifetime.
        seeds: lifetimes of each value, two or more.
        points: values of each number, the candidate's own among them.
        seed: of the stream that all seeds come from.
        numbers: the numbers to vary, by their paths or the ends of them; all unless given.
        overrides: other values of the candidate by dotted path, such as ``{"rule.ppo.clip": 0.3}``.
        store: address of the tracking store.

    Returns:
        The sweeps, the largest effect first.

    Raises:
        UserError: one seed, one point, an unknown number or task, or a candidate that cannot be trained on it.
        EvaluationError: the candidate's program cannot be compiled or run.
    """
    algorithm, run = load(candidate, overrides=overrides, store=store), task_run(task, steps)
    seeds, points, seed = count("seeds", seeds), count("points", points), count("seed", seed, 0)
    with command_session("show", tracking=False) as running:
        return sensitivity_in(running, algorithm, run, seeds=seeds, points=points, seed=seed, numbers=numbers)


def sensitivity_in(
    running: Session, algorithm: Algorithm, run: TaskRun, *, seeds: int, points: int, seed: int, numbers: Sequence[str]
) -> Sensitivity:
    """Measure a sensitivity in a session that is open already, see `sensitivity`."""
    from discover.reading.sensitivity import sensitivity_of

    return sensitivity_of(
        algorithm,
        running.plugins.registry,
        run,
        seeds=seeds,
        points=points,
        seed=seed,
        numbers=numbers,
        progress=running.progress,
    )
