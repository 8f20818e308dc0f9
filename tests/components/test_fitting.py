"""Fitting: candidates of one space in another, exact where it holds them, and a sentence for whatever it lacks."""

from typing import Any, ClassVar, Literal

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from discover import Component, Integer, Scalar, Space, Weights, choice, component, free, integer, option_index, real, weights
from discover.components.effective import effective, values_by_path
from discover.components.fitting import fit


class Part(Component):
    kind: ClassVar[str] = "part"


@component
class Lever(Part):
    slope: Scalar = real(0.25, low=-1.0, high=1.0)
    rate: Scalar = real(0.01, low=1e-5, high=1.0, scale="log")


@component
class Wheel(Part):
    teeth: Integer = integer(7, low=3, high=40)
    rate: Scalar = real(0.5, low=1e-5, high=1.0, scale="log")


@component
class Net(Part):
    width: int = 3
    w: Weights = weights(init=lambda self, key: jnp.zeros((2, self.width)))


@component
class OneOf(Part):
    parts: tuple[Part, ...]
    index: Integer = option_index(0, count=lambda self: len(self.parts))

    def effective(self) -> Part:
        return self.parts[int(self.index)]


@component
class Machine(Component):
    part: Part
    spare: Part | None = None
    mode: Literal["slow", "fast", "late"] = "slow"
    size: int = 4
    gain: Scalar = real(2.0, low=0.0, high=10.0)


def open_part() -> Any:
    return choice(Lever(slope=free(), rate=free()), Wheel(teeth=free(low=5), rate=0.5), Net(w=free()))


def space(**changes: Any) -> Space:
    given: dict[str, Any] = {"part": open_part(), "mode": choice("slow", "fast"), "size": choice(2, 8), "gain": free(high=5.0)}
    return Space(Machine(**{**given, **changes}))


def machine(**changes: Any) -> Machine:
    return Machine(**{"part": Wheel(teeth=9), "size": 8, "gain": 1.0, **changes})


def same(one: Component, other: Component) -> None:
    first, second = values_by_path(effective(one)), values_by_path(effective(other))
    assert first.keys() == second.keys()
    for path, value in first.items():
        assert second[path] == (pytest.approx(value, rel=1e-4) if isinstance(value, float) else value)


@pytest.mark.parametrize(
    "candidate",
    [
        machine(),
        machine(mode="fast", part=Lever(slope=-0.75, rate=0.001)),
        machine(size=2, part=Net(w=np.arange(6.0, dtype=np.float32).reshape(2, 3))),
        machine(part=OneOf(parts=(Lever(), Wheel(teeth=31)), index=1)),  # what the other part is has no effect
    ],
)
def test_what_a_space_holds_is_exact(candidate: Machine) -> None:
    within = space()
    fitted = fit(within, candidate)
    assert fitted.misfits == ()
    same(within.decode(fitted.genome), candidate)


def test_an_option_of_several_stands_for_a_part() -> None:
    several = OneOf(parts=(Lever(slope=free()), Wheel(teeth=free())), index=free())
    within = Space(Machine(part=several, size=8, gain=1.0))
    fitted = fit(within, machine(part=Wheel(teeth=11)))
    assert fitted.misfits == ()
    same(within.decode(fitted.genome), machine(part=Wheel(teeth=11)))
    (lost,) = fit(Space(Machine(part=OneOf(parts=several.parts, index=0), size=8, gain=1.0)), machine()).misfits
    assert str(lost) == "part: 1 is not in the space, where the nearest is 0"


@pytest.mark.parametrize(
    ("change", "told", "nearest"),
    [
        ({"gain": 7.5}, "gain: 7.5 is not in the space, where the nearest is 5", {"gain": 5.0}),
        ({"part": Wheel(teeth=3)}, "part.teeth: 3 is not in the space, where the nearest is 5", {"part.teeth": 5}),
        ({"part": Wheel(rate=0.1)}, "part.rate: 0.1 is not in the space, where the nearest is 0.5", {"part.rate": 0.5}),
        ({"mode": "late"}, "mode: 'late' is not in the space, where the nearest is 'slow'", {"mode": "slow"}),
        ({"size": 7}, "size: 7 is not in the space, where the nearest is 8", {"size": 8}),
        ({"spare": Wheel()}, "spare: Wheel is not in the space, where the nearest is None", {"part.teeth": 9}),
        ({"part": Net(width=5)}, "part.width: 5 is not in the space, where the nearest is 3", {"part.width": 3}),
    ],
)
def test_what_a_space_lacks_is_told_and_replaced_by_the_nearest(
    change: dict[str, Any], told: str, nearest: dict[str, Any]
) -> None:
    within = space()
    fitted = fit(within, machine(**change))
    assert told in [str(misfit) for misfit in fitted.misfits]
    values = values_by_path(within.decode(fitted.genome))
    assert {path: values[path] for path in nearest} == {path: pytest.approx(value) for path, value in nearest.items()}


def test_another_component_keeps_what_both_call_by_one_name() -> None:
    within = Space(Machine(part=Lever(slope=free(), rate=free())))
    fitted = fit(within, Machine(part=Wheel(rate=0.125)))
    assert [str(misfit) for misfit in fitted.misfits] == ["part: Wheel is not in the space, where the nearest is Lever"]
    lever = within.decode(fitted.genome).part
    assert (float(lever.slope), float(lever.rate)) == (pytest.approx(0.25), pytest.approx(0.125))


def test_what_a_candidate_does_not_say_is_where_a_search_begins() -> None:
    within = space()
    fitted, start = fit(within, machine()), np.asarray(within.start(jax.random.key(0)))
    below = [gene for gene in within.genes if gene.path.startswith(("part.0.", "part.2."))]
    for gene in below:
        place = slice(gene.start, gene.start + gene.size)
        np.testing.assert_array_equal(fitted.genome[place], start[place])
