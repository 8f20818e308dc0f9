"""Domains: whatever the coordinates, the value is legal; and the typed operators of a genetic search."""

import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.typing import ArrayLike

from discover import UserError
from discover.components.domains import Domain, DomainValue
from discover.components.number_domains import IntegerDomain, RealDomain
from discover.components.option_domains import ChoiceDomain, OptionIndexDomain
from discover.components.weights_domain import WeightsDomain

REALS = [
    RealDomain(-3.0, 5.0),
    RealDomain(1e-6, 1e-1, "log"),
    RealDomain(0.8, 0.9999, "log1m"),
    RealDomain(0.01, 0.99, "logit"),
    RealDomain(0.0, 1.0, std=2.0),
    RealDomain(-3e38, 3e38),
]
WHOLES = [IntegerDomain(1, 2), IntegerDomain(-3, 5), IntegerDomain(0, 2**20 - 1), IntegerDomain(1, 32, std=2.0)]
EXTREMES = [0.0, 1.0, -1.0, 1e4, -1e4, 3e38, -3e38]


def encode(domain: Domain, value: DomainValue) -> np.ndarray:
    return np.asarray(domain.encode(value))


@pytest.mark.parametrize("domain", [*REALS, *WHOLES], ids=str)
@pytest.mark.parametrize("coordinate", EXTREMES)
def test_any_finite_coordinates_decode_to_a_legal_value(domain: Domain, coordinate: float) -> None:
    value = domain.decode(jnp.asarray([coordinate], jnp.float32))
    assert domain.check(value) is None
    assert value.dtype == domain.dtype


@pytest.mark.parametrize("domain", [*REALS, *WHOLES], ids=str)
def test_both_bounds_are_reached_in_finite_coordinates(domain: RealDomain | IntegerDomain) -> None:
    low, high = encode(domain, domain.low), encode(domain, domain.high)
    assert domain.decode(jnp.asarray(low)) == pytest.approx(domain.low, rel=1e-5, abs=1e-6)
    assert domain.decode(jnp.asarray(high)) == pytest.approx(domain.high, rel=1e-5, abs=1e-6)
    assert np.all(np.isfinite(low))
    assert np.all(np.isfinite(high))


@pytest.mark.parametrize("domain", REALS[:5], ids=str)
def test_a_real_number_survives_encoding(domain: RealDomain) -> None:
    for share in np.linspace(0, 1, 21):
        value = domain.low + share * (domain.high - domain.low)
        assert domain.decode(jnp.asarray(domain.encode(value))) == pytest.approx(value, rel=2e-5, abs=2e-6)


