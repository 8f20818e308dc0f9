"""Which choice paid: effects equal those of direct loops, and a value counts only where it has an effect."""

from typing import Any

import numpy as np
import pytest
from scipy import stats
from toys import plugins

from discover import History, Space, Status
from discover.config.build import algorithm_from
from discover.outer_loop.history import columns_kept
from discover.reports.effects import effects_of
from discover.reports.genes import columns_of
from discover.reports.source import Population

REGISTRY = plugins().registry
WORDS: dict[str, Any] = {
    "recipe": "ppo",
    "rule": {
        "ppo": {
            "clip": "free",
            "returns": {"one_of_returns": {"index": "free", "options": [{"gae": {"lam": "free"}}, {"n_step": {"n": "free"}}]}},
            "epochs": {"choice": [1, 2, 4]},
        }
    },
}
SPACE = Space(algorithm_from(REGISTRY, WORDS))
GENERATIONS, MEMBERS = 8, 30


@pytest.fixture(scope="module")
def population() -> Population:
    """Fitness rises by generation, by 1 with the third option of ``epochs``, and with ``clip``; every tenth member breaks."""
    generator = np.random.default_rng(0)
    genomes = generator.normal(size=(GENERATIONS, MEMBERS, SPACE.dimension)).astype(np.float32)
    genes = {gene.path: gene for gene in SPACE.genes}
    epochs, clip = genes["rule.epochs"], genes["rule.clip"]
    third = genomes[:, :, epochs.start : epochs.start + 3].argmax(axis=-1) == 2
    fitness = 10.0 * np.arange(GENERATIONS)[:, None] + third + 0.5 * genomes[:, :, clip.start]
    fitness += 0.1 * generator.normal(size=fitness.shape)
    status = np.where(np.arange(MEMBERS) % 10 == 3, Status.ERROR, Status.OK)[None].repeat(GENERATIONS, axis=0)
    history = History(
        np.arange(GENERATIONS, dtype=np.int32),
        np.arange(GENERATIONS, dtype=np.int64),
        genomes[:, :, columns_kept(SPACE)],
        fitness.astype(np.float32),
        status.astype(np.int8),
    )
    return Population("it", history, SPACE)


def test_columns_are_what_the_members_decode_to(population: Population) -> None:
    columns = {column.path: column for column in columns_of(population)}
    assert set(columns) == {gene.path for gene in SPACE.genes}
    assert columns["rule.epochs"].options == ("1", "2", "4")
    assert columns["rule.returns.index"].options == ("GAE", "NStep")
    whole = np.zeros(SPACE.dimension, np.float32)
    whole[columns_kept(SPACE)] = population.history.genomes[2, 5]
    rule = SPACE.decode(whole).rule
    assert columns["rule.clip"].values[2, 5] == pytest.approx(float(rule.clip), rel=1e-6)
    assert columns["rule.returns.options.0.lam"].values[2, 5] == pytest.approx(float(rule.returns.options[0].lam), rel=1e-6)
    assert columns["rule.epochs"].options[columns["rule.epochs"].values[2, 5]] == str(rule.epochs)
    assert columns["rule.returns.index"].values[2, 5] == int(rule.returns.index)


def test_a_number_in_an_option_that_is_not_taken_does_not_count(population: Population) -> None:
    columns = {column.path: column for column in columns_of(population)}
    taken = columns["rule.returns.index"].values
    np.testing.assert_array_equal(columns["rule.returns.options.0.lam"].active, taken == 0)
    np.testing.assert_array_equal(columns["rule.returns.options.1.n"].active, taken == 1)
    assert columns["rule.clip"].active.all()


def test_an_effect_is_the_mean_difference_from_the_generation(population: Population) -> None:
    effect = next(each for each in effects_of(population).effects if each.path == "rule.epochs")
    history = population.history
    column = next(each for each in columns_of(population) if each.path == "rule.epochs")
    for option, level in enumerate(effect.levels):
        differences, members = [], 0
        for g in range(GENERATIONS):
            sound = [m for m in range(MEMBERS) if history.status[g, m] == 0]
            everyone = sum(float(history.fitness[g, m]) for m in sound) / len(sound)
            own = [float(history.fitness[g, m]) for m in sound if column.values[g, m] == option]
            members += len(own)
            differences.append(sum(own) / len(own) - everyone)
        assert level.members == members
        assert level.effect.estimate == pytest.approx(np.mean(differences), abs=1e-4)
        low, high = stats.t.interval(0.95, GENERATIONS - 1, np.mean(differences), stats.sem(differences))
        assert (level.effect.low, level.effect.high) == pytest.approx((low, high), abs=1e-4)
    assert effect.levels[2].effect.estimate > 0.5 > 0 > effect.levels[0].effect.estimate


def test_what_is_explained_is_omega_squared_of_an_analysis_of_variance(population: Population) -> None:
    effects = effects_of(population).effects
    history = population.history
    sound = history.status == 0
    means = np.array([history.fitness[g][sound[g]].mean() for g in range(GENERATIONS)])
    centered = history.fitness - means[:, None]
    for effect in effects[:2]:
        if effect.number:
            continue
        values = next(each for each in columns_of(population) if each.path == effect.path).values
        groups = [centered[sound & (values == option)] for option in range(len(effect.levels))]
        f, count = stats.f_oneway(*groups).statistic, sum(map(len, groups))
        k = len(groups) - 1
        assert effect.explained == pytest.approx(k * (f - 1) / (k * (f - 1) + count), abs=1e-4)
    assert {effect.path for effect in effects[:2]} == {"rule.epochs", "rule.clip"}
    assert all(effect.explained < 0.1 for effect in effects[2:])


def test_the_trend_is_spearmans_correlation_within_generations(population: Population) -> None:
    effect = next(each for each in effects_of(population).effects if each.path == "rule.clip")
    values = next(each for each in columns_of(population) if each.path == "rule.clip").values
    history, by_generation = population.history, []
    for g in range(GENERATIONS):
        sound = history.status[g] == 0
        by_generation.append(stats.spearmanr(values[g][sound], history.fitness[g][sound])[0])
    assert effect.trend is not None
    assert effect.trend.estimate == pytest.approx(np.mean(by_generation), abs=1e-6)
    assert sum(level.members for level in effect.levels) == int((history.status == 0).sum())


def test_broken_members_are_counted_apart(population: Population) -> None:
    effect = next(each for each in effects_of(population).effects if each.path == "rule.epochs")
    column = next(each for each in columns_of(population) if each.path == "rule.epochs")
    broken = population.history.status != 0
    for option, level in enumerate(effect.levels):
        having = column.values == option
        assert level.broken == pytest.approx((having & broken).sum() / having.sum())
        assert level.early == pytest.approx(having[:2].mean())
        assert level.late == pytest.approx(having[-2:].mean())
