"""The squashed Gaussian is a density on its bounds, also at its far ends; the divergence of Gaussians is its integral."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from discover import (
    JOINT,
    Continuous,
    Discrete,
    Factored,
    Gaussian,
    Head,
    Joint,
    MultiDiscrete,
    Spec,
    TanhGaussian,
    policy_heads,
)
from discover.contract.distributions import Categorical, policy_of

LOW, HIGH = jnp.asarray([-2.0]), jnp.asarray([3.0])
CASES = [(0.0, 0.0), (0.7, -1.5), (-1.5, 0.4)]


@pytest.mark.parametrize(("mean", "log_std"), CASES)
def test_its_density_integrates_to_one_and_to_the_mean_of_its_samples(mean: float, log_std: float) -> None:
    policy = TanhGaussian(jnp.asarray([mean]), jnp.asarray([log_std]), LOW, HIGH)
    edges = np.linspace(-2.0, 3.0, 400_001)
    middles = jnp.asarray((edges[:-1] + edges[1:]) / 2, jnp.float32)
    density = np.exp(np.asarray(jax.jit(policy.log_prob)(middles[:, None]), np.float64)) * (edges[1] - edges[0])
    assert density.sum() == pytest.approx(1.0, abs=2e-3)
    wide = TanhGaussian(jnp.full((100_000, 1), mean), jnp.asarray([log_std]), LOW, HIGH)
    samples = np.asarray(wide.sample(jax.random.key(0)))
    assert (density * np.asarray(middles)).sum() == pytest.approx(samples.mean(), abs=0.02)


def test_samples_lie_within_bounds_and_know_their_log_probability() -> None:
    key = jax.random.key(1)
    low, high = jnp.asarray([-1.0, 0.0, -5.0]), jnp.asarray([1.0, 10.0, 5.0])
    policy = TanhGaussian(jax.random.normal(key, (50, 3)), jnp.full((50, 3), -0.5), low, high)
    action, log_prob = policy.sample_and_log_prob(key)
    assert log_prob.shape == (50,)
    assert np.all((action >= low) & (action <= high))
    np.testing.assert_allclose(policy.log_prob(action), log_prob, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(policy.mode(), 0.5 * (low + high) + 0.5 * (high - low) * np.tanh(policy.mean), rtol=1e-5)


@pytest.mark.parametrize("mean", [-60.0, 60.0])
def test_log_probabilities_and_slopes_stay_finite_where_tanh_is_flat(mean: float) -> None:
    def log_prob(mean: jax.Array) -> jax.Array:
        return TanhGaussian(mean, jnp.asarray([0.0]), LOW, HIGH).sample_and_log_prob(jax.random.key(0))[1]

    value, slope = jax.value_and_grad(log_prob)(jnp.asarray([mean]))
    assert value == pytest.approx(120.0, rel=0.1)  # minus log of the slope of tanh, 2 * 60, but for a few units
    assert slope[0] == pytest.approx(2.0 * np.sign(mean), rel=1e-3)


def test_a_gaussian_has_the_density_entropy_and_samples_of_its_numbers() -> None:
    mean, log_std = np.asarray([0.5, -1.0]), np.asarray([-0.7, 0.3])
    policy = Gaussian(jnp.asarray(mean), jnp.asarray(log_std))
    action = np.asarray([[0.4, -1.5], [2.0, 0.0]])
    each = np.exp(-0.5 * ((action - mean) / np.exp(log_std)) ** 2) / (np.exp(log_std) * np.sqrt(2 * np.pi))
    np.testing.assert_allclose(policy.log_prob(jnp.asarray(action)), np.log(each).sum(-1), rtol=1e-5)
    np.testing.assert_allclose(policy.entropy(), np.sum(log_std + 0.5 * (1 + np.log(2 * np.pi))), rtol=1e-5)
    many = Gaussian(jnp.broadcast_to(mean, (50_000, 2)).astype(jnp.float32), jnp.asarray(log_std, jnp.float32))
    samples = np.asarray(many.sample(jax.random.key(0)))
    np.testing.assert_allclose(samples.mean(0), mean, atol=5 * np.exp(log_std).max() / np.sqrt(50_000))
    np.testing.assert_allclose(samples.std(0), np.exp(log_std), rtol=0.02)
    assert many.entropy().shape == (50_000,)
    np.testing.assert_array_equal(policy.mode(), policy.mean)


def test_a_categorical_has_the_probabilities_of_its_logits() -> None:
    p = np.asarray([[0.2, 0.5, 0.3], [0.7, 0.1, 0.2]])
    policy = Categorical(jnp.log(jnp.asarray(p, jnp.float32)) + 3.0)
    np.testing.assert_allclose(policy.log_prob(jnp.asarray([2, 0])), np.log([0.3, 0.7]), rtol=1e-5)
    np.testing.assert_allclose(policy.entropy(), -(p * np.log(p)).sum(-1), rtol=1e-5)
    np.testing.assert_array_equal(policy.mode(), [1, 0])
    other = Categorical(jnp.log(jnp.asarray(p[::-1].copy(), jnp.float32)))
    np.testing.assert_allclose(policy.kl(other), (p * np.log(p / p[::-1])).sum(-1), rtol=1e-5)
    drawn = jax.vmap(policy.sample)(jax.random.split(jax.random.key(0), 20_000))
    shares = np.stack([(np.asarray(drawn) == a).mean(0) for a in range(3)], axis=-1)
    np.testing.assert_allclose(shares, p, atol=0.02)


FACTORS = (3, 2, 4)


def probabilities(seed: int) -> list[np.ndarray]:
    """Those of each of three choices, for two states."""
    drawn = np.random.default_rng(seed)
    return [drawn.dirichlet(np.ones(options), 2) for options in FACTORS]


def factored(seed: int) -> Factored:
    return Factored(tuple(jnp.log(jnp.asarray(p, jnp.float32)) - 1.0 for p in probabilities(seed)))


def table(seed: int) -> np.ndarray:
    """The probabilities ``[2, 24]`` of all combinations, the last choice fastest."""
    return np.einsum("bi,bj,bk->bijk", *probabilities(seed)).reshape(2, -1)


def shares_of(drawn: np.ndarray) -> np.ndarray:
    """The share ``[2, 24]`` of each combination in actions ``[N, 2, 3]``."""
    return np.stack([np.mean(np.all(drawn == action, axis=-1), axis=0) for action in ACTIONS], axis=-1)


ACTIONS = np.stack(np.unravel_index(np.arange(24), FACTORS), axis=-1)


def test_independent_choices_have_the_numbers_of_their_joint_distribution() -> None:
    policy, p, q = factored(0), table(0), table(1)
    both = jnp.asarray(ACTIONS)[:, None]  # every action, in both states
    np.testing.assert_allclose(policy.log_prob(jnp.broadcast_to(both, (24, 2, 3))).T, np.log(p), rtol=1e-5)
    np.testing.assert_allclose(policy.joint(), np.log(p), rtol=1e-5)
    np.testing.assert_allclose(policy.entropy(), -(p * np.log(p)).sum(-1), rtol=1e-5)
    np.testing.assert_allclose(policy.kl(factored(1)), (p * np.log(p / q)).sum(-1), rtol=1e-5)
    np.testing.assert_array_equal(policy.mode(), ACTIONS[p.argmax(-1)])
    drawn = np.asarray(jax.jit(jax.vmap(policy.sample))(jax.random.split(jax.random.key(0), 50_000)))
    assert drawn.shape == (50_000, 2, 3)
    assert drawn.dtype == np.int32
    np.testing.assert_allclose(shares_of(drawn), p, atol=0.01)


def test_choices_that_depend_on_each_other_are_a_table_over_all_combinations() -> None:
    p, q = (0.3 * table(0) + 0.7 * table(2)), table(1)
    policy, other = (Joint(jnp.log(jnp.asarray(each, jnp.float32)), jnp.asarray(ACTIONS)) for each in (p, q))
    both = jnp.broadcast_to(jnp.asarray(ACTIONS)[:, None], (24, 2, 3))
    np.testing.assert_allclose(policy.log_prob(both).T, np.log(p), rtol=1e-4)
    np.testing.assert_allclose(policy.entropy(), -(p * np.log(p)).sum(-1), rtol=1e-5)
    np.testing.assert_allclose(policy.kl(other), (p * np.log(p / q)).sum(-1), rtol=1e-5)
    np.testing.assert_array_equal(policy.mode(), ACTIONS[p.argmax(-1)])
    drawn = np.asarray(jax.jit(jax.vmap(policy.sample))(jax.random.split(jax.random.key(0), 50_000)))
    np.testing.assert_allclose(shares_of(drawn), p, atol=0.01)


def test_slopes_of_independent_choices_are_finite_with_impossible_options() -> None:
    def total(logits: jax.Array) -> jax.Array:
        policy = Factored((logits, jnp.zeros(2)))
        return policy.log_prob(jnp.asarray([0, 1])) + policy.entropy() + policy.kl(Factored((logits + 1.0, jnp.ones(2))))

    slope = jax.grad(total)(jnp.asarray([0.5, -jnp.inf, 0.2]))
    assert np.all(np.isfinite(slope))
    assert slope[1] == 0.0


def test_a_policy_begins_almost_even_whatever_is_seen() -> None:
    discrete, real = Spec((3,), Discrete(4)), Spec((3,), Continuous((-1.0, -1.0), (1.0, 1.0)))
    assert policy_heads(discrete) == {"policy": Head((4,), mix="distribution", gain=0.01)}
    assert policy_heads(real) == {"policy": Head((2,), gain=0.01), "log_std": Head((2,), form="constant", gain=0.0)}
    outputs = {"policy": jnp.zeros(2), "log_std": jnp.ones(2)}
    discretely, really = policy_of(discrete, outputs), policy_of(real, outputs)
    assert isinstance(discretely, Categorical)
    assert isinstance(really, Gaussian)
    np.testing.assert_array_equal([discretely.logits, *really], [outputs["policy"], outputs["policy"], outputs["log_std"]])
    several = Spec((3,), MultiDiscrete((2, 3)))
    assert policy_heads(several) == {"policy": Head((5,), mix="distribution", gain=0.01, factors=(2, 3))}
    choices = policy_of(several, {"policy": jnp.arange(5.0)})
    assert isinstance(choices, Factored)
    np.testing.assert_array_equal(jnp.concatenate(choices.logits), jnp.arange(5.0))
    joint = policy_of(several, {"policy": jnp.arange(5.0), JOINT: jnp.arange(6.0)})
    assert isinstance(joint, Joint)
    np.testing.assert_array_equal(joint.actions, [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]])


def test_an_action_on_its_bound_counts_as_a_millionth_of_the_reach_inside() -> None:
    policy = TanhGaussian(jnp.zeros(1), jnp.zeros(1), LOW, HIGH)
    inner = np.arctanh(1 - 1e-6)
    expected = -0.5 * inner**2 - 0.5 * np.log(2 * np.pi) - np.log(2.5 * 2e-6)
    for bound in (LOW, HIGH, LOW - 1.0):
        np.testing.assert_allclose(policy.log_prob(bound), expected, rtol=0.01)


def test_the_divergence_of_two_gaussians_is_its_integral() -> None:
    x = np.linspace(-20.0, 20.0, 200_001)
    old, new = Gaussian(jnp.asarray([0.5]), jnp.asarray([0.2])), Gaussian(jnp.asarray([-0.3]), jnp.asarray([-0.4]))

    def log_density(mean: float, log_std: float) -> np.ndarray:
        return -0.5 * ((x - mean) / np.exp(log_std)) ** 2 - log_std - 0.5 * np.log(2.0 * np.pi)

    p, q = log_density(0.5, 0.2), log_density(-0.3, -0.4)
    expected = np.sum(np.exp(p) * (p - q)) * (x[1] - x[0])
    np.testing.assert_allclose(old.kl(new), expected, rtol=1e-5)
    np.testing.assert_allclose(new.kl(old), np.sum(np.exp(q) * (q - p)) * (x[1] - x[0]), rtol=1e-5)
    twice = Gaussian(jnp.asarray([0.5, 0.5]), jnp.asarray([0.2, 0.2])).kl(
        Gaussian(jnp.asarray([-0.3, 0.5]), jnp.asarray([-0.4, 0.2]))
    )
    np.testing.assert_allclose(twice, expected, rtol=1e-5)  # what is the same in both adds nothing