@pytest.mark.parametrize("domain", REALS[:5], ids=str)
def test_a_traced_number_is_encoded_as_a_written_one(domain: RealDomain) -> None:
    """A rule that adapts numbers starts from those of the candidate, which are batched over a population."""
    values = np.linspace(domain.low, domain.high, 21, dtype=np.float32)
    traced = jax.jit(jax.vmap(domain.encode))(values)
    np.testing.assert_allclose(traced, [domain.encode(value) for value in values], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("domain", REALS[:5], ids=str)
def test_a_gradient_can_leave_a_bound(domain: RealDomain) -> None:
    slope = jax.vmap(jax.grad(lambda x: domain.decode(x[None])))
    edges = np.concatenate([domain.encode(domain.low), domain.encode(domain.high)])
    at, beyond = slope(jnp.asarray(edges)), slope(jnp.asarray(1.1 * edges))
    assert np.all(np.isfinite(at))
    assert np.all(at > 0.0)
    assert np.all(beyond > 0.0)


@pytest.mark.parametrize("domain", WHOLES, ids=str)
def test_a_whole_number_survives_encoding_exactly(domain: IntegerDomain) -> None:
    count = domain.high - domain.low + 1
    for value in sorted({domain.low + round(share * (count - 1)) for share in np.linspace(0, 1, 101)}):
        assert domain.decode(jnp.asarray(domain.encode(value))) == value


def test_the_scale_says_where_the_middle_is() -> None:
    middle = jnp.zeros(1)
    assert RealDomain(0.0, 10.0).decode(middle) == pytest.approx(5.0)
    assert RealDomain(1e-6, 1e-2, "log").decode(middle) == pytest.approx(1e-4, rel=1e-4)
    assert RealDomain(0.9, 0.999, "log1m").decode(middle) == pytest.approx(0.99, rel=1e-5)
    assert RealDomain(0.2, 0.8, "logit").decode(middle) == pytest.approx(0.5)


@pytest.mark.parametrize("domain", REALS[:5], ids=str)
def test_the_slope_is_finite_at_any_coordinates(domain: RealDomain) -> None:
    slope = jax.vmap(jax.grad(lambda x: domain.decode(x[None])))(jnp.asarray(EXTREMES, jnp.float32))
    assert bool(jnp.all(jnp.isfinite(slope)))


def test_a_deviation_of_one_half_moves_a_number_by_an_eighth_of_its_range() -> None:
    assert RealDomain(0.0, 1.0, std=0.5).decode(jnp.ones(1)) == pytest.approx(0.5 + 1 / 8, abs=0.005)


@pytest.mark.parametrize("domain", [RealDomain(0.0, 1.0), IntegerDomain(0, 9)], ids=str)
def test_the_prior_is_even_over_the_range(domain: Domain) -> None:
    draws = jax.vmap(lambda key: domain.decode(domain.sample(key)))(jax.random.split(jax.random.key(0), 4000))
    tenths = np.bincount(
        np.minimum(np.asarray(draws) * (10 if isinstance(domain, RealDomain) else 1), 9).astype(int), minlength=10
    )
    assert np.all(np.abs(tenths - 400) < 5 * math.sqrt(400))


def test_categories_are_drawn_evenly_and_survive_encoding() -> None:
    domain = ChoiceDomain(5)
    draws = jax.vmap(lambda key: domain.decode(domain.sample(key)))(jax.random.split(jax.random.key(0), 4000))
    assert np.all(np.abs(np.bincount(np.asarray(draws), minlength=5) - 800) < 5 * math.sqrt(800))
    assert [int(domain.decode(jnp.asarray(domain.encode(option)))) for option in range(5)] == list(range(5))


def many(operator: Callable[..., jax.Array], noise: int, *parents: ArrayLike, draws: int = 1000) -> np.ndarray:
    """The results ``[draws, ...]`` of an operator of a domain for the same parents and many draws of its randomness."""
    uniform = jax.random.uniform(jax.random.key(0), (draws, noise)[: 2 if noise else 1])
    return np.asarray(jax.jit(jax.vmap(lambda u: operator(u, *map(jnp.asarray, parents))))(uniform))


@pytest.mark.parametrize("domain", [IntegerDomain(1, 2), IntegerDomain(-3, 5), ChoiceDomain(2), ChoiceDomain(5)], ids=str)
def test_a_mutation_changes_a_whole_number_and_a_category_for_sure(domain: IntegerDomain | ChoiceDomain) -> None:
    options = range(domain.low, domain.high + 1) if isinstance(domain, IntegerDomain) else range(domain.options)
    for option in options:
        moved = many(lambda u, c: domain.decode(domain.mutate(u, c)), domain.size + 1, domain.encode(option))
        assert option not in moved
        assert set(moved) <= set(options)
        if isinstance(domain, ChoiceDomain):
            counts = np.bincount(moved, minlength=len(options))
            expected = 1000 / (len(options) - 1)
            assert np.all(np.abs(np.delete(counts, option) - expected) < 5 * math.sqrt(expected))


def test_a_mutation_of_a_number_is_centered_with_sizes_from_a_hundredth_to_one_deviation() -> None:
    moves = many(RealDomain(0.0, 1.0).mutate, 2, [0.0], draws=4000)[:, 0]
    assert abs(moves.mean()) < 5 * moves.std() / math.sqrt(4000)
    assert moves.std() == pytest.approx(math.sqrt((1 - 1e-4) / (4 * math.log(10))), rel=0.1)  # E[10^(-4u)]
    assert 0.0 < np.quantile(np.abs(moves), 0.1) < 0.02


def test_a_mutation_of_a_whole_number_goes_as_far_as_a_deviation_of_a_real_one() -> None:
    """Mid-range, a std of one half is an eighth of the range; sizes are rounded, but not to none."""
    wide, narrow = IntegerDomain(0, 999), IntegerDomain(0, 9)
    far = many(lambda u, c: wide.decode(wide.mutate(u, c)), 2, wide.encode(500), draws=8000) - 500
    assert np.sqrt(np.mean(far.astype(float) ** 2)) == pytest.approx(125.0, rel=0.05)
    near = np.abs(many(lambda u, c: narrow.decode(narrow.mutate(u, c)), 2, narrow.encode(4), draws=8000) - 4)
    assert np.mean(near == 1) == pytest.approx(math.erf(1.5 / 1.25 / math.sqrt(2.0)), abs=0.025)  # |1.25 N| < 1.5


def test_mutation_and_crossover_never_wander_off_to_where_nothing_changes() -> None:
    domain = RealDomain(0.0, 1.0)
    edge = domain.encode(1.0)
    for moved in (many(domain.mutate, 2, edge), many(domain.crossover, 0, edge, -edge)):
        assert edge - 1e-5 <= moved.max() <= edge + 1e-5
        assert moved.min() < edge


@pytest.mark.parametrize("domain", [RealDomain(0.0, 1.0), IntegerDomain(0, 99)], ids=str)
def test_a_child_of_numbers_lies_on_the_line_through_its_parents(domain: Domain) -> None:
    children = many(domain.crossover, 0, [-1.0], [1.0])
    assert -1.5 <= children.min() < -1.4
    assert 1.4 < children.max() <= 1.5
    assert abs(children.mean()) < 0.15


def test_a_child_of_weights_or_categories_takes_them_whole() -> None:
    weights = WeightsDomain(lambda owner, key: {"w": jnp.zeros((2, 3))}).bind(object())
    for domain in (weights, ChoiceDomain(6)):
        children = many(domain.crossover, 0, np.zeros(6), np.ones(6))
        assert set(children.sum(axis=1)) == {0.0, 6.0}


def test_weights_keep_their_shapes_and_stay_finite() -> None:
    domain = WeightsDomain(lambda owner, key: {"w": jax.random.normal(key, (2, 3)), "b": jnp.zeros(3)}, std=0.1).bind(object())
    assert domain.size == 9
    value = {"w": np.arange(6.0, dtype=np.float32).reshape(2, 3), "b": np.ones(3, np.float32)}
    decoded = domain.decode(jnp.asarray(domain.encode(value)))
    assert all(jax.tree.leaves(jax.tree.map(lambda a, b: np.allclose(a, b, rtol=1e-6), value, decoded)))
    for coordinate in EXTREMES:
        assert domain.check(domain.decode(jnp.full(9, coordinate, jnp.float32))) is None


def test_an_option_index_takes_its_size_from_its_owner() -> None:
    domain = OptionIndexDomain(count=lambda owner: len(owner)).bind(("a", "b", "c"))
    assert domain.size == 3
    assert domain.check(3) == "must lie in [0, 2]; got 3"
    unbound = OptionIndexDomain(count=len)
    assert unbound.check(0) is None
    assert unbound.check(-1) == "must lie in [0, 1073741824]; got -1"


def test_the_largest_number_of_float32_is_a_bound() -> None:
    largest = float(np.finfo(np.float32).max)
    assert RealDomain(0.0, largest).high == largest
    with pytest.raises(UserError, match="needs finite numbers"):
        RealDomain(0.0, 1.001 * largest)


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (lambda: RealDomain(0, 1, "lin"), "scale 'lin' is unknown; choose one of linear, log, log1m, logit."),  # type: ignore[arg-type]
        (lambda: RealDomain(1, 1), "a real domain needs finite numbers low < high; got low=1, high=1."),
        (lambda: RealDomain(0, math.inf), "a real domain needs finite numbers low < high; got low=0, high=inf."),
        (lambda: RealDomain("1e-4", 1), "a real domain needs finite numbers low < high; got low='1e-4', high=1."),  # type: ignore[arg-type]
        (lambda: RealDomain(0, 1, "log"), "scale 'log' is not finite at low=0 or high=1; move the bound."),
        (lambda: RealDomain(0.5, 1, "log1m"), "scale 'log1m' is not finite at low=0.5 or high=1; move the bound."),
        (lambda: RealDomain(0, 1, std=0.0), "std must be a finite number above 0; got 0.0."),
        (lambda: IntegerDomain(1, 1), "an integer domain needs whole numbers low < high; got low=1, high=1."),
        (lambda: IntegerDomain(0.5, 2), "an integer domain needs whole numbers low < high; got low=0.5, high=2."),  # type: ignore[arg-type]
        (lambda: IntegerDomain(0, 2**20), "an integer domain holds 1048576 numbers at most; got low=0, high=1048576."),
        (lambda: IntegerDomain(0, 1, std=-1.0), "std must be a finite number above 0; got -1.0."),
        (lambda: WeightsDomain(lambda o, k: 0, std=math.nan), "std must be a finite number above 0; got nan."),
    ],
)
def test_a_domain_that_makes_no_sense_is_refused(build: object, sentence: str) -> None:
    with pytest.raises(UserError) as error:
        build()  # type: ignore[operator]
    assert str(error.value) == sentence


