"""Off-policy returns agree with published arrays, with their definitions summed forward, and with their fixed points."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discover_zoo.returns.lambda_return import LambdaReturn
from discover_zoo.returns.leaky_v_trace import LeakyVTrace
from discover_zoo.returns.retrace import Retrace
from discover_zoo.returns.v_trace import VTrace

from discover import ReturnFunction, Segment, get, replace
from discover.components.component import fields

GAMMA = 0.9
RATIO = [1.5, 0.5, 2.0, 0.8]
compute = jax.jit(lambda function, segment: function(segment))


def segment_of(reward: Any, value: Any, next_value: Any, ratio: Any, terminated: Any = (), truncated: Any = ()) -> Segment:
    """A segment of ``[T]`` or ``[T, B]`` arrays; endings as lists of steps or as boolean arrays."""
    shape = np.shape(reward)

    def mask(steps: Any) -> np.ndarray:
        made = np.zeros(shape, bool)
        made[steps if isinstance(steps, np.ndarray) else list(steps)] = True
        return made

    arrays = (reward, value, next_value, mask(terminated), mask(truncated), np.zeros(shape), np.log(ratio))
    columns = [jnp.asarray(np.asarray(a).reshape(shape[0], -1)) for a in arrays]
    return Segment(*(c if c.dtype == bool else c.astype(jnp.float32) for c in columns))


def fixture(ratio: Any = RATIO, terminated: Any = (), truncated: Any = ()) -> Segment:
    """FIX-A: r = [1, 0, -1, 2], v = [.5, 1, -.5, .2 | .8], gamma = .9."""
    return segment_of([1.0, 0.0, -1.0, 2.0], [0.5, 1.0, -0.5, 0.2], [1.0, -0.5, 0.2, 0.8], ratio, terminated, truncated)


def random_segment(steps: int = 40, columns: int = 6) -> Segment:
    """Random rewards, values and ratios with many endings."""
    random = np.random.default_rng(0)
    reward, value, next_value, log_ratio = random.normal(size=(4, steps, columns))
    ending = random.choice([0, 1, 2], p=[0.8, 0.1, 0.1], size=(steps, columns))
    next_value[:-1] = np.where(ending[:-1] > 0, next_value[:-1], value[1:])
    return segment_of(reward, value, next_value, np.exp(log_ratio), ending == 1, ending == 2)


def summed(segment: Segment, weight: Any, trace: Any) -> np.ndarray:
    """``sum_k (prod_{i < k} d_i trace_i) weight_k delta_k`` to the end of the episode, for every step of every column.

    ``trace[t, i]`` is what passes an error on from step i + 1 to step i.
    """
    s = jax.tree.map(lambda x: np.asarray(x, np.float64), segment)
    delta = s.reward + GAMMA * (1 - s.terminated) * s.next_value - s.value
    total = np.zeros_like(delta)
    for t, b in np.ndindex(*delta.shape):
        product = 1.0
        for k in range(t, len(delta)):
            total[t, b] += product * weight[k, b] * delta[k, b]
            if s.terminated[k, b] or s.truncated[k, b] or k == len(delta) - 1:
                break
            product *= GAMMA * trace(k, b)
    return total


@pytest.mark.parametrize(
    ("lam", "ratio", "value", "advantage"),
    [
        (1.0, RATIO, [1.852732, 0.947480, 0.994400, 2.216000], [1.352732, -0.052520, 1.494400, 2.016000]),
        (0.8, RATIO, [1.671290, 0.682347, 0.631520, 2.216000], [1.171290, -0.317653, 1.131520, 2.016000]),
        (1.0, [1.0] * 4, [2.17288, 1.3032, 1.448, 2.72], [1.67288, 0.3032, 1.948, 2.52]),
    ],
    ids=["lam 1", "lam 0.8", "on-policy"],
)
def test_v_trace_of_the_fixture(lam: float, ratio: list[float], value: list[float], advantage: list[float]) -> None:
    for function in (VTrace(gamma=GAMMA, lam=lam), LeakyVTrace(gamma=GAMMA, lam=lam)):
        targets = compute(function, fixture(ratio))
        np.testing.assert_allclose(targets.value[:, 0], value, atol=1e-5)
        np.testing.assert_allclose(targets.advantage[:, 0], advantage, atol=1e-5)


def test_unless_set_the_numbers_are_those_published() -> None:
    """Nothing leaks, ratios are bounded by 1, and corrections reach as far as they can."""
    for function in (VTrace(), LeakyVTrace(), Retrace()):
        numbers = {field.name: float(get(function, field.name)) for field in fields(type(function))}
        assert numbers.pop("gamma") == pytest.approx(0.99)
        assert set(numbers.values()) == {1.0}


def test_retrace_of_its_fixture() -> None:
    q, q_next = (
        np.array([[0.5, 0.1], [0.2, 0.4], [0.0, -0.3], [0.6, 0.2]]),
        np.array([[0.2, 0.4], [0.0, -0.3], [0.6, 0.2], [0.1, 0.9]]),
    )
    action, behavior = [0, 1, 0, 1], [1.0, 0.6, 0.4, 0.5]
    segment = segment_of([1.0, 0.0, -1.0, 2.0], q[range(4), action], q_next.mean(axis=1), 0.5 / np.asarray(behavior))
    targets = compute(Retrace(gamma=GAMMA, lam=0.9), segment)
    np.testing.assert_allclose(targets.advantage[:, 0], [1.055407, 0.422825, 1.1825, 2.25], atol=1e-5)
    np.testing.assert_allclose(targets.value - segment.value, targets.advantage, atol=1e-6)


def test_random_segments_agree_with_the_definitions() -> None:
    segment = random_segment()
    ratio = np.exp(np.asarray(segment.target_log_prob, np.float64))
    rho, c = np.minimum(1.2, ratio), np.minimum(0.9, ratio)
    got = compute(VTrace(gamma=GAMMA, lam=0.7, rho_bar=1.2, c_bar=0.9), segment)
    correction = summed(segment, rho, lambda k, b: 0.7 * c[k, b])
    np.testing.assert_allclose(got.value - segment.value, correction, atol=2e-5)
    retrace = compute(Retrace(gamma=GAMMA, lam=0.7), segment)
    expected = summed(segment, np.ones_like(rho), lambda k, b: 0.7 * min(1.0, ratio[k + 1, b]))
    np.testing.assert_allclose(retrace.advantage, expected, atol=2e-5)


def test_the_advantage_of_v_trace_looks_one_step_ahead_to_the_target() -> None:
    segment = random_segment()
    targets = compute(VTrace(gamma=GAMMA, lam=0.7), segment)
    s = jax.tree.map(np.asarray, segment)
    goes_on = ~(s.terminated | s.truncated)
    goes_on[-1] = False
    following = np.where(goes_on, 0.3 * s.next_value + 0.7 * np.roll(targets.value, -1, axis=0), s.next_value)
    gain = s.reward + GAMMA * ~s.terminated * following - s.value
    np.testing.assert_allclose(targets.advantage, np.minimum(1.0, np.exp(s.target_log_prob)) * gain, atol=2e-5)


def test_on_policy_all_are_the_lambda_return() -> None:
    segment = random_segment()._replace(target_log_prob=jnp.zeros((40, 6)))
    expected = compute(LambdaReturn(gamma=GAMMA, lam=0.7), segment).value
    for function in (VTrace(gamma=GAMMA, lam=0.7), LeakyVTrace(gamma=GAMMA, lam=0.7), Retrace(gamma=GAMMA, lam=0.7)):
        np.testing.assert_allclose(compute(function, segment).value, expected, atol=2e-5)


def test_leaky_v_trace_lets_ratios_through() -> None:
    segment = random_segment()
    ratio = np.exp(np.asarray(segment.target_log_prob, np.float64))
    got = compute(LeakyVTrace(gamma=GAMMA, lam=0.7, alpha_rho=0.0, alpha_c=0.0), segment)
    plain = summed(segment, ratio, lambda k, b: 0.7 * ratio[k, b])
    np.testing.assert_allclose(got.value - segment.value, plain, rtol=1e-4, atol=1e-4)
    half = compute(LeakyVTrace(gamma=GAMMA, lam=0.0, alpha_rho=0.5), segment)
    bounded = summed(segment, 0.5 * np.minimum(1.0, ratio) + 0.5 * ratio, lambda k, b: 0.0)
    np.testing.assert_allclose(half.value - segment.value, bounded, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("rho_bar", "expected"), [(1.0, 5.0 / 6.0), (10.0, 0.9)])
def test_the_value_learned_on_a_bandit_is_that_of_the_truncated_policy(rho_bar: float, expected: float) -> None:
    """``mu = (.5, .5)``, ``pi = (.9, .1)``, rewards (1, 0): neither .5 nor, with ratios up to 1, the .9 of ``pi``."""
    both, none = jnp.ones((1, 2), bool), jnp.zeros((1, 2))
    pulls = Segment(jnp.array([[1.0, 0.0]]), none, none, both, ~both, none, jnp.log(jnp.array([[1.8, 0.2]])))

    def learn(value: jax.Array, _: None) -> tuple[jax.Array, None]:
        targets = VTrace(rho_bar=rho_bar)(pulls._replace(value=jnp.full((1, 2), value)))
        return value + 0.5 * (jnp.mean(targets.value) - value), None

    value, _ = jax.jit(lambda: jax.lax.scan(learn, jnp.zeros(()), None, length=100))()
    assert float(value) == pytest.approx(expected, abs=1e-5)


def test_a_vanishing_behavior_probability_leaves_targets_and_slopes_finite() -> None:
    segment = fixture([1e30, 0.5, 1e-30, 1e30])

    def total(function: ReturnFunction) -> jax.Array:
        return sum((jnp.sum(x) for x in function(segment)), jnp.zeros(()))

    for function in (VTrace(), LeakyVTrace(), Retrace()):
        value, slope = jax.jit(jax.value_and_grad(total))(function)
        assert all(np.isfinite(x).all() for x in jax.tree.leaves((value, slope)))


@pytest.mark.parametrize(
    ("function", "path"),
    [(VTrace(gamma=GAMMA, lam=0.7, rho_bar=1.3, c_bar=0.8), path) for path in ("gamma", "lam", "rho_bar", "c_bar")]
    + [(LeakyVTrace(gamma=GAMMA, lam=0.7, alpha_rho=0.6, alpha_c=0.4), path) for path in ("alpha_rho", "alpha_c")]
    + [(Retrace(gamma=GAMMA, lam=0.7), path) for path in ("gamma", "lam")],
    ids=lambda x: x if isinstance(x, str) else type(x).__name__,
)
def test_gradients_are_those_of_finite_differences_and_not_zero(function: ReturnFunction, path: str) -> None:
    segment = random_segment()
    probe = jnp.asarray(np.random.default_rng(1).normal(size=segment.reward.shape), jnp.float32)

    def score(value: jax.Array) -> jax.Array:
        return jnp.sum(probe * replace(function, {path: value})(segment).value)

    at, step = float(get(function, path)), 1e-2
    score = jax.jit(score)
    slope = jax.grad(score)(jnp.float32(at))
    difference = (score(jnp.float32(at + step)) - score(jnp.float32(at - step))) / (2 * step)
    assert abs(float(slope)) > 1e-2
    np.testing.assert_allclose(slope, difference, rtol=5e-2)
