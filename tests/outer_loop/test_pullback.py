"""Gradients of candidates in the coordinates of genomes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from climbing import Blind
from discover_zoo.returns.n_step import NStep

from discover import Algorithm, Component, Gradients, Integer, Scalar, Space, UserError, component, free, integer, real
from discover.outer_loop.pullback import Pullback
from discover.testing.small import Affine


@component
class Numbers(Component):
    """A number with a derivative, one that stays as it is, and a whole one."""

    rate: Scalar = real(0.01, low=1e-4, high=1.0, scale="log")
    fixed: Scalar = real(0.5, low=0.0, high=1.0)
    count: Integer = integer(3, low=1, high=9)


def gradients(counts: list[list[float]], *batches: np.ndarray) -> Gradients:
    return Gradients(tuple(np.asarray(batch, np.float32) for batch in batches), np.asarray(counts, np.float32), {})


def test_whole_numbers_have_gradient_zero_and_others_that_of_their_value() -> None:
    space = Space(Numbers(rate=free(), count=free()))
    genomes = np.array([[0.3, 1.0]], np.float32)
    pullback = Pullback(space, ())
    assert pullback.leaves == (True, False, False)
    slope = jax.grad(lambda g: space.decode(g, ()).rate)(jnp.asarray(genomes[0]))[0]
    gradient, error = pullback(genomes, gradients([[2.0, 1.0]], np.array([[3.0, 6.0]])))
    np.testing.assert_allclose(gradient, [[4.0 * slope, 0.0]], rtol=1e-6)
    np.testing.assert_allclose(error, [[np.sqrt(2.0) * slope, 0.0]], rtol=1e-6)  # variance (2 * 1 + 1 * 4) / 3 of 2 batches


def test_a_gradient_that_nobody_has_is_nan_and_one_batch_has_no_error() -> None:
    pullback, genomes = Pullback(Space(Numbers(rate=free())), ()), np.zeros((2, 1), np.float32)
    gradient, error = pullback(genomes, gradients([[0.0, 0.0], [0.0, 2.0]], np.array([[0.0, 0.0], [0.0, 1.0]])))
    assert np.isnan(gradient[0]).all()
    assert np.isfinite(gradient[1]).all()
    assert np.isinf(error).all()


def test_weights_of_any_tree_come_to_their_own_coordinates() -> None:
    space = Space(Algorithm(rule=Blind(), network=Affine()))
    pullback = Pullback(space, ())
    bend, slope = np.array([[[1.0, 2.0]]]), np.array([[3.0]])
    gradient, _ = pullback(np.zeros((1, 3), np.float32), gradients([[1.0]], bend, slope))
    np.testing.assert_allclose(gradient, [[0.1, 0.2, 0.3]], rtol=1e-6)  # a coordinate is a tenth of a weight


@pytest.mark.parametrize(
    ("template", "why"),
    [
        (Numbers(count=free()), "no open value is a real number"),
        (Algorithm(rule=Blind(fraction=free()), network=Affine()), "Blind is not differentiable with respect to 'fraction'"),
    ],
)
def test_what_has_no_derivative_is_told(template: Component, why: str) -> None:
    with pytest.raises(UserError, match=why):
        Pullback(Space(template), ())


def test_a_whole_number_beside_a_real_one_is_no_mistake() -> None:
    assert Pullback(Space(NStep(n=free(), gamma=free())), ()).leaves.count(True) == 1
