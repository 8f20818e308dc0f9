"""Exploration bonuses are their equations: each is computed again by loops of NumPy."""

import math
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discover_zoo.bonuses.counts import CountBonus
from discover_zoo.bonuses.disagreement import Disagreement
from discover_zoo.bonuses.one_of_bonuses import OneOfBonuses
from discover_zoo.bonuses.rnd import RandomNetworkDistillation
from discover_zoo.networks.gru import GRU
from discover_zoo.optimizers.sgd import SGD
from plugins.batches import COLUMNS, KEY, NUMBERS, STEPS, batch, begun, updated

from discover import Continuous, Spec, UserError
from discover.contract.trajectory import Unscaled
from discover.testing.failures import same_bits
from discover.testing.small import Affine

# Counts ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("table", "bits", "offset"), [(5, 32, 0.0), (1000, 3, 2.0)])
def test_counts_are_those_of_a_table_that_is_filled_step_by_step(table: int, bits: int, offset: float) -> None:
    bonus = CountBonus(table=table, bits=bits, offset=offset, exponent=0.7)
    update, first = updated(bonus), begun(bonus)
    state = first
    planes, multipliers = np.asarray(first.projection, np.float64), [int(m) for m in np.asarray(first.multipliers)]
    counts = [0] * table
    for seed in range(2):
        steps = batch(seed)
        pay, state = update(state, steps)
        for step in range(STEPS):
            places = []
            for column in range(COLUMNS):
                seen = np.asarray(steps.next_observation, np.float64)[step, column]
                code = 0
                for bit in range(bits):
                    if planes[bit, :-1] @ seen + offset * planes[bit, -1] > 0.0:
                        code += multipliers[bit]
                places.append(code % 2**32 % table)
                counts[places[-1]] += 1
            for column, place in enumerate(places):
                assert float(pay[step, column]) == pytest.approx(counts[place] ** -0.7, rel=1e-5)
    np.testing.assert_array_equal(state.counts, counts)
    assert max(counts) > COLUMNS, "some states share a place"


def test_the_same_states_are_known_again_before_a_normalizer_and_not_after_one() -> None:
    steps = batch(0)
    before = Unscaled(steps.observation, steps.reward, steps.next_observation)
    moved = steps._replace(unscaled=before, next_observation=steps.next_observation - 4.0)
    twice = {}
    for source in ("original", "normalized"):
        bonus = CountBonus(observations=source)
        update = updated(bonus)
        twice[source] = np.asarray(update(update(begun(bonus), steps)[1], moved)[0])
    assert twice["original"].max() < 0.8, "every state came at least twice"
    assert twice["normalized"].mean() > twice["original"].mean()


def test_one_of_several_bonuses_pays_as_that_one_and_leaves_the_others_alone() -> None:
    options = (CountBonus(exponent=0.5), CountBonus(exponent=1.0, bits=2))
    either = OneOfBonuses(options=options, index=1)
    state = begun(either)
    pay, after = updated(either)(state, batch(0))
    alone, own = updated(options[1])(state[1], batch(0))
    assert same_bits(pay, alone)
    assert same_bits(after, (state[0], own))


# Random network distillation ------------------------------------------------------------------------------------------


def rescaled(x: np.ndarray, all_so_far: np.ndarray) -> np.ndarray:
    return np.clip((x - all_so_far.mean(0)) / np.sqrt(all_so_far.var(0) + 1e-8), -5.0, 5.0)


def paid(raw: np.ndarray, running: np.ndarray, sums: list[float], gamma: float) -> np.ndarray:
    """The raw bonus over the deviation of discounted sums, which are added to ``running`` and ``sums``."""
    for row in raw:
        for column, one in enumerate(row):
            running[column] = gamma * running[column] + one
            sums.append(running[column])
    return raw / math.sqrt(np.var(sums) + np.mean(sums) ** 2 / len(sums) + 1e-8)


def test_random_network_distillation_pays_the_rescaled_error_and_takes_a_step() -> None:
    bonus = RandomNetworkDistillation(
        target=Affine(), predictor=Affine(), optimizer=SGD(learning_rate=0.1), size=2, epochs=1, minibatches=1, gamma=0.9
    )
    update, state = updated(bonus), begun(bonus)
    target = jax.tree.map(np.asarray, state.target)["embedding"]
    seen, running, sums = np.zeros((0, NUMBERS)), np.zeros(COLUMNS), []
    for seed in range(2):
        steps, own = batch(seed), jax.tree.map(np.asarray, state.predictor.params)["embedding"]
        after = np.asarray(steps.next_observation).reshape(-1, NUMBERS)
        seen = np.concatenate([seen, after])
        o = rescaled(after, seen)
        wrong = o @ own["kernel"] + own["bias"] - o @ target["kernel"] - target["bias"]
        raw = np.mean(wrong**2, axis=1).reshape(STEPS, COLUMNS)
        pay, state = update(state, steps)
        np.testing.assert_allclose(pay, paid(raw, running, sums, 0.9), rtol=2e-4)
        slope = 2.0 * o.T @ wrong / wrong.size
        np.testing.assert_allclose(state.predictor.params["embedding"]["kernel"], own["kernel"] - 0.1 * slope, atol=1e-5)
    np.testing.assert_array_equal(state.target["embedding"]["kernel"], target["kernel"])


# Disagreement ---------------------------------------------------------------------------------------------------------


def test_disagreement_pays_the_variance_over_models() -> None:
    bonus = Disagreement(model=Affine(), optimizer=SGD(learning_rate=0.1), models=3, epochs=1, minibatches=1, gamma=0.9)
    state, steps = begun(bonus), batch(0)
    before, after = (np.asarray(x).reshape(-1, NUMBERS) for x in (steps.observation, steps.next_observation))
    inputs = np.concatenate([rescaled(before, after), np.eye(2)[np.asarray(steps.action).ravel()]], axis=1)
    models = jax.tree.map(np.asarray, state.models.params)["next"]
    guesses = np.stack([inputs @ models["kernel"][k] + models["bias"][k] for k in range(3)])
    raw = np.mean(np.mean((guesses - guesses.mean(0)) ** 2, axis=0), axis=1).reshape(STEPS, COLUMNS)
    pay, after_it = updated(bonus)(state, steps)
    np.testing.assert_allclose(pay, paid(raw, np.zeros(COLUMNS), [], 0.9), rtol=2e-4)
    wrong = guesses - rescaled(after, after)
    for k in range(3):
        slope = 2.0 * inputs.T @ wrong[k] / wrong[k].size
        np.testing.assert_allclose(after_it.models.params["next"]["kernel"][k], models["kernel"][k] - 0.1 * slope, atol=1e-5)


def test_one_model_alone_never_disagrees_and_is_refused() -> None:
    with pytest.raises(UserError, match="models of Disagreement must be a whole number of at least 2; got 1"):
        Disagreement(model=Affine(), optimizer=SGD(), models=1)


def test_a_network_with_a_memory_is_refused() -> None:
    world: Any = SimpleNamespace(spec=Spec((NUMBERS,), Continuous((-1.0,), (1.0,))), progress=jnp.zeros(()))
    with pytest.raises(UserError, match=r"^a bonus judges single transitions, and GRU has a memory"):
        Disagreement(model=GRU(), optimizer=SGD()).init(KEY, world, COLUMNS)
