"""A comparison in a file: every bit comes back, and what is damaged or newer is refused in a sentence."""

import dataclasses
import json
import zipfile
from pathlib import Path

import jax
import numpy as np
import pytest
from toys import plugins

from discover import Comparison, Executor, Space, TaskRun, UserError, save_comparison
from discover.config.build import algorithm_from, component_from, config_of
from discover.evaluation.compare import compare
from discover.evaluation.comparison_file import comparison_bytes, load_comparison, training_alone

REGISTRY = plugins().registry


@pytest.fixture(scope="module")
def compared() -> Comparison:
    executor = component_from(REGISTRY, Executor, "local", "executor")
    steep = {"recipe": "climb", "rule": {"toy_climb": {"slope": 2.0}}}
    candidates = {name: algorithm_from(REGISTRY, words) for name, words in (("first/one", "climb"), ("b", steep))}
    runs = [TaskRun("payday", 40), TaskRun("payday", 80)]
    return compare(REGISTRY, executor, candidates, runs, seeds=6, notes=("searched", ""))


def parts(comparison: Comparison) -> str:
    """All of a comparison as text; each number with all its digits."""
    with np.printoptions(threshold=10**9, floatmode="unique"):
        fields = {field.name: getattr(comparison, field.name) for field in dataclasses.fields(comparison)}
        fields["candidates"], fields["runs"] = tuple(comparison.candidates), tuple(comparison.runs)
        fields["notes"] = tuple(comparison.notes)
        fields["differences"] = list(comparison.differences)
        fields["trainings"] = {
            name: [vars(training) | {"algorithm": repr(training.algorithm)} for training in trainings]
            for name, trainings in comparison.trainings.items()
        }
        return repr(fields)


def test_a_comparison_comes_back_as_it_was(compared: Comparison, tmp_path: Path) -> None:
    again = load_comparison(save_comparison(tmp_path / "it.comparison", compared), REGISTRY)
    assert parts(again) == parts(compared)
    assert repr(again) == repr(compared)
    assert comparison_bytes(again) == comparison_bytes(compared)


def test_broken_seeds_come_back_too(compared: Comparison, tmp_path: Path) -> None:
    first = compared.trainings["b"][0]
    curves = np.where(np.arange(6)[:, None] == 2, np.nan, first.curves)
    broken = dataclasses.replace(first, curves=curves, interval=first.interval._replace(low=np.nan, estimate=np.nan))
    damaged = dataclasses.replace(compared, trainings={**compared.trainings, "b": [broken, compared.trainings["b"][1]]})
    again = load_comparison(save_comparison(tmp_path / "it.comparison", damaged), REGISTRY)
    assert parts(again) == parts(damaged)


def test_a_training_is_a_comparison_of_one(compared: Comparison, tmp_path: Path) -> None:
    alone = training_alone(compared.trainings["b"][1])
    again = load_comparison(save_comparison(tmp_path / "it.comparison", alone), REGISTRY)
    assert again.candidates == ("b",)
    np.testing.assert_array_equal(again.trainings["b"][0].curves, compared.trainings["b"][1].curves)
    assert again.trainings["b"][0].stream == "report 0"


def test_damage_is_named(compared: Comparison, tmp_path: Path) -> None:
    path = save_comparison(tmp_path / "it.comparison", compared)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="is damaged or cut short"):
        load_comparison(path, REGISTRY)
    with pytest.raises(UserError, match="does not exist: check the path"):
        load_comparison(tmp_path / "other.comparison", REGISTRY)
    with pytest.raises(UserError, match=r"is a folder: give the file itself, such as '.*report\.comparison' of a search"):
        load_comparison(tmp_path, REGISTRY)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 2}, "has format 2; this version reads 1: update discover-rl"),
        ({"trainings": []}, "is damaged .*a training is missing"),
        ({"candidates": {"first/one": {"candidate": "climb", "fingerprint": ""}}}, "has been altered"),
        ({"runs": "none"}, "is damaged"),
    ],
)
def test_other_content_is_refused(compared: Comparison, tmp_path: Path, change: dict[str, object], message: str) -> None:
    path = save_comparison(tmp_path / "it.comparison", compared)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members["comparison.json"] = json.dumps({**json.loads(members["comparison.json"]), **change}).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    with pytest.raises(UserError, match=message):
        load_comparison(path, REGISTRY)


def test_a_candidate_with_weights_comes_back(tmp_path: Path, compared: Comparison) -> None:
    space = Space(algorithm_from(REGISTRY, "lpo"))
    learned = space.decode(np.linspace(-1, 1, space.dimension, dtype=np.float32))
    training = dataclasses.replace(compared.trainings["b"][0], algorithm=learned, words=config_of(REGISTRY, learned))
    again = load_comparison(save_comparison(tmp_path / "it.comparison", training_alone(training)), REGISTRY)
    mine, theirs = (jax.tree.leaves(each) for each in (learned, again.trainings["b"][0].algorithm))
    assert sum(np.size(leaf) for leaf in mine) > 100
    for one, other in zip(mine, theirs, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_candidate_without_a_name_is_not_stored(compared: Comparison) -> None:
    nameless = dataclasses.replace(compared.trainings["b"][0], words=None)
    with pytest.raises(UserError, match="'b' has a component that is not registered"):
        comparison_bytes(training_alone(nameless))
