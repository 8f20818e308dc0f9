"""Optimizers agree with optax number for number, and have finite derivatives where optax's are not."""

import inspect
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from discover_zoo.optimizers.adam import Adam
from discover_zoo.optimizers.clip_norm import ClipNorm
from discover_zoo.optimizers.optax.adapter import OptaxOptimizer, functions
from discover_zoo.optimizers.optax.table import ADAPTED, NOT_DIFFERENTIABLE, rmsprop
from discover_zoo.optimizers.optax.unsuited import REPLACED, UNSUITED
from discover_zoo.optimizers.sgd import SGD

from discover import Optimizer, component, replace
from discover.components.component import fields
from discover.components.number_domains import RealDomain
from discover.plugin.loader import load_plugins
from discover.testing import ConformanceError, check_optimizer

PARAMS = {"kernel": jnp.linspace(-1.0, 1.0, 12).reshape(3, 4), "bias": jnp.zeros(4)}


def gradients(steps: int, scale: float = 1.0) -> Any:
    """Random gradients ``[steps, ...]`` of sizes between 1e-4 and 10 times ``scale``."""
    random = np.random.default_rng(0)

    def draw(p: jax.Array) -> jax.Array:
        size = 10.0 ** random.uniform(-4, 1, (steps, *p.shape))
        return jnp.asarray(scale * size * random.choice([-1.0, 1.0], size.shape), jnp.float32)

    return jax.tree.map(draw, PARAMS)


def ours(optimizer: Optimizer, grads: Any, progress: float = 0.0) -> Any:
    """Parameters after each step."""

    def step(carry: Any, gradient: Any) -> tuple[Any, Any]:
        carry = optimizer.update(gradient, carry[1], carry[0], jnp.float32(progress))
        return carry, carry[0]

    return jax.lax.scan(step, (PARAMS, optimizer.init(PARAMS)), grads)[1]


def theirs(transform: optax.GradientTransformation, grads: Any) -> Any:
    def step(carry: Any, gradient: Any) -> tuple[Any, Any]:
        updates, state = transform.update(gradient, carry[1], carry[0])
        params = optax.apply_updates(carry[0], updates)
        return (params, state), params

    return jax.lax.scan(step, (PARAMS, transform.init(PARAMS)), grads)[1]


def optax_adam(learning_rate: float, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8) -> Any:
    """optax's Adam with the numbers in float32, as ours holds them: ``1 - 0.999`` alone differs by 1e-5 otherwise."""
    return optax.adam(learning_rate, *map(jnp.float32, (beta1, beta2, eps)))


def assert_equal_trees(a: Any, b: Any, rtol: float = 2e-6, atol: float = 2e-7) -> None:
    for x, y in zip(*map(jax.tree.leaves, (a, b)), strict=True):
        np.testing.assert_allclose(x, y, rtol=rtol, atol=atol)


@pytest.mark.parametrize(
    "numbers", [{"learning_rate": 1e-2}, {"learning_rate": 2.5e-4, "beta1": 0.5, "beta2": 0.9, "eps": 1e-5}]
)
def test_adam_is_that_of_optax(numbers: dict[str, float]) -> None:
    grads = gradients(10)
    assert_equal_trees(ours(Adam(**numbers), grads), theirs(optax_adam(**numbers), grads))


def test_the_term_that_keeps_slopes_finite_changes_no_step_by_more_than_a_millionth() -> None:
    """From parameters at zero, so that the first step itself is compared; the smallest gradient is 1e-4."""
    grads = jax.tree.map(lambda g: g[0], gradients(1))
    start = jax.tree.map(jnp.zeros_like, PARAMS)
    adam, reference = Adam(learning_rate=0.1), optax_adam(learning_rate=0.1)
    mine, _ = adam.update(grads, adam.init(start), start, jnp.float32(0.0))
    expected, _ = reference.update(grads, reference.init(start), start)
    assert_equal_trees(mine, expected, rtol=1e-6, atol=0.0)


def test_the_step_falls_linearly_with_annealing() -> None:
    grads = gradients(1)
    for optimizer in (Adam(learning_rate=0.1, anneal=1.0), SGD(learning_rate=0.1, anneal=1.0)):
        full, part, none = (ours(optimizer, grads, progress) for progress in (0.0, 0.25, 1.0))
        for p, a, b, c in zip(*map(jax.tree.leaves, (PARAMS, full, part, none)), strict=True):
            np.testing.assert_allclose(b[0] - p, 0.75 * (a[0] - p), atol=1e-6)
            np.testing.assert_allclose(c[0], p, atol=0.0)


