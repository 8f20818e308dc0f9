"""Components: what construction casts and refuses, how they print, and that they are pytrees."""

import ast
import dataclasses
from collections.abc import Callable
from typing import Annotated, Any, Literal

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import toys
from toys import Blank, Climb, Learned, OneStep

from discover import (
    Algorithm,
    AtLeast,
    Component,
    Count,
    Integer,
    ReturnFunction,
    Scalar,
    UserError,
    Wrapper,
    choice,
    component,
    domain_at,
    free,
    get,
    integer,
    option_index,
    real,
    replace,
)
from discover.base.errors import shortened
from discover.components.component import fields
from discover.components.number_domains import RealDomain
from discover.components.open_values import FieldValue
from discover.components.paths import check


@component
class Nested(ReturnFunction):
    """Every role of a field at once."""

    inner: ReturnFunction
    several: tuple[ReturnFunction, ...] = ()
    optional: OneStep | None = None
    index: Integer = option_index(count=lambda self: len(self.several))
    horizon: Integer = integer(3, low=1, high=9)
    gain: Scalar = real(1.0, low=0.0, high=2.0)
    widths: tuple[int, ...] = (4,)
    steps: Count = 3
    lag: Annotated[int, AtLeast(0)] = 0
    layers: tuple[Count, ...] = (2,)
    rate: float = 0.5
    ceiling: float | None = None
    bounds: tuple[float, float] = (0.0, 1.0)
    name: str = "a"
    flag: bool = False
    mode: Literal["plain", "odd"] = "plain"


def nested(**changes: FieldValue) -> Nested:
    return Nested(**{"inner": OneStep(), "several": (OneStep(gamma=0.1), Learned()), **changes})


# Casts ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [1, 1.0, np.float64(1), np.int8(1), jnp.ones((), jnp.float16), jnp.asarray(1.0), np.ones(())])
def test_a_real_field_becomes_a_strong_float32_so_that_nothing_compiles_anew(value: Scalar) -> None:
    traced = []

    @jax.jit
    def double(function: OneStep) -> Scalar:
        traced.append(function)
        return 2 * function.gamma

    double(OneStep(gamma=0.5))
    assert OneStep(gamma=value).gamma.dtype == np.float32  # type: ignore[union-attr]
    assert double(OneStep(gamma=value)) == 2.0
    assert len(traced) == 1


def test_an_integer_field_becomes_int32() -> None:
    for value in (2, np.int64(2), jnp.asarray(2), jnp.ones((), jnp.int8) * 2):
        instance = nested(horizon=value).horizon
        assert instance.dtype == np.int32  # type: ignore[union-attr]
        assert instance == 2


def test_leaves_may_carry_a_population_axis() -> None:
    assert np.shape(OneStep(gamma=jnp.linspace(0, 1, 5)).gamma) == (5,)


def test_whole_numbers_are_taken_for_static_real_numbers() -> None:
    instance = nested(rate=1, ceiling=2, bounds=(0, 3))
    assert (instance.rate, instance.ceiling, instance.bounds) == (1.0, 2.0, (0.0, 3.0))
    assert all(type(x) is float for x in (instance.rate, instance.ceiling, *instance.bounds))
    assert jax.tree.structure(instance) == jax.tree.structure(nested(rate=1.0, ceiling=2.0, bounds=(0.0, 3.0)))


# Refusals -------------------------------------------------------------------------------------------------------------

