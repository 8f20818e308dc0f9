"""Candidates and tasks by name: read, written and checked."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from discover.api.loaded import plugins
from discover.base.errors import UserError

if TYPE_CHECKING:
    from discover.contract.algorithm import Algorithm
    from discover.contract.environment import Environment

Candidate: TypeAlias = "str | os.PathLike[str] | Mapping[str, Any] | Algorithm"
"""A recipe's name, the path of a candidate file, an address in MLflow, a mapping as in a config, or the candidate itself."""


def recipe(name: str) -> Algorithm:
    """A known algorithm with its published settings.

    Raises:
        UserError: no plugin has a recipe of that name.

    >>> type(recipe("ppo").rule).__name__
    'PPO'
    """
    from discover.config.build import algorithm_from

    return algorithm_from(plugins().registry, name)


def environment(task: str | Mapping[str, Any]) -> Environment:
    """The family of environments of a task's name, or of an environment as in a config.

    >>> environment("catch").spec().action
    Discrete(n=3)

    Raises:
        UserError: no plugin brings a task or an environment of that name.
    """
    from discover.config.build import environment_from

    return environment_from(plugins().registry, task)


def load(candidate: Candidate, *, overrides: Mapping[str, Any] | None = None, store: str | None = None) -> Algorithm:
    """Read a candidate that has no open values.

    Args:
        candidate: a recipe (``ppo``), a file (``.candidate``, ``.yaml`` or ``.json``), an address in MLflow
            (``models:/...``, ``runs:/...``, a run's id), or a mapping as in a config.
        overrides: other values by dotted path, as in a config below ``candidate``.
        store: address of the tracking store.

    Raises:
        UserError: there is no such recipe, file or address, the candidate has open values, or an override is wrong.

    >>> round(float(load("ppo", overrides={"rule.ppo.clip": 0.3}).rule.clip), 3)
    0.3
    """
    from discover.config.overrides import changed, changes_of

    return changed(plugins().registry, _loaded(candidate, store), changes_of(overrides))


def settled(candidate: Candidate, store: str | None = None) -> Candidate:
    """A candidate with the version in the place of an alias, so that what is told of it later names the version.

    Raises:
        UserError: there is no such model, version or alias.
    """
    from discover.config.candidates import settled as settled_text

    return settled_text(plugins(), os.fspath(candidate), store) if isinstance(candidate, str | os.PathLike) else candidate


def _loaded(candidate: Candidate, store: str | None) -> Algorithm:
    """A candidate as it is written."""
    from discover.config.candidates import candidate_from

    if isinstance(candidate, str | os.PathLike):
        return candidate_from(plugins(), os.fspath(candidate), store)
    from discover.components.paths import check
    from discover.config.build import algorithm_from
    from discover.contract.algorithm import Algorithm

    if isinstance(candidate, Mapping):
        candidate = algorithm_from(plugins().registry, candidate)
    if not isinstance(candidate, Algorithm):
        raise UserError(f"a candidate is a text, a mapping or Algorithm(rule=..., network=...); got {candidate!r}.")
    check(candidate)
    return candidate


def save(candidate: Candidate, path: str | os.PathLike[str]) -> Path:
    """Write a candidate to a file that every command can read.

    Args:
        candidate: see `load`.
        path: the file; its name ends in ``.candidate``.

    Returns:
        The path.

    Raises:
        UserError: the name of the file has another ending.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     type(load(save("ppo", Path(folder) / "mine.candidate")).rule).__name__
    'PPO'
    """
    from discover.config.candidate_file import SUFFIX, save_candidate

    if Path(path).suffix != SUFFIX:
        raise UserError(f"a candidate is saved in a file whose name ends in '{SUFFIX}'; got '{os.fspath(path)}': rename it.")
    save_candidate(Path(path), load(candidate), plugins().registry)
    return Path(path)


def name_of(candidate: Candidate) -> str:
    """The name of a candidate in tables."""
    if isinstance(candidate, str | os.PathLike):
        return os.fspath(candidate)
    return type(load(candidate).rule).__name__


def named(candidates: Sequence[Candidate] | Mapping[str, Candidate]) -> list[tuple[str, Candidate]]:
    """Candidates, each with the name that a mapping gives it, or else with what it is called.

    Raises:
        UserError: they are neither a list nor a mapping, or none.
    """
    if isinstance(candidates, str):
        raise UserError(f"candidates must be a list, such as [{candidates!r}, 'ppo']; got the text {candidates!r}.")
    one = isinstance(candidates, Mapping) and bool({"recipe", "rule"} & candidates.keys())
    if one or not isinstance(candidates, Sequence | Mapping) or not candidates:
        raise UserError(f"candidates must be a list, or a mapping from names to candidates; got {candidates!r}.")
    if isinstance(candidates, Mapping):
        return [*candidates.items()]
    return [(name_of(candidate), candidate) for candidate in candidates]
