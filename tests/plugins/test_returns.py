"""Return functions agree with published arrays and with their forward-looking definitions, summed term by term."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discover_zoo.returns.gae import GAE
from discover_zoo.returns.lambda_return import LambdaReturn
from discover_zoo.returns.monte_carlo import MonteCarlo
from discover_zoo.returns.n_step import NStep
from discover_zoo.returns.one_of_returns import OneOfReturns

from discover import Registry, ReturnFunction, Segment, Targets, UserError, get, replace
from discover.components.component import fields
from discover.components.number_domains import RealDomain
from discover.config.build import component_from

GAMMA, LAM = 0.9, 0.8
VALUE = np.asarray([0.5, 1.0, -0.5, 0.2])
FUNCTIONS: dict[str, ReturnFunction] = {
    "gae": GAE(gamma=GAMMA, lam=LAM),
    "lambda_return": LambdaReturn(gamma=GAMMA, lam=LAM),
    "monte_carlo": MonteCarlo(gamma=GAMMA),
    "two_step": NStep(gamma=GAMMA, n=2),
}
compute = jax.jit(lambda function, segment: function(segment))


def segment_of(reward, value, next_value, terminated=(), truncated=()) -> Segment:
    """A segment of ``[T]`` or ``[T, B]`` arrays; endings as lists of steps or as boolean arrays."""
    reward = np.asarray(reward, np.float32)

    def mask(steps) -> np.ndarray:
        if isinstance(steps, np.ndarray):
            return steps
        made = np.zeros(reward.shape, bool)
        made[list(steps)] = True
        return made

    arrays = (reward, value, next_value, mask(terminated), mask(truncated), np.zeros_like(reward), np.zeros_like(reward))
    columns = [jnp.asarray(np.asarray(a).reshape(len(reward), -1)) for a in arrays]
    return Segment(*(c if c.dtype == bool else c.astype(jnp.float32) for c in columns))


def fixture(terminated=(), truncated=(), next_value=(1.0, -0.5, 0.2, 0.8)) -> Segment:
    """FIX-A: r = [1, 0, -1, 2], v = [.5, 1, -.5, .2 | .8], gamma = .9."""
    return segment_of([1.0, 0.0, -1.0, 2.0], VALUE, list(next_value), terminated, truncated)


# The definitions, forward in time, one column [T] at a time -------------------------------------------------------------


def n_step_sum(s: Segment, t: int, n: int, gamma: float) -> float:
    """Rewards of at most n steps, then the value of the true state reached, unless the episode terminated there."""
    total, discount, follows = 0.0, 1.0, 0.0
    for i in range(t, min(t + n, len(s.reward))):
        total += discount * float(s.reward[i])
        if s.terminated[i]:
            return total
        discount, follows = discount * gamma, float(s.next_value[i])
        if s.truncated[i]:
            break
    return total + discount * follows


def lambda_sum(s: Segment, t: int, gamma: float, lam: float) -> float:
    """``(1 - lam) * sum_n lam^(n - 1) * G^(n) + lam^(N - 1) * G^(N)``."""
    longest = len(s.reward) - t
    mixed = sum((1 - lam) * lam ** (n - 1) * n_step_sum(s, t, n, gamma) for n in range(1, longest))
    return mixed + lam ** (longest - 1) * n_step_sum(s, t, longest, gamma)


def gae_sum(s: Segment, t: int, gamma: float, lam: float) -> float:
    """``sum_k (gamma * lam)^k * delta_{t + k}`` to the end of the episode."""
    total = 0.0
    for k in range(len(s.reward) - t):
        i = t + k
        follows = 0.0 if s.terminated[i] else gamma * float(s.next_value[i])
        total += (gamma * lam) ** k * (float(s.reward[i]) + follows - float(s.value[i]))
        if s.terminated[i] or s.truncated[i]:
            break
    return total


DEFINITIONS: dict[str, Callable[[Segment, int], float]] = {
    "gae": lambda s, t: gae_sum(s, t, GAMMA, LAM) + float(s.value[t]),
    "lambda_return": lambda s, t: lambda_sum(s, t, GAMMA, LAM),
    "monte_carlo": lambda s, t: n_step_sum(s, t, len(s.reward), GAMMA),
    "two_step": lambda s, t: n_step_sum(s, t, 2, GAMMA),
}


def by_definition(definition: Callable[[Segment, int], float], segment: Segment) -> np.ndarray:
    """Targets ``[T, B]`` from a definition of one target of one column."""
    columns = [jax.tree.map(lambda x, b=b: np.asarray(x)[:, b], segment) for b in range(segment.reward.shape[1])]
    return np.asarray([[definition(c, t) for c in columns] for t in range(segment.reward.shape[0])])


def random_segment(steps: int = 40, columns: int = 6) -> Segment:
    """Random rewards and values with many endings; where an episode ends, the next row's value belongs to another one."""
    random = np.random.default_rng(0)
    reward, value, next_value = random.normal(size=(3, steps, columns))
    ending = random.choice([0, 1, 2], p=[0.8, 0.1, 0.1], size=(steps, columns))
    next_value[:-1] = np.where(ending[:-1] > 0, next_value[:-1], value[1:])
    assert (ending == 1).any()
    assert (ending == 2).any()
    return segment_of(reward, value, next_value, ending == 1, ending == 2)