LONG = "1" + 38 * "0" + " … " + 37 * "0"  # how 10**400 prints in a sentence
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"gain": "high"}, "gain of Nested must be a number; got 'high'."),
    ({"gain": True}, "gain of Nested must be a number; got True."),
    ({"gain": None}, "gain of Nested must be a number; got None."),
    ({"gain": {"a": 1.0}}, "gain of Nested must be a number; got {'a': 1.0}."),
    ({"gain": 1e300}, "gain of Nested must be a number that float32 can hold; got 1e+300."),
    ({"horizon": 2.5}, "horizon of Nested must be a whole number; got 2.5."),
    ({"horizon": jnp.float32(2.0)}, "horizon of Nested must be a whole number; got a float32 array."),
    ({"horizon": 2**32 + 5}, "horizon of Nested must be a whole number that int32 can hold; got 4294967301."),
    ({"horizon": 10**400}, f"horizon of Nested must be a whole number; got {LONG}."),
    ({"widths": [4]}, "widths of Nested must be a tuple, each item a whole number; got [4]."),
    ({"widths": (4, 2.0)}, "widths of Nested must be a tuple, each item a whole number; got (4, 2.0)."),
    ({"widths": (True,)}, "widths of Nested must be a tuple, each item a whole number; got (True,)."),
    ({"steps": 0}, "steps of Nested must be a whole number of at least 1; got 0."),
    ({"steps": True}, "steps of Nested must be a whole number of at least 1; got True."),
    ({"lag": -1}, "lag of Nested must be a whole number of at least 0; got -1."),
    ({"layers": (4, 0)}, "layers of Nested must be a tuple, each item a whole number of at least 1; got (4, 0)."),
    ({"bounds": (0.0,)}, "bounds of Nested must be a tuple of a finite number and a finite number; got (0.0,)."),
    ({"rate": float("nan")}, "rate of Nested must be a finite number; got nan."),
    ({"rate": float("inf")}, "rate of Nested must be a finite number; got inf."),
    ({"rate": "fast"}, "rate of Nested must be a finite number; got 'fast'."),
    ({"rate": np.ones(2)}, "rate of Nested must be a finite number; got array([1., 1.])."),
    ({"rate": 10**400}, f"rate of Nested must be a finite number; got {LONG}."),
    ({"ceiling": "sky"}, "ceiling of Nested must be a finite number or null; got 'sky'."),
    ({"name": 3}, "name of Nested must be a text; got 3."),
    ({"flag": 1}, "flag of Nested must be true or false; got 1."),
    ({"mode": "even"}, "mode of Nested must be one of 'plain', 'odd'; got 'even'."),
    ({"mode": np.zeros(2)}, "mode of Nested must be one of 'plain', 'odd'; got array([0., 0.])."),
    ({"inner": Blank()}, "inner of Nested must be a return function; got 'Blank', a network."),
    ({"inner": OneStep}, "inner of Nested must be a return function; got the class OneStep: write OneStep()."),
    ({"inner": 3}, "inner of Nested must be a return function; got 3."),
    ({"several": [OneStep()]}, "several of Nested must be a tuple of return functions; got [OneStep(gamma=0.9)]."),
    ({"several": (Blank(),)}, "several of Nested must be a return function; got 'Blank', a network."),
    ({"optional": Learned()}, "optional of Nested must be OneStep, a return function; got 'Learned', a return function."),
]


@pytest.mark.parametrize(("changes", "sentence"), REFUSED, ids=lambda x: x if isinstance(x, str) else "")
def test_a_wrong_value_is_refused_in_one_sentence(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError) as caught:
        nested(**changes)
    assert str(caught.value) == shortened(sentence)


def test_a_function_is_no_static_value() -> None:
    with pytest.raises(UserError, match=r"^rate of Nested must be a finite number; got <function .*lambda.*>\.$"):
        nested(rate=lambda: 1.0)


def test_literals_tell_true_from_one() -> None:
    @component
    class Counted(ReturnFunction):
        count: Literal[1, 2] = 1

    with pytest.raises(UserError, match=r"^count of Counted must be one of 1, 2; got True\.$"):
        Counted(count=True)  # type: ignore[arg-type]


def test_a_field_of_any_type_holds_plain_values_only() -> None:
    @component
    class Loose(ReturnFunction):
        value: Any = None

    assert Loose(value=(1, ("a", None))).value == (1, ("a", None))
    for refused in ([1], (1, [2]), (float("nan"),), {"a": 1}, np.ones(1), len):
        with pytest.raises(
            UserError, match=r"^value of Loose must be a plain value \(text, number, true, false, null or a tuple"
        ):
            Loose(value=refused)


def test_a_class_must_be_of_a_kind_and_leave_construction_alone() -> None:
    with pytest.raises(
        UserError, match=r"^@component class 'Stranger' must derive from a kind, such as discover.UpdateRule\.$"
    ):

        @component
        class Stranger:
            pass

    with pytest.raises(UserError, match=r"^@component class 'Eager' defines __post_init__.*check them where they are used\.$"):

        @component
        class Eager(ReturnFunction):
            def __post_init__(self) -> None:
                raise AssertionError


def test_an_annotation_that_cannot_be_read_is_named() -> None:
    @component
    class Lost(ReturnFunction):
        inner: "Nowhere"  # type: ignore[name-defined]  # noqa: F821

    with pytest.raises(UserError, match=r"^an annotation of component 'Lost' cannot be read \(name 'Nowhere' is not defined\)"):
        fields(Lost)


# Printing -------------------------------------------------------------------------------------------------------------


def evaluate(text: str) -> Any:
    names = {**vars(toys), "Nested": Nested, "Algorithm": Algorithm, "free": free, "choice": choice}
    return eval(compile(ast.parse(text, mode="eval"), "repr", "eval"), names)