@pytest.mark.parametrize(
    ("domain", "value", "problem"),
    [
        (RealDomain(0, 1), 1.5, "must lie in [0, 1]; got 1.5"),
        (RealDomain(0, 1), math.nan, "must lie in [0, 1]; got nan"),
        (RealDomain(0, 1), "a", "must be one number; got 'a'"),
        (RealDomain(0, 1), [0.1, 0.2], "must be one number; got [0.1, 0.2]"),
        (IntegerDomain(1, 3), 4, "must lie in [1, 3]; got 4"),
        (IntegerDomain(1, 3), 1.5, "must be one whole number; got 1.5"),
        (ChoiceDomain(3), 3, "must lie in [0, 2]; got 3"),
    ],
)
def test_what_does_not_belong_to_a_domain_is_told(domain: Domain, value: object, problem: str) -> None:
    assert domain.check(value) == problem


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({"w": np.zeros((2, 2))}, "must be arrays of shapes {'w': (3,)}; got {'w': (2, 2)}"),
        ({"v": np.zeros(3)}, "must be arrays of shapes {'w': (3,)}; got {'v': (3,)}"),
        ({"w": np.full(3, np.nan)}, "must be finite; it holds NaN or infinity"),
    ],
)
def test_weights_of_another_shape_or_not_finite_are_told(value: object, problem: str) -> None:
    assert WeightsDomain(lambda owner, key: {"w": jnp.zeros(3)}).bind(object()).check(value) == problem