# Tests ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("monte_carlo", [2.17288, 1.3032, 1.448, 2.72]),
        ("two_step", [0.595, -0.738, 1.448, 2.72]),
        ("lambda_return", [1.630697, 0.625968, 0.9944, 2.72]),
    ],
)
def test_value_targets_are_those_of_the_fixture(name: str, expected: list[float]) -> None:
    targets = compute(FUNCTIONS[name], fixture())
    np.testing.assert_allclose(targets.value[:, 0], expected, atol=1e-5)
    np.testing.assert_allclose(targets.advantage[:, 0], np.subtract(expected, VALUE), atol=1e-5)


@pytest.mark.parametrize(
    ("terminated", "expected"), [((), [1.130697, -0.374032, 1.4944, 2.52]), ((1,), [0.68, -1.0, 1.4944, 2.52])]
)
def test_advantages_are_those_of_the_fixture(terminated: tuple[int, ...], expected: list[float]) -> None:
    targets = compute(FUNCTIONS["gae"], fixture(terminated))
    np.testing.assert_allclose(targets.advantage[:, 0], expected, atol=1e-5)
    np.testing.assert_allclose(targets.value[:, 0], np.add(expected, VALUE), atol=1e-5)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize(
    ("terminated", "truncated", "next_value"),
    [
        ((), (), (1.0, -0.5, 0.2, 0.8)),
        ((1,), (), (1.0, -0.5, 0.2, 0.8)),
        ((), (1,), (1.0, 0.7, 0.2, 0.8)),
        ((0, 3), (2,), (1.0, -0.5, -3.0, 0.8)),
    ],
    ids=["no ending", "terminal inside", "truncation inside", "both"],
)
def test_the_fixture_with_endings_agrees_with_the_definition(name, terminated, truncated, next_value) -> None:
    segment = fixture(terminated, truncated, next_value)
    expected = by_definition(DEFINITIONS[name], segment)
    targets = compute(FUNCTIONS[name], segment)
    np.testing.assert_allclose(targets.value, expected, atol=1e-5)
    np.testing.assert_allclose(targets.advantage, expected - np.asarray(segment.value), atol=1e-5)


def test_a_truncation_bootstraps_from_the_true_next_value_and_cuts_what_follows() -> None:
    # after t = 1 comes a state of value .7; the next episode's first state has value -.5
    advantage = compute(FUNCTIONS["gae"], fixture(truncated=(1,), next_value=(1.0, 0.7, 0.2, 0.8))).advantage[:, 0]
    delta = np.asarray([1.0 + 0.9 * 1.0 - 0.5, 0.0 + 0.9 * 0.7 - 1.0])
    np.testing.assert_allclose(advantage, [delta[0] + 0.72 * delta[1], delta[1], 1.4944, 2.52], atol=1e-5)
    two_step = compute(FUNCTIONS["two_step"], fixture(truncated=(1,), next_value=(1.0, 0.7, 0.2, 0.8))).value[:, 0]
    np.testing.assert_allclose(two_step, [1.0 + 0.81 * 0.7, 0.9 * 0.7, 1.448, 2.72], atol=1e-5)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_random_segments_agree_with_the_definition(name: str) -> None:
    segment = random_segment()
    np.testing.assert_allclose(compute(FUNCTIONS[name], segment).value, by_definition(DEFINITIONS[name], segment), atol=2e-5)


