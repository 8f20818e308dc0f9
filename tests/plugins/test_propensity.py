"""Importance weights are ratios of densities; their effective sample size says how far to stay."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discover_zoo.rules.propensity import fit_propensity, lost_share

OLD = jax.random.normal(jax.random.key(0), (50_000, 1))  # N(0, 1)
NEW = 1.0 + jax.random.normal(jax.random.key(1), (50_000, 1))  # N(1, 1)
AT = jnp.asarray([[0.0], [1.0]])


@pytest.mark.parametrize(
    ("weights", "lost"), [([1, 1, 1, 1], 0.0), ([4, 0, 0, 0], 0.75), ([2, 2, 0, 0], 0.5), ([0, 0, 0, 0], 1.0)]
)
def test_the_effective_sample_size_is_exact(weights: list[int], lost: float) -> None:
    assert float(lost_share(jnp.asarray(weights, jnp.float32))) == lost
    assert float(lost_share(jnp.asarray(weights, jnp.float32).reshape(2, 2))) == lost


def test_weights_of_two_gaussians_are_the_ratio_of_their_densities() -> None:
    """``exp(x - 0.5)``; the standard error of the log-odds is some 0.01 at this size."""
    model = fit_propensity(OLD, NEW, ridge=1e-6)
    np.testing.assert_allclose(model.log_odds(AT), [0.5, -0.5], atol=0.03)
    np.testing.assert_allclose(model.weights(AT, clip=5.0, least=0.0), [0.607, 1.649], rtol=0.03)


def test_classes_of_other_sizes_weigh_alike_and_features_in_other_units_are_the_same() -> None:
    whole, part = fit_propensity(OLD, NEW, ridge=1e-6), fit_propensity(OLD, NEW[:10_000], ridge=1e-6)
    np.testing.assert_allclose(part.log_odds(AT), whole.log_odds(AT), atol=0.06)
    scaled = fit_propensity(1e3 * OLD, 1e3 * NEW, ridge=0.1)
    np.testing.assert_allclose(scaled.log_odds(1e3 * AT), fit_propensity(OLD, NEW, ridge=0.1).log_odds(AT), atol=1e-3)


def test_weights_are_bounded_from_above_and_cut_off_below() -> None:
    model = fit_propensity(OLD, NEW, ridge=1e-6)
    weights = np.asarray(model.weights(jnp.asarray([[-5.0], [0.5], [9.0]]), clip=1.0, least=0.1))
    np.testing.assert_allclose(weights, [0.0, 1.0, np.e], atol=0.05)
    assert weights[0] == 0.0


def test_classes_that_do_not_overlap_give_finite_weights_and_no_features_give_one() -> None:
    apart = fit_propensity(OLD[:100] - 20.0, NEW[:100] + 20.0, ridge=0.01)
    assert np.isfinite(apart.log_odds(AT)).all()
    assert float(apart.log_odds(jnp.asarray([-20.0]))) > 1.0
    none = fit_propensity(jnp.zeros((5, 0)), jnp.zeros((7, 0)), ridge=0.01)
    np.testing.assert_allclose(none.weights(jnp.zeros((3, 0)), clip=1.0, least=0.1), 1.0, atol=1e-5)


def test_no_gradient_runs_through_the_regression() -> None:
    slope = jax.grad(lambda x: fit_propensity(x[:4], x[4:], ridge=0.1).log_odds(jnp.ones(1)))(OLD[:8])
    np.testing.assert_array_equal(slope, 0.0)