def test_sgd_is_its_equation() -> None:
    grads = gradients(3)
    expected = jax.tree.map(lambda p, g: p - 0.1 * jnp.cumsum(g, axis=0), PARAMS, grads)
    assert_equal_trees(ours(SGD(learning_rate=0.1), grads), expected, atol=1e-6)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 100.0])
def test_clipping_is_that_of_optax(scale: float) -> None:
    grads = gradients(5, scale)
    reference = optax.chain(optax.clip_by_global_norm(0.5), optax.sgd(0.1))
    assert_equal_trees(ours(ClipNorm(optimizer=SGD(learning_rate=0.1), max_norm=0.5), grads), theirs(reference, grads))
    largest = max(float(optax.tree.norm(jax.tree.map(lambda g, i=i: g[i], grads))) for i in range(5))
    assert (largest < 0.5) == (scale == 1e-3)


def test_clipping_before_adam_is_that_of_optax() -> None:
    grads = gradients(10, 10.0)
    reference = optax.chain(optax.clip_by_global_norm(0.5), optax_adam(1e-2, eps=1e-5))
    mine = ClipNorm(optimizer=Adam(learning_rate=1e-2, eps=1e-5), max_norm=0.5)
    assert_equal_trees(ours(mine, grads), theirs(reference, grads))


@pytest.mark.parametrize("mode", [jax.jacrev, jax.jacfwd])
@pytest.mark.parametrize("kept", [0.0, 1.0], ids=["no gradient at all", "a dead unit"])
def test_derivatives_through_the_update_are_finite_at_a_zero_gradient(mode: Any, kept: float) -> None:
    """With respect to the gradient's size, and to every number of the optimizer."""
    alive = {"kernel": jnp.ones((3, 4)).at[:, 0].set(0.0), "bias": jnp.ones(4).at[0].set(0.0)}
    dead = jax.tree.map(lambda g, a: kept * g * a, gradients(3), alive)
    optimizer = ClipNorm(optimizer=Adam(eps=1e-10), max_norm=0.5)
    paths = ["max_norm", *(f"optimizer.{name}" for name in ("learning_rate", "beta1", "beta2", "eps", "anneal"))]

    def score(size: jax.Array, numbers: dict[str, jax.Array]) -> jax.Array:
        after = ours(replace(optimizer, numbers), jax.tree.map(lambda g: size * g, dead))
        return sum(jnp.sum(jnp.cos(leaf)) for leaf in jax.tree.leaves(after))  # type: ignore[return-value]

    numbers = {path: jnp.float32(value) for path, value in zip(paths, (0.5, 1e-2, 0.9, 0.999, 1e-10, 0.0), strict=True)}
    slopes = jax.jit(mode(score, argnums=(0, 1)))(jnp.float32(1.0), numbers)
    for slope in jax.tree.leaves(slopes):
        assert np.isfinite(slope)
    assert (float(jnp.abs(slopes[1]["optimizer.learning_rate"])) > 0.0) == (kept > 0.0)


# Those of optax -------------------------------------------------------------------------------------------------------

REPRESENTATIVE = ("rmsprop", "lamb")
EVERY = [name if name in REPRESENTATIVE else pytest.param(name, marks=pytest.mark.slow) for name in sorted(ADAPTED)]


def test_every_optimizer_of_optax_that_takes_a_learning_rate_is_here_or_has_a_reason() -> None:
    registered = {entry.name for entry in load_plugins().registry.entries("optimizer")}
    assert set(functions()) == set(ADAPTED) | REPLACED | set(UNSUITED)
    assert set(ADAPTED) | REPLACED <= registered
    assert not set(UNSUITED) & registered
    assert {"adamw", "nadam", "rmsprop", "lion", "muon", "prodigy"} <= set(ADAPTED)
    assert ADAPTED.keys() >= NOT_DIFFERENTIABLE


@pytest.mark.parametrize("name", sorted(ADAPTED))
def test_its_fields_are_the_arguments_of_optax_that_are_plain_values_with_their_defaults(name: str) -> None:
    arguments = {argument: parameter.default for argument, parameter in inspect.signature(functions()[name]).parameters.items()}
    plain = {argument: default for argument, default in arguments.items() if isinstance(default, bool | int | float)}
    expected = {"learning_rate": 1e-3, "anneal": 0.0, **plain}
    if "eps_root" in expected:
        expected["eps_root"] = max(expected["eps_root"], 1e-16)
    if "momentum" in arguments:
        expected["momentum"] = arguments["momentum"]
    assert {field.name: field.default for field in fields(ADAPTED[name])} == expected
    assert ADAPTED[name].is_installed()