def test_every_horizon_of_the_n_step_return_agrees_with_the_definition() -> None:
    segment, longest = random_segment(), 32
    horizons = jnp.arange(1, longest + 1, dtype=jnp.int32)
    got = jax.jit(jax.vmap(lambda n: NStep(gamma=GAMMA, n=n)(segment).value))(horizons)
    expected = [by_definition(lambda s, t, n=n: n_step_sum(s, t, n, GAMMA), segment) for n in range(1, longest + 1)]
    np.testing.assert_allclose(got, expected, atol=2e-5)


def test_a_horizon_beyond_the_longest_is_refused(registry: Registry) -> None:
    with pytest.raises(UserError, match=r"n_step\.n must lie in \[1, 32\]; got 33"):
        component_from(registry, ReturnFunction, {"n_step": {"n": 33}}, "returns")


def test_every_discount_is_searched_by_how_far_it_sees(registry: Registry) -> None:
    made = [entry.component for entry in registry.entries("return function") if entry.provenance.distribution == "discover-rl"]
    discounts = [field.domain for kind in made if kind for field in fields(kind) if field.name == "gamma"]
    assert len(discounts) == 7
    assert set(discounts) == {RealDomain(0.8, 0.9999, "log1m")}


def test_special_cases_of_lambda() -> None:
    segment = random_segment()
    gae, lambda_return = compute(FUNCTIONS["gae"], segment), compute(FUNCTIONS["lambda_return"], segment)
    for a, b in zip(gae, lambda_return, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    for lam, other in [(0.0, NStep(gamma=GAMMA, n=1)), (1.0, MonteCarlo(gamma=GAMMA))]:
        np.testing.assert_allclose(
            compute(LambdaReturn(gamma=GAMMA, lam=lam), segment).value, compute(other, segment).value, atol=1e-5
        )


def test_one_of_returns_is_its_option() -> None:
    segment, options = random_segment(), tuple(FUNCTIONS.values())
    index = jnp.arange(len(options), dtype=jnp.int32)
    switched = jax.jit(jax.vmap(lambda i: OneOfReturns(options=options, index=i)(segment)))(index)
    for i, option in enumerate(options):
        own: Targets = compute(option, segment)
        np.testing.assert_allclose(switched.value[i], own.value, atol=1e-6)
        np.testing.assert_allclose(switched.advantage[i], own.advantage, atol=1e-6)
    assert len({np.asarray(v).tobytes() for v in switched.value}) >= 3


@pytest.mark.parametrize(
    ("name", "path"),
    [(name, path) for name in FUNCTIONS for path in ("gamma", "lam") if hasattr(FUNCTIONS[name], path)],
)
def test_gradients_are_those_of_finite_differences_and_not_zero(name: str, path: str) -> None:
    function, segment = FUNCTIONS[name], random_segment()
    probe = jnp.asarray(np.random.default_rng(1).normal(size=segment.reward.shape), jnp.float32)

    def score(value: jax.Array) -> jax.Array:
        return jnp.sum(probe * replace(function, {path: value})(segment).advantage)

    at, step = float(get(function, path)), 1e-2
    slope = jax.jit(jax.grad(score))(jnp.float32(at))
    difference = (score(jnp.float32(at + step)) - score(jnp.float32(at - step))) / (2 * step)
    assert abs(float(slope)) > 1e-2
    np.testing.assert_allclose(slope, difference, rtol=2e-2)


@pytest.mark.slow
def test_gradients_pass_through_one_of_returns() -> None:
    segment = random_segment()

    def score(gamma: jax.Array, index: jax.Array) -> jax.Array:
        options = (GAE(gamma=gamma, lam=LAM), NStep(gamma=gamma, n=3))
        return jnp.sum(OneOfReturns(options=options, index=index)(segment).value ** 2)

    slopes = jax.vmap(jax.grad(score), in_axes=(None, 0))(jnp.float32(GAMMA), jnp.arange(2, dtype=jnp.int32))
    assert np.all(np.isfinite(slopes))
    assert np.all(np.abs(slopes) > 1e-2)
