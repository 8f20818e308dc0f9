"""The two toys with choices of ``experiments/mixed_spaces.py``, and what the hybrid of niches reaches on them."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import jax
import numpy as np
import pytest
from discover_zoo.strategies.niches import Niches

FOLDER = Path(__file__).parents[2] / "experiments"


@pytest.fixture(scope="module")
def experiment() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(str(FOLDER))
        yield importlib.import_module("mixed_spaces")


@pytest.fixture(scope="module")
def toys(experiment: ModuleType) -> ModuleType:
    del experiment  # which imports it
    return sys.modules["mixed_toys"]


def test_the_best_machine_has_the_best_value_and_the_worst_defaults(toys: ModuleType) -> None:
    toy = toys.toys()["toy 1"]
    assert toy.space.structures == 48
    valve = toys.Valve(gain=20.0)
    best = toys.Machine(head=toys.Stack(part=valve, depth=7), tail=valve, mode="fast")
    worth, value = toy.rate(toy.space.encode(best))
    np.testing.assert_allclose([worth, value], toy.best, atol=1e-4)
    plain = toys.Machine(head=toys.Stack(part=toys.Valve()), tail=toys.Valve(), mode="fast")
    _, at_defaults = toy.rate(toy.space.encode(plain))
    assert at_defaults == pytest.approx(2.3 - 5.0 * (0.75 + 2 * np.log10(20.0) / 4.0), abs=1e-3)


def test_the_best_of_256_structures_is_a_hair_better_than_the_second(toys: ModuleType) -> None:
    land, toy = toys.landscape(), toys.toys()["toy 2"]
    assert toy.space.structures == 256
    every = np.stack(np.meshgrid(*[np.arange(4)] * 4, indexing="ij"), axis=-1).reshape(-1, 4)
    worth = np.sort(np.asarray(toys.worth_of_places(land, every)))
    assert worth[-1] - worth[-2] == pytest.approx(0.013, abs=1e-3)
    assert worth[-1] == pytest.approx(toy.best, abs=1e-5)
    options = [toys.Option(a=float(land.a[p, i]), b=float(10.0 ** land.b[p, i])) for p, i in enumerate((1, 1, 3, 0))]
    genome = np.array(toy.space.start(jax.random.key(0)))
    for p, (name, option) in enumerate(zip(toys.PLACES, options, strict=True)):
        for gene in toy.space.genes:
            if gene.path == name:
                genome[gene.start : gene.start + gene.size] = np.eye(4)[(1, 1, 3, 0)[p]]
            elif gene.path.startswith(f"{name}.{(1, 1, 3, 0)[p]}."):
                genome[gene.start] = gene.domain.encode(getattr(option, gene.path[-1]))[0]
    np.testing.assert_allclose(toy.rate(genome), toy.best, atol=1e-4)


def test_without_optuna_its_row_is_refused_in_one_sentence(experiment: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(SystemExit, match=r"^the row 'Optuna TPE' needs Optuna: pip install optuna"):
        experiment.tpe(experiment.toys()["toy 1"])


@pytest.mark.slow
def test_niches_find_the_best_structure_and_its_numbers(experiment: ModuleType) -> None:
    """Of 20 seeds with noise 0.2. Which of the two best of toy 2 is found is luck: evaluations cannot tell them apart."""
    first, second = (experiment.search(Niches(), toy) for toy in experiment.toys().values())
    assert np.sum(first.gap < experiment.SAME) >= 16
    assert np.median(first.regret) <= 0.17
    assert np.sum(second.gap < experiment.HAIR) >= 15
    assert np.median(second.regret) <= 0.25
