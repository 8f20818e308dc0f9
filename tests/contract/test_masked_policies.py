"""Policies with actions that cannot be: their numbers are those of the policy over the others, and all slopes are finite."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from discover import Categorical

MASKED = jnp.asarray([0.0, -jnp.inf, 1.0])
OTHERS = jnp.asarray([0.0, 1.0])
FURTHER = jnp.asarray([0.5, -jnp.inf, -0.3])


def log_prob(logits: jax.Array) -> jax.Array:
    return Categorical(logits).log_prob(jnp.int32(2))


def entropy(logits: jax.Array) -> jax.Array:
    return Categorical(logits).entropy()


def to_itself(logits: jax.Array) -> jax.Array:
    return Categorical(logits).kl(Categorical(logits))


def from_it(logits: jax.Array) -> jax.Array:
    return Categorical(logits).kl(Categorical(FURTHER))


def to_it(logits: jax.Array) -> jax.Array:
    return Categorical(FURTHER).kl(Categorical(logits))


@pytest.mark.parametrize(("number", "value"), [(log_prob, -0.3133), (entropy, 0.5822), (to_itself, 0.0)])
def test_numbers_that_are_known(number: Callable[[jax.Array], jax.Array], value: float) -> None:
    assert float(number(MASKED)) == pytest.approx(value, abs=5e-5)


@pytest.mark.parametrize("number", [log_prob, entropy, to_itself, from_it, to_it])
def test_numbers_and_slopes_are_those_of_the_policy_over_what_is_possible(number: Callable[[jax.Array], jax.Array]) -> None:
    """Values, slopes and second derivatives; compiled, and side by side with a policy that masks another action."""

    def over_the_others(logits: jax.Array) -> jax.Array:
        seen = jnp.full(3, -1e9).at[jnp.asarray([0, 2])].set(logits)  # so unlikely that float32 knows no difference
        return number(seen)

    both = jax.jit(jax.vmap(jax.value_and_grad(number)))
    value, slope = jax.tree.map(lambda x: x[0], both(jnp.stack([MASKED, MASKED + 1.0])))
    wanted, rise = jax.value_and_grad(over_the_others)(OTHERS)
    np.testing.assert_allclose(value, wanted, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(slope, [rise[0], 0.0, rise[1]], rtol=1e-5, atol=1e-7)
    curvature, bend = jax.jit(jax.hessian(number))(MASKED), jax.hessian(over_the_others)(OTHERS)
    np.testing.assert_allclose(curvature[::2, ::2], bend, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(curvature[1], 0.0)


def test_a_divergence_to_what_leaves_no_room_is_infinite() -> None:
    everything = jnp.zeros(3)
    assert float(Categorical(everything).kl(Categorical(MASKED))) == np.inf
    assert float(Categorical(MASKED).kl(Categorical(everything))) == pytest.approx(np.log(3.0) - 0.5822, abs=5e-5)
    assert float(Categorical(MASKED).log_prob(jnp.int32(1))) == -np.inf


def test_an_impossible_action_is_neither_drawn_nor_the_mode() -> None:
    policy = Categorical(jnp.broadcast_to(MASKED, (2000, 3)))
    assert set(np.asarray(policy.sample(jax.random.key(0))).tolist()) == {0, 2}
    assert set(np.asarray(policy.mode()).tolist()) == {2}


def test_what_is_not_a_number_stays_so() -> None:
    broken = jnp.asarray([0.0, jnp.nan, 1.0])
    assert all(np.isnan(number(broken)) for number in (log_prob, entropy, to_itself))
