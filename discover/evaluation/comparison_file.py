"""Comparisons on disk: one zip file of ``comparison.json`` and arrays. Data only: nothing in it is ever executed.

The JSON holds names, verdicts and the candidates as in a config; every number of the results is in an array, bit by bit. A
training is stored as a comparison of one candidate.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from discover.base.errors import UserError
from discover.base.statistics import Interval
from discover.config.build import algorithm_from
from discover.config.candidate_file import fingerprint, with_arrays, without_arrays
from discover.contract.algorithm import Algorithm
from discover.contract.events import TaskRun
from discover.contract.registry import Registry
from discover.contract.results import Comparison, Difference, SuiteDifference, Training
from discover.storage.array_file import write_atomically
from discover.storage.files import is_file
from discover.storage.json_text import values_in_json
from discover.storage.zip_archive import array_in, damage, members_of, zip_of

FORMAT = 1
REPORT_FILE = "report.comparison"
"""The file of a comparison in the directory of a search and among the artifacts of a tracked run."""

_TEXT = "comparison.json"
_ARRAYS = ("curves", "lengths", "returns", "status")
"""Attributes of a training that are arrays."""


def comparison_bytes(comparison: Comparison) -> bytes:
    """A comparison as the bytes of a file, which `load_comparison` reads.

    Args:
        comparison: the comparison; `training_alone` makes one of a training.

    Raises:
        UserError: a candidate has a component that is not registered, so that a file could not name it.
    """
    arrays: dict[str, np.ndarray] = {}
    candidates = {}
    for index, name in enumerate(comparison.candidates):
        if comparison.trainings[name][0].words is None:
            raise UserError(f"'{name}' has a component that is not registered, so that no file can name it: register it.")
        words, own = without_arrays(comparison.trainings[name][0].words, f"candidates/{index}")
        arrays |= own
        candidates[name] = {"candidate": words, "fingerprint": fingerprint(words, own)}
    trainings = []
    for index, name in enumerate(comparison.candidates):
        for run, training in enumerate(comparison.trainings[name]):
            place = f"trainings/{index}/{run}"
            arrays |= {f"{place}/{key}.npy": getattr(training, key) for key in _ARRAYS}
            arrays |= {f"{place}/info/{key}.npy": values for key, values in enumerate(training.info.values())}
            arrays[f"{place}/interval.npy"] = np.asarray(training.interval, np.float64)
            trainings.append(_training_facts(training, run))
    for index, difference in enumerate(comparison.differences):
        numbers = (*difference.interval, difference.p_value)
        arrays[f"differences/{index}.npy"] = np.asarray(numbers, np.float64)
    for index, each in enumerate(comparison.suite):
        arrays[f"suite/{index}.npy"] = np.asarray((*each.interval, each.p_value), np.float64)
    text = {
        "format": FORMAT,
        "candidates": candidates,
        "runs": [run._asdict() for run in comparison.runs],
        "notes": list(comparison.notes),
        "seen": list(comparison.seen),
        "trainings": trainings,
        "differences": [_difference_facts(each, comparison) for each in comparison.differences],
        "suite": [_suite_facts(each, comparison) for each in comparison.suite],
        "verdict": comparison.verdict,
        "provenance": _plain(comparison.provenance),
    }
    return zip_of(_TEXT, json.dumps(text, indent=1), arrays)


def save_comparison(path: Path, comparison: Comparison) -> Path:
    """Write a comparison to a file; its name customarily ends in ``.comparison``."""
    write_atomically(Path(path), comparison_bytes(comparison))
    return Path(path)


def load_comparison(path: Path, registry: Registry) -> Comparison:
    """Read a comparison that `save_comparison` wrote.

    Raises:
        UserError: missing, cut short, altered, of a newer format, or of components that no loaded plugin brings.
    """
    what = f"comparison file '{path}'"
    if not is_file(path, "comparison file"):
        if Path(path).is_dir():
            raise UserError(f"{what} is a folder: give the file itself, such as '{Path(path) / REPORT_FILE}' of a search.")
        raise UserError(f"{what} does not exist: check the path.")
    try:
        with Path(path).open("rb") as file:
            members = members_of(file)
        stored = values_in_json(members.pop(_TEXT).decode())
        arrays = {name: array_in(data) for name, data in members.items()}
    except Exception as error:  # damaged bytes make zipfile, zlib and numpy raise anything
        raise UserError(f"{what} is damaged or cut short ({damage(error)}): fetch it again.") from None
    if not isinstance(stored, dict) or stored.get("format") != FORMAT:
        version = stored.get("format") if isinstance(stored, dict) else None
        raise UserError(f"{what} has format {version!r}; this version reads {FORMAT}: update discover-rl.")
    try:
        return _comparison(stored, arrays, registry, what)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise UserError(f"{what} is damaged ({damage(error)}): fetch it again.") from None


def training_alone(training: Training) -> Comparison:
    """A comparison of one candidate on one run."""
    return Comparison(
        candidates=(training.name,),
        runs=(training.run,),
        notes=("",),
        trainings={training.name: (training,)},
        differences=(),
        verdict=f"{training.name} was trained alone: nothing to compare with.",
        provenance={key: value for key, value in training.provenance.items() if key != "executor"},
        facts=training.facts,
    )


def _training_facts(training: Training, run: int) -> dict[str, Any]:
    return {
        "candidate": training.name,
        "run": run,
        "info": list(training.info),
        "env_steps": training.env_steps,
        "seconds": training.seconds,
        "stream": training.stream,
        "references": training.references,
        "provenance": _plain(training.provenance),
    }


def _difference_facts(difference: Difference, comparison: Comparison) -> dict[str, Any]:
    return {
        "candidate": difference.candidate,
        "baseline": difference.baseline,
        "run": list(comparison.runs).index(difference.run),
        "verdict": difference.verdict,
    }


def _suite_facts(each: SuiteDifference, comparison: Comparison) -> dict[str, Any]:
    return {
        "candidate": each.candidate,
        "baseline": each.baseline,
        "runs": [list(comparison.runs).index(run) for run in each.runs],
        "verdict": each.verdict,
    }


def _comparison(stored: Mapping[str, Any], arrays: Mapping[str, np.ndarray], registry: Registry, what: str) -> Comparison:
    runs = tuple(TaskRun(str(run["task"]), int(run["steps"])) for run in stored["runs"])
    names = list(stored["candidates"])
    words = {name: _words(stored["candidates"][name], arrays, what) for name in names}
    algorithms = {name: algorithm_from(registry, words[name], f"{what}, candidate '{name}'") for name in names}
    trainings: dict[str, list[Training]] = {name: [] for name in names}
    for facts in stored["trainings"]:
        name = facts["candidate"]
        place = f"trainings/{names.index(name)}/{facts['run']}"
        training = _training(facts, runs[facts["run"]], arrays, place, algorithm=algorithms[name])
        trainings[name].append(dataclasses.replace(training, words=words[name]))
    if any([training.run for training in of_one] != list(runs) for of_one in trainings.values()):
        raise ValueError("a training is missing")
    return Comparison(
        candidates=tuple(names),
        runs=runs,
        notes=tuple(stored["notes"]),
        seen=tuple(map(str, stored.get("seen", ()))),
        trainings=trainings,
        differences=[
            _difference(facts, runs, arrays[f"differences/{index}.npy"]) for index, facts in enumerate(stored["differences"])
        ],
        suite=[
            _suite_difference(facts, runs, arrays[f"suite/{index}.npy"]) for index, facts in enumerate(stored.get("suite", ()))
        ],
        verdict=str(stored["verdict"]),
        provenance=stored["provenance"],
    )


def _words(stored: Mapping[str, Any], arrays: Mapping[str, np.ndarray], what: str) -> Any:
    """A candidate as in a config, with its arrays."""
    words = stored["candidate"]
    own = {name: arrays[name] for name in _arrays_named(words)}
    if fingerprint(words, own) != stored["fingerprint"]:
        raise UserError(f"{what} has been altered (the fingerprint of a candidate does not match): fetch it again.")
    return with_arrays(words, own, what)


def _training(
    facts: Mapping[str, Any], run: TaskRun, arrays: Mapping[str, np.ndarray], place: str, *, algorithm: Algorithm
) -> Training:
    whole = {key: arrays[f"{place}/{key}.npy"] for key in _ARRAYS}
    if len({len(array) for array in whole.values()}) != 1 or whole["curves"].ndim != 2:
        raise ValueError("arrays of a training differ in their number of seeds")
    return Training(
        name=str(facts["candidate"]),
        algorithm=algorithm,
        run=run,
        info={key: arrays[f"{place}/info/{index}.npy"] for index, key in enumerate(facts["info"])},
        interval=Interval(*map(float, arrays[f"{place}/interval.npy"])),
        env_steps=int(facts["env_steps"]),
        seconds=float(facts["seconds"]),
        stream=str(facts["stream"]),
        references=None if facts["references"] is None else (float(facts["references"][0]), float(facts["references"][1])),
        provenance=facts["provenance"],
        curves=whole["curves"],
        lengths=whole["lengths"],
        returns=whole["returns"],
        status=whole["status"],
    )


def _difference(facts: Mapping[str, Any], runs: tuple[TaskRun, ...], numbers: np.ndarray) -> Difference:
    low, estimate, high, p_value = map(float, numbers)
    return Difference(
        candidate=str(facts["candidate"]),
        baseline=str(facts["baseline"]),
        run=runs[facts["run"]],
        interval=Interval(low, estimate, high),
        p_value=p_value,
        verdict=str(facts["verdict"]),
    )


def _suite_difference(facts: Mapping[str, Any], runs: tuple[TaskRun, ...], numbers: np.ndarray) -> SuiteDifference:
    low, estimate, high, p_value = map(float, numbers)
    return SuiteDifference(
        candidate=str(facts["candidate"]),
        baseline=str(facts["baseline"]),
        runs=tuple(runs[place] for place in facts["runs"]),
        interval=Interval(low, estimate, high),
        p_value=p_value,
        verdict=str(facts["verdict"]),
    )


def _arrays_named(words: object) -> list[str]:
    """The names of the arrays that words refer to."""
    if isinstance(words, Mapping):
        inner = [name for value in words.values() for name in _arrays_named(value)]
        return [str(words["$array"])] if set(words) == {"$array"} else inner
    return [name for value in words for name in _arrays_named(value)] if isinstance(words, list) else []


def _plain(values: Mapping[str, Any]) -> Any:
    """Facts as JSON gives them back."""
    return json.loads(json.dumps(values, default=str))