@component
class Unheard(OptaxOptimizer):
    """Of a name that optax does not have."""


@component
class Fuller(rmsprop):
    """With an argument that optax's function does not have."""

    temperature: float = 1.0


Fuller.__name__ = "rmsprop"


@pytest.mark.parametrize("missing", [Unheard, Fuller])
def test_what_the_installed_optax_does_not_have_is_known_beforehand(missing: type[OptaxOptimizer]) -> None:
    assert not missing.is_installed()


def test_every_learning_rate_is_searched_by_its_order_of_magnitude() -> None:
    made = [entry.component for entry in load_plugins().registry.entries("optimizer")]
    rates = {kind.__name__: f.domain for kind in made if kind for f in fields(kind) if f.name == "learning_rate"}
    assert {"Adam", "SGD", "rmsprop"} <= rates.keys()
    assert all(isinstance(domain, RealDomain) and domain.scale == "log" for domain in rates.values())


@pytest.mark.parametrize("name", ["lbfgs", "momo", "momo_adam", "sophia"])
def test_some_of_optax_cannot_work_with_gradients_alone(name: str) -> None:
    transform = functions()[name](learning_rate=0.1)
    with pytest.raises((TypeError, ValueError)):
        transform.update(PARAMS, transform.init(PARAMS), PARAMS)


def test_noise_needs_a_key() -> None:
    with pytest.warns(UserWarning, match="Specifying a key will be required"):
        functions()["noisy_sgd"](learning_rate=0.1)


@pytest.mark.parametrize("name", EVERY)
def test_each_is_that_of_optax(name: str) -> None:
    """Over gradients far from zero, where the term for finite slopes does not show; also on a single number."""
    grads, rate = gradients(4), 0.01
    mine = ADAPTED[name](learning_rate=rate)
    held = {f: jnp.float32(getattr(mine, f)) for f in ("b1", "b2", "b3", "eps", "decay", "beta") if hasattr(mine, f)}
    assert_equal_trees(ours(mine, grads), theirs(functions()[name](learning_rate=rate, **held), grads), rtol=1e-4, atol=1e-6)
    number = {"bias": jnp.float32(0.5)}
    after, _ = mine.update(number, mine.init(number), number, jnp.float32(0.0))
    assert after["bias"].shape == ()
    assert np.isfinite(after["bias"])


def test_the_step_of_optax_falls_with_annealing_too() -> None:
    grads = gradients(1)
    mine = ADAPTED["rmsprop"](learning_rate=0.1, anneal=1.0)
    full, part = (ours(mine, grads, progress) for progress in (0.0, 0.25))
    for p, a, b in zip(*map(jax.tree.leaves, (PARAMS, full, part)), strict=True):
        np.testing.assert_allclose(b[0] - p, 0.75 * (a[0] - p), atol=1e-6)


def test_a_norm_clip_leaves_layers_to_those_who_treat_them_apart() -> None:
    grads = gradients(3, 10.0)
    reference = optax.chain(optax.clip_by_global_norm(0.5), optax.lamb(0.1))
    mine = ClipNorm(optimizer=ADAPTED["lamb"](learning_rate=0.1), max_norm=0.5)
    assert_equal_trees(ours(mine, grads), theirs(reference, grads), rtol=1e-4, atol=1e-5)
    assert mine.layerwise
    assert not ClipNorm(optimizer=Adam()).layerwise


def test_settings_that_one_optimizer_alone_has_are_static() -> None:
    made = rmsprop(centered=True, momentum=0.5, decay=0.8)
    assert repr(made) == "rmsprop(learning_rate=0.001, anneal=0.0, decay=0.8, eps=1e-08, centered=True, momentum=0.5)"
    assert len(jax.tree.leaves(made)) == 4


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(NOT_DIFFERENTIABLE))
def test_those_that_are_not_for_meta_gradients_are_not(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ADAPTED[name], "not_differentiable", ())
    with pytest.raises(ConformanceError, match="has a derivative that is not finite"):
        check_optimizer(ADAPTED[name]())
