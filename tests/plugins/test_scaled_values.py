"""A critic that predicts values on another scale."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discover_zoo.returns.gae import GAE
from discover_zoo.returns.scaled_values import ScaledValues
from discover_zoo.returns.v_trace import VTrace

from discover import effective, replace
from discover.testing import check_return_function
from discover.testing.returns import example_segment

WIDE = np.asarray([-3e4, -50.0, -1.0, -1e-3, 0.0, 1e-4, 0.7, 12.0, 2e5], np.float32)


def test_the_squashing_of_the_paper_is_one_of_them() -> None:
    eps, x = 1e-2, WIDE.astype(np.float64)
    paper = np.sign(x) * (np.sqrt(np.abs(x) + 1.0) - 1.0) + eps * x
    y = paper
    back = np.sign(y) * (((np.sqrt(1.0 + 4.0 * eps * (np.abs(y) + 1.0 + eps)) - 1.0) / (2.0 * eps)) ** 2 - 1.0)
    returns = ScaledValues(returns=GAE(), scale=0.5, squash=1.0, slope=2.0 * eps)
    np.testing.assert_allclose(returns.scaled(jnp.asarray(WIDE)), paper, rtol=1e-5)
    np.testing.assert_allclose(returns.inverse(jnp.asarray(paper, jnp.float32)), back, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("scale", "squash", "slope"), [(1.0, 1.0, 0.0), (0.01, 0.3, 1.0), (100.0, 0.0, 0.2), (3.0, 0.0, 0.0)])
def test_the_inverse_takes_predictions_back(scale: float, squash: float, slope: float) -> None:
    returns = ScaledValues(returns=GAE(), scale=scale, squash=squash, slope=slope)
    np.testing.assert_allclose(returns.inverse(returns.scaled(jnp.asarray(WIDE))), WIDE, rtol=2e-5)


def test_targets_are_those_of_the_values_meant_and_advantages_stay_in_units_of_the_reward() -> None:
    segment = example_segment(jax.random.key(1))
    for inside in (GAE(gamma=0.9, lam=0.7), VTrace(gamma=0.9)):
        returns = ScaledValues(returns=inside, scale=2.0, squash=0.5, slope=0.1)
        predicted = segment._replace(value=returns.scaled(segment.value), next_value=returns.scaled(segment.next_value))
        plain, scaled = inside(segment), returns(predicted)
        np.testing.assert_allclose(scaled.advantage, plain.advantage, atol=1e-5)
        np.testing.assert_allclose(scaled.value, returns.scaled(plain.value), atol=1e-5)


def test_by_default_it_is_the_return_function_inside_to_the_bit() -> None:
    returns, segment = ScaledValues(returns=GAE()), example_segment(jax.random.key(1))
    for mine, theirs in zip(returns(segment), GAE()(segment), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert repr(effective(returns)) == repr(GAE())
    assert repr(effective(replace(returns, {"squash": 0.5}))) != repr(GAE())


def test_it_is_a_return_function_where_it_bends() -> None:
    check_return_function(ScaledValues(returns=GAE(), squash=0.7, slope=0.1))