@pytest.mark.parametrize(
    "instance",
    [
        OneStep(gamma=0.1),
        OneStep(gamma=np.nextafter(np.float32(0.9), np.float32(1))),
        nested(optional=OneStep(), several=(OneStep(),), widths=(1,), name="it's", bounds=(1e-12, 2.0)),
        OneStep(gamma=free()),
        nested(inner=choice(OneStep(gamma=free(low=0.5, scale="log1m")), Learned()), mode=choice("plain", "odd")),
        Algorithm(rule=Climb(slope=-3, fails=True), network=Blank()),
    ],
    ids=lambda instance: type(instance).__name__,
)
def test_a_component_prints_as_itself(instance: Component) -> None:
    again = evaluate(repr(instance))
    assert repr(again) == repr(instance)
    assert jax.tree.structure(again) == jax.tree.structure(instance)
    assert [np.asarray(x).tobytes() for x in jax.tree.leaves(again) if not dataclasses.is_dataclass(x)] == [
        np.asarray(x).tobytes() for x in jax.tree.leaves(instance) if not dataclasses.is_dataclass(x)
    ]


def test_it_prints_what_was_set_and_no_more() -> None:
    assert repr(OneStep(gamma=1)) == "OneStep(gamma=1.0)"
    assert repr(OneStep(gamma=jnp.zeros(3))) == "OneStep(gamma=float32[3])"
    assert repr(Learned()) == "Learned(drift=free())"
    weighted = Learned(drift=({"kernel": np.ones((2, 3)), "offset": 0.5}, [np.ones(3)]))
    assert repr(weighted) == "Learned(drift=({'kernel': float32[2, 3], 'offset': 0.5}, [float32[3]]))"


def test_tracers_print() -> None:
    texts = []
    jax.jit(lambda function: texts.append(repr(function)))(OneStep())
    assert texts[0].startswith("OneStep(gamma=")


# Paths ----------------------------------------------------------------------------------------------------------------


def test_values_are_got_and_replaced_by_path() -> None:
    instance = nested()
    changed = replace(instance, {"inner.gamma": 0.25, "several.0.gamma": 1, "widths": (8, 8), "optional": OneStep()})
    assert [float(get(changed, path)) for path in ("inner.gamma", "several.0.gamma")] == [0.25, 1.0]
    assert get(changed, "widths") == (8, 8)
    assert get(changed, "several.1") is instance.several[1]
    assert float(get(instance, "inner.gamma")) == np.float32(0.9)
    assert get(changed, "several.0.gamma").dtype == np.float32


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("inner.gama", "OneStep has no field 'gama'; did you mean 'gamma'? Known: gamma."),
        ("several.2.gamma", "path 'several.2.gamma': '2' is not an index below 2."),
        ("several.last", "path 'several.last': 'last' is not an index below 2."),
        (
            "inner.gamma.x",
            "path 'inner.gamma.x': there is no 'x', since what stands before it has no fields; shorten the path.",
        ),
        (
            "optional.gamma",
            "path 'optional.gamma': there is no 'gamma', since what stands before it has no fields; shorten the path.",
        ),
    ],
)
def test_a_wrong_path_is_told(path: str, sentence: str) -> None:
    for use in (lambda: get(nested(), path), lambda: replace(nested(), {path: 1.0})):
        with pytest.raises(UserError) as caught:
            use()
        assert str(caught.value) == sentence


def test_the_domain_of_a_number_is_found_by_its_path() -> None:
    assert domain_at(nested(), "several.0.gamma") == RealDomain(0.0, 1.0)
    assert domain_at(nested(), "index").size == 2  # as its owner has it
    for path in ("widths", "several.0", "inner"):
        with pytest.raises(UserError, match=f"^{path} of Nested is structure, not a number: name a field with a domain.$"):
            domain_at(nested(), path)


# Complete candidates --------------------------------------------------------------------------------------------------


@component
class Layer(Wrapper):
    size: Scalar = real(1.0, low=0.5, high=2.0)


