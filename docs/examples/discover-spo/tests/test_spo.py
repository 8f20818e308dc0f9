"""SPO obeys the laws of its kind, and its objective has its maximum where the paper says."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
from discover_spo.spo import SPO, surrogate

import discover
from discover.testing import check_component, check_update_rule


def test_the_rule_obeys_the_laws_of_update_rules() -> None:
    rule = discover.recipe("spo").rule
    assert isinstance(rule, SPO)
    check_component(rule)
    check_update_rule(dataclasses.replace(rule, steps=8, num_envs=2, epochs=2, minibatches=2))


def test_the_objective_is_steepest_at_first_and_flat_at_the_bound() -> None:
    slope = jax.vmap(jax.grad(surrogate), in_axes=(0, 0, None))
    at_first = slope(jnp.ones(2), jnp.asarray([2.0, -2.0]), 0.2)
    at_the_bound = slope(jnp.asarray([1.2, 0.8]), jnp.asarray([2.0, -2.0]), 0.2)
    np.testing.assert_allclose(at_first, [2.0, -2.0], atol=1e-5)
    np.testing.assert_allclose(at_the_bound, [0.0, 0.0], atol=1e-5)
