"""Agents on disk: one zip file of ``agent.json`` and arrays, which `numpy.load` reads too. Data only: nothing in it runs.

The arrays have their paths as names (``learned/params/heads/policy/output/kernel``).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from discover.base.errors import UserError
from discover.components.paths import check
from discover.config.build import algorithm_from, config_of, environment_from
from discover.config.candidate_file import fingerprint, with_arrays, without_arrays
from discover.config.candidates import FILES, is_address
from discover.contract.environment import Discrete, Environment, MultiDiscrete, Spec
from discover.contract.events import TaskRun
from discover.contract.registry import Registry
from discover.contract.results import Training
from discover.inner_loop.agents import Agent, Learned, learned_shapes
from discover.storage.array_file import write_atomically
from discover.storage.files import checked_path, is_file, new_folder, printable
from discover.storage.json_text import values_in_json
from discover.storage.zip_archive import array_in, damage, members_of, zip_of

FORMAT = 1
SUFFIX = ".agent"
_LARGEST = 2**31
_FACTS = "agent.json"
_LEARNED = "learned/"


def save_agent(path: Path, agent: Agent, registry: Registry) -> Path:
    """Write an agent.

    Args:
        path: where to; the suffix ``.agent`` is customary.
        agent: the agent.
        registry: gives components their names.

    Raises:
        UserError: a component is not registered, or the file cannot be written.
    """
    spec = environment_from(registry, agent.run.task).spec()
    words, arrays = without_arrays(config_of(registry, agent.algorithm), "candidate")
    arrays |= {f"{_LEARNED}{name}.npy": array for name, array in _by_path(agent.learned).items()}
    facts = {
        "name": agent.name,
        "candidate": words,
        "task": agent.run.task,
        "steps": agent.run.steps,
        "seed": agent.seed,
        "return": agent.trained_return if math.isfinite(agent.trained_return) else None,
        "spaces": _spaces(spec),
    }
    text = json.dumps({"format": FORMAT, "agent": facts, "fingerprint": fingerprint(facts, arrays)}, indent=2)
    write_atomically(path, zip_of(_FACTS, text, arrays))
    return path


def load_agent(path: Path, registry: Registry, task: str | None = None) -> tuple[Agent, Environment]:
    """Read an agent that `save_agent` wrote, for a task.

    Args:
        path: the file.
        registry: has its components and its task.
        task: the task to act in; by default the one that the agent was trained on.

    Returns:
        The agent, and the task family.

    Raises:
        UserError: the file is missing, damaged or altered, the task is unknown, or it has other observations or actions than
            the agent was trained on.
    """
    if registry.has("recipe", str(path)) and not path.exists():
        raise UserError(not_an_agent(printable(path)))
    facts, arrays = _read(path)
    what = f"agent file '{path}'"
    environment = environment_from(registry, task or facts["task"], "task" if task else what)
    if _spaces(environment.spec()) != facts["spaces"]:
        raise UserError(
            f"{what} was trained on '{facts['task']}' ({_described(facts['spaces'])}), but '{task or facts['task']}' has "
            f"{_described(_spaces(environment.spec()))}: choose a task with the same observations and actions."
        )
    algorithm = algorithm_from(registry, with_arrays(facts["candidate"], arrays, what), what)
    check(algorithm)
    learned = _restored(learned_shapes(algorithm, environment), arrays, what)
    run = TaskRun(facts["task"], facts["steps"])
    trained = math.nan if facts["return"] is None else facts["return"]
    return Agent(facts["name"], algorithm, run, facts["seed"], trained_return=trained, learned=learned), environment


def save_agents(folder: Path, registry: Registry, training: Training, learned: Sequence[Learned]) -> list[Path]:
    """Write the agents of a training, a file per seed: ``seed-0.agent``, ``seed-1.agent``, ...

    Args:
        folder: where to.
        registry: gives components their names.
        training: the training.
        learned: the arrays of each seed's agent.
    """
    new_folder(folder, "agents folder")
    paths = []
    for seed, arrays in enumerate(learned):
        trained = float(training.returns[seed])
        agent = Agent(training.name, training.algorithm, training.run, seed, trained_return=trained, learned=arrays)
        paths.append(save_agent(folder / f"seed-{seed}{SUFFIX}", agent, registry))
    return paths


def agent_files(path: Path) -> list[Path]:
    """The agent files that a path stands for: a file itself, or all those in a folder, by the number of their seed.

    Raises:
        UserError: there is none.
    """
    if not checked_path(path, "agent file").is_dir():
        return [path]
    files = sorted(path.glob(f"*{SUFFIX}"), key=lambda file: (len(file.name), file.name))
    if not files:
        raise UserError(f"the folder '{path}' holds no agent: give a folder that discover train --agents wrote.")
    return files


def not_an_agent(shown: str) -> str:
    """The sentence about a candidate where an agent is asked for."""
    return (
        f"'{shown}' is a candidate, not a trained agent: train it with 'discover train {shown} --task ID --agents DIR', and "
        "evaluate DIR."
    )


def _read(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """The facts and the arrays of an agent file."""
    if is_address(str(path)) or path.suffix in FILES:
        raise UserError(not_an_agent(printable(path)))
    if not is_file(path, "agent file"):
        raise UserError(f"agent file '{path}' does not exist: check the path (discover train --agents DIR writes them).")
    try:
        with path.open("rb") as file:
            members = members_of(file, _LARGEST)
        stored = values_in_json(members[_FACTS].decode())
        arrays = {name: array_in(data) for name, data in members.items() if name.endswith(".npy")}
        version, facts, mark = stored["format"], stored["agent"], stored["fingerprint"]
    except Exception as error:  # damaged bytes make zipfile, zlib and numpy raise anything
        raise UserError(f"agent file '{path}' is damaged or no agent ({damage(error)}): train the agent again.") from None
    if version != FORMAT:
        raise UserError(f"agent file '{path}' has format {version!r}; this version reads {FORMAT}: update discover-rl.")
    if fingerprint(facts, arrays) != mark:
        raise UserError(f"agent file '{path}' has been altered (its fingerprint does not match): fetch or train it again.")
    return facts, arrays


def _restored(template: Learned, arrays: Mapping[str, np.ndarray], what: str) -> Learned:
    """The arrays in the structure, and with the shapes, that acting needs."""
    leaves = []
    for name, shape in _by_path(template).items():
        array = arrays.get(f"{_LEARNED}{name}.npy")
        if array is None or array.shape != shape.shape or array.dtype != shape.dtype:
            held = "nothing" if array is None else f"{array.dtype} {list(array.shape)}"
            raise UserError(
                f"{what} holds {held} where its candidate needs '{name}' as {shape.dtype} {list(shape.shape)}: train it again."
            )
        leaves.append(array)
    return jax.tree.unflatten(jax.tree.structure(template), leaves)


def _by_path(tree: Learned) -> dict[str, Any]:
    flat = jax.tree_util.tree_leaves_with_path(tree)
    return {jax.tree_util.keystr(path, simple=True, separator="/"): leaf for path, leaf in flat}


def _spaces(spec: Spec) -> dict[str, Any]:
    """A spec as JSON."""
    shape = list(spec.observation_shape)
    if isinstance(spec.action, Discrete):
        return {"observation": shape, "actions": spec.action.n}
    if isinstance(spec.action, MultiDiscrete):
        return {"observation": shape, "factors": list(spec.action.factors)}
    return {"observation": shape, "low": list(spec.action.low), "high": list(spec.action.high)}


def _described(spaces: Mapping[str, Any]) -> str:
    if "actions" in spaces:
        return f"observations {spaces['observation']}, {spaces['actions']} actions"
    if "factors" in spaces:
        return f"observations {spaces['observation']}, choices at once with {spaces['factors']} options"
    return f"observations {spaces['observation']}, real actions from {spaces['low']} to {spaces['high']}"