WEIGHTS = toys._start(Learned(), jax.random.key(0))
UNSOUND: list[tuple[Component, str]] = [
    (OneStep(gamma=free()), "gamma of OneStep is open (free()): set it, or search over it."),
    (Learned(), "drift of Learned is open (free()): set it, or search over it."),
    (OneStep(gamma=1.5), "gamma of OneStep must lie in [0, 1]; got 1.5."),
    (OneStep(gamma=np.nan), "gamma of OneStep must lie in [0, 1]; got nan."),
    (OneStep(gamma=jnp.ones(2)), "gamma of OneStep must be one number; got Array([1., 1.], dtype=float32)."),
    (nested(several=(OneStep(gamma=-1),)), "several.0.gamma of OneStep must lie in [0, 1]; got -1."),
    (nested(inner=OneStep(), several=(OneStep(),), index=4), "index of Nested must lie in [0, 0]; got 4."),
    (nested(horizon=0, several=(OneStep(),)), "horizon of Nested must lie in [1, 9]; got 0."),
    (
        nested(several=(OneStep(),), mode=choice("plain", "odd")),
        "mode of Nested is open (choice('plain', 'odd')): set it, or search over it.",
    ),
    (
        Algorithm(rule=Climb(), network=Blank(), wrappers=(choice(Layer(), Layer(size=2.0)),)),
        "wrappers.0 of Algorithm is open (choice(Layer(size=1.0), Layer(size=2.0))): set it, or search over it.",
    ),
    (
        Learned(drift=WEIGHTS[0]),
        "drift of Learned must be arrays of shapes ({'kernel': (2, 3), 'offset': ()}, [(3,)]); "
        "got {'kernel': (2, 3), 'offset': ()}.",
    ),
    (
        Learned(drift=jax.tree.map(lambda x: x * np.nan, WEIGHTS)),
        "drift of Learned must be finite; it holds NaN or infinity.",
    ),
]


@pytest.mark.parametrize(("instance", "sentence"), UNSOUND, ids=lambda x: x if isinstance(x, str) else "")
def test_an_unsound_candidate_is_told_by_path(instance: Component, sentence: str) -> None:
    with pytest.raises(UserError) as caught:
        check(instance)
    assert str(caught.value) == sentence


def test_a_sound_candidate_passes() -> None:
    check(nested(several=(OneStep(), Learned(drift=WEIGHTS)), optional=OneStep(), index=1))


def test_a_choice_needs_an_option() -> None:
    only = OneStep()
    assert choice(only) is only
    with pytest.raises(UserError, match=r"^choice needs an option or more; got none: write those that the search may take\.$"):
        choice()


# Pytrees --------------------------------------------------------------------------------------------------------------


def test_leaves_have_names_and_the_rest_is_structure() -> None:
    instance = nested(several=(OneStep(),), optional=None)
    leaves = {jax.tree_util.keystr(path): leaf for path, leaf in jax.tree_util.tree_leaves_with_path(instance)}
    assert sorted(leaves) == [".gain", ".horizon", ".index", ".inner.gamma", ".several[0].gamma"]
    assert hash(jax.tree.structure(instance)) == hash(jax.tree.structure(replace(instance, {"gain": 0.5})))
    assert jax.tree.structure(instance) != jax.tree.structure(replace(instance, {"name": "b"}))
    doubled = jax.tree.map(lambda x: x * 2, instance)
    assert isinstance(doubled, Nested)
    assert float(doubled.gain) == 2.0


def test_a_population_is_the_component_with_a_leading_axis() -> None:
    members = [
        nested(several=(OneStep(gamma=g),), inner=OneStep(gamma=1 - g), horizon=i + 1) for i, g in enumerate((0.0, 0.5, 1.0))
    ]
    population = jax.tree.map(lambda *leaves: jnp.stack(leaves), *members)
    assert isinstance(population, Nested)

    def use(instance: Nested) -> jax.Array:
        return get(instance, "several.0.gamma") + 10 * get(instance, "inner.gamma") + instance.horizon

    np.testing.assert_array_equal(jax.vmap(use)(population), [use(member) for member in members])


@pytest.mark.parametrize("transform", [jax.jit, jax.vmap, jax.grad, jax.linearize], ids=lambda f: f.__name__)
def test_tracers_pass_through_construction(transform: Callable[..., Any]) -> None:
    def build(gamma: jax.Array) -> Any:
        inner = OneStep(gamma=gamma)
        return replace(nested(inner=inner, several=(inner,)), {"gain": 2.0 * gamma}).gain

    value = jnp.ones(3) if transform is jax.vmap else jnp.float32(0.5)
    if transform is jax.linearize:
        assert jax.linearize(build, value)[1](1.0) == 2.0
    else:
        expected = {jax.jit: 1.0, jax.vmap: [2.0] * 3, jax.grad: 2.0}[transform]
        np.testing.assert_array_equal(transform(build)(value), expected)


def test_a_component_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        OneStep().gamma = 0.5  # type: ignore[misc]
