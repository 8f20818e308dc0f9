"""Estimates of what a search will cost: rehearsals until one is like the search."""

from __future__ import annotations

import dataclasses
import subprocess
from collections.abc import Callable, Mapping
from typing import Any

import jax

from discover.base.errors import EvaluationError
from discover.config.search_config import checked_config
from discover.outer_loop.estimate import Estimate, Phase, rehearsed
from discover.plugin.loader import Plugins
from discover.process.children import SETTINGS, command_of, environment_of_children
from discover.process.jax_settings import jax_settings
from discover.storage.json_text import values_in_json
from discover.storage.yaml_text import text_of

_WORTH_REPEATING = 1.0
"""Seconds of all compilations of a rehearsal from which another one tells what a search costs that compiles nothing."""


def estimate(plugins: Plugins, config: Mapping[str, Any], progress: Callable[[str, float], None] | None = None) -> Estimate:
    """Rehearse a search: run all of it, few generations and lifetimes of a few updates, and work out what all costs.

    Two generations are rehearsed; where a strategy gives generations other seeds and steps (racing), one of each kind. Nothing
    of it is tracked or stays on the disk, but for compiled programs, which the search will find in the cache. So where
    much was compiled, a new process rehearses once more, and finds them too: its time and memory are those of the search.
    That needs a cache, plugins that a process can load itself, and a CPU (a GPU's memory belongs to this process).

    Args:
        plugins: the loaded plugins.
        config: the mapping of a YAML file.
        progress: called with a description of the work in progress, and the share of it that is done.

    Raises:
        UserError: a mistake in the config.
        EvaluationError: no candidate could be run.
    """
    first = rehearsed(plugins, config, progress)
    if first.rehearsal_compilation_seconds < _WORTH_REPEATING or not _repeatable(plugins):
        return first
    if progress is not None:
        progress("rehearsing with the programs in the cache", 0.0)
    second = _in_new_process(plugins, config)
    return dataclasses.replace(
        second,
        rehearsal_seconds=first.rehearsal_seconds + second.rehearsal_seconds,
        rehearsal_compilation_seconds=first.rehearsal_compilation_seconds,
    )


def _repeatable(plugins: Plugins) -> bool:
    """Whether another process can rehearse with the programs that this one has compiled."""
    kept = bool(jax.config.values["jax_compilation_cache_dir"])
    loadable = not any(entry.provenance.is_here_alone for entry in plugins.registry.entries())
    return kept and loadable and jax.default_backend() == "cpu"


def _in_new_process(plugins: Plugins, config: Mapping[str, Any]) -> Estimate:
    """The estimate by a rehearsal in a new process.

    Raises:
        EvaluationError: the process has failed; what it printed is shown above.
    """
    checked = checked_config(plugins.registry, config)
    settings = {
        "config": text_of(checked.words, "the config"),
        "plugins": plugins.folder and str(plugins.folder),
        "jax": jax_settings(SETTINGS),
    }
    done = subprocess.run(
        command_of("discover.outer_loop.rehearsal_process"),
        input=text_of(settings, "the settings").encode(),
        stdout=subprocess.PIPE,
        env=environment_of_children(),
    )
    if done.returncode:
        raise EvaluationError(f"the process that rehearses the search once more has failed (exit status {done.returncode}).")
    values = values_in_json(done.stdout.decode())
    phases = tuple(Phase(**phase) for phase in values.pop("phases"))
    del values["env_steps"]  # the sum of those of the phases
    return Estimate(**values, phases=phases)
